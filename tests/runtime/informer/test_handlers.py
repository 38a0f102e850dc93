"""What handlers are told: the three forms, in order, each on its own thread; late ones without gap or repetition."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import pytest

from kinform.errors import InformerStoppedError, UndecodableObjectError
from kinform.informer import InformerReason
from kinform.meta import ObjectKey

if TYPE_CHECKING:
    from tests.runtime.informer.conftest import MakeInformer, MakePod, Pod, Recorder

    from kinform.informer import ErrorReport, Event, SharedInformer
    from kinform.testing.fake_source import FakeFeed, FakeSource


@pytest.mark.scenario("M09a")
def test_callbacks_are_told_of_additions_updates_and_deletions_in_order(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    heard = recorder()
    informer.add_event_handler(**heard.callbacks)
    feed.replace(pod("a", 1), pod("b", 2), resource_version=5)
    feed.upsert(pod("a", 6))
    feed.remove(pod("b", 7))
    feed.upsert(pod("c", 8))
    assert heard.take(5) == ["add a@1", "add b@2", "update a@1 a@6", "delete b@7", "add c@8"]


@pytest.mark.scenario("M09a")
def test_callbacks_that_are_not_given_are_skipped_and_nothing_is_inflated_for_them(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, pod_class: type[Pod], recorder: type[Recorder]
) -> None:
    heard = recorder()
    before = pod_class.inflated
    informer.add_event_handler(on_delete=heard.on_delete)
    feed.replace(pod("a", 1), resource_version=5)
    feed.upsert(pod("a", 6))
    feed.remove(pod("a", 7))
    assert heard.take(1) == ["delete a@7"]
    assert pod_class.inflated == before + 1


def test_a_handler_without_any_callback_is_refused(informer: SharedInformer[Pod]) -> None:
    with pytest.raises(ValueError, match="at least one of"):
        informer.add_event_handler()
    with pytest.raises(ValueError, match="max_pending"):
        informer.add_handler(print, max_pending=0)


@pytest.mark.scenario("M09b")
def test_events_carry_type_key_objects_and_flags(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    heard = recorder()
    informer.add_handler(heard.on_event)
    feed.replace(pod("a", 1), resource_version=5)
    feed.upsert(pod("a", 6), pod("b", 7))
    feed.remove(pod("a", 8))
    feed.replace(resource_version=9)
    assert heard.take(5) == [
        "ADDED a@1 initial",
        "MODIFIED a@1 a@6",
        "ADDED b@7",
        "DELETED a@8",
        "DELETED b@7 final_state_unknown",
    ]


def test_an_event_inflates_what_is_read_and_only_once(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, pod_class: type[Pod], errors: list[ErrorReport]
) -> None:
    done = threading.Event()
    seen: list[object] = []

    def handler(event: Event[Pod]) -> None:
        seen.append((pod_class.inflated, str(event.key)))
        if event.key.name == "read":
            assert event.new is event.new
            assert event.object is event.new
            assert event.old is None
            seen.append(pod_class.inflated)
            done.set()

    before = pod_class.inflated
    informer.add_handler(handler)
    feed.replace(pod("ignored", 1), pod("read", 2), resource_version=5)
    assert done.wait(10)
    assert seen == [(before, "shop/ignored"), (before, "shop/read"), before + 1]
    assert errors == []


def test_an_event_names_the_owners_before_and_after_without_inflating(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, pod_class: type[Pod]
) -> None:
    owners = []
    done = threading.Semaphore(0)

    def handler(event: Event[Pod]) -> None:
        owners.append([(owner.kind, owner.name) for owner in event.owners()])
        done.release()

    before = pod_class.inflated
    informer.add_handler(handler)
    feed.replace(pod("a", 1, owner="x"), resource_version=5)
    feed.upsert(pod("a", 6, owner="x"))
    feed.upsert(pod("a", 7, owner="y"))
    feed.upsert(pod("a", 8))
    for _ in range(4):
        assert done.acquire(timeout=10)
    x, y = ("ReplicaSet", "x"), ("ReplicaSet", "y")
    assert owners == [[x], [x], [x, y], [y]]
    assert pod_class.inflated == before


def test_an_event_tells_what_it_is(informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod) -> None:
    shown = []
    done = threading.Event()

    def handler(event: Event[Pod]) -> None:
        shown.append(repr(event))
        done.set()

    informer.add_handler(handler)
    feed.replace(pod("a", 1), resource_version=5)
    assert done.wait(10)
    assert shown == ["<Event ADDED shop/a initial>"]


def test_key_handlers_hear_each_waiting_key_once_and_never_inflate(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, pod_class: type[Pod], recorder: type[Recorder]
) -> None:
    heard = recorder()
    gate = heard.block()
    before = pod_class.inflated
    registration = informer.add_key_handler(heard.on_key)
    feed.replace(pod("a", 1), resource_version=5)
    heard.wait_until_inside()
    for rv in range(6, 106):
        feed.upsert(pod("a", rv), pod("b", 1000 + rv))
    feed.remove(pod("b", 2000))
    assert registration.statistics().pending == 2
    gate.set()
    feed.upsert(pod("fence", 3000))
    assert heard.take(4) == ["key shop/a", "key shop/a", "key shop/b", "key shop/fence"]
    assert registration.statistics().coalesced == 199
    assert pod_class.inflated == before


@pytest.mark.scenario("K12")
def test_changes_found_by_a_relist_are_not_initial(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    heard = recorder()
    informer.add_handler(heard.on_event)
    feed.replace(pod("pod-1", 1), resource_version=1)
    feed.replace(pod("pod-1", 3), pod("pod-2", 2), resource_version=3)
    assert heard.take(3) == ["ADDED pod-1@1 initial", "MODIFIED pod-1@1 pod-1@3", "ADDED pod-2@2"]


@pytest.mark.scenario("K11a")
@pytest.mark.scenario("K11c")
@pytest.mark.scenario("trap-24")
def test_a_relist_tells_deletions_first_and_handlers_find_the_new_state_in_the_cache(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, errors: list[ErrorReport]
) -> None:
    history = []
    done = threading.Event()

    def handler(event: Event[Pod]) -> None:
        found = informer.read_entry(event.key)
        history.append((event.type.value, event.key.name, found.resource_version if found else None))
        if event.key.name == "pod-4":
            done.set()

    feed.replace(pod("pod-1", 1), pod("pod-2", 2), pod("pod-3", 3), resource_version=3)
    registration = informer.add_handler(handler)
    registration.wait_for_sync(10)
    history.clear()
    feed.replace(pod("pod-1", 4), pod("pod-2", 5), pod("pod-4", 6), resource_version=6)
    assert done.wait(10)
    assert history == [
        ("DELETED", "pod-3", None),
        ("MODIFIED", "pod-1", "4"),
        ("MODIFIED", "pod-2", "5"),
        ("ADDED", "pod-4", "6"),
    ]
    assert errors == []


@pytest.mark.scenario("K11b")
@pytest.mark.scenario("trap-15")
@pytest.mark.scenario("M10b")
def test_objects_that_a_relist_misses_are_deleted_with_their_last_known_state(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    heard = recorder()
    informer.add_handler(heard.on_event)
    feed.replace(pod("a", 1), pod("b", 2), resource_version=3)
    feed.replace(resource_version=9)
    assert heard.take(2) == ["ADDED a@1 initial", "ADDED b@2 initial"]
    assert sorted(heard.take(2)) == ["DELETED a@1 final_state_unknown", "DELETED b@2 final_state_unknown"]


@pytest.mark.scenario("trap-14")
def test_another_uid_under_the_same_name_is_a_deletion_and_an_addition(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    """client-go reports one update (O13 reports MODIFIED, too); here each object has its own beginning and end."""
    heard = recorder()
    informer.add_handler(heard.on_event)
    feed.replace(pod("a", 1, uid="first"), resource_version=1)
    feed.upsert(pod("a", 5, uid="second"))
    assert heard.take(3) == ["ADDED a@1 initial", "DELETED a@1 final_state_unknown", "ADDED a@5"]


@pytest.mark.scenario("S18")
@pytest.mark.scenario("trap-12")
def test_each_handler_has_its_own_thread_and_none_waits_for_another(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    slow, quick = recorder(), recorder()
    gate = slow.block()
    informer.add_event_handler(**slow.callbacks)
    informer.add_event_handler(**quick.callbacks)
    feed.replace(pod("a", 1), resource_version=1)
    slow.wait_until_inside()
    feed.upsert(pod("b", 2))
    assert quick.take(2) == ["add a@1", "add b@2"]
    assert informer.read_entry(ObjectKey("shop", "b")) is not None  # O11, C12: the cache waits for no handler
    gate.set()
    assert slow.take(2) == ["add a@1", "add b@2"]
    assert len(slow.threads) == len(quick.threads) == 1
    assert slow.threads != quick.threads
    assert all(thread.daemon for thread in slow.threads)


@pytest.mark.scenario("S12")
def test_the_same_function_can_be_registered_twice_with_two_registrations(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    heard = recorder()
    first = informer.add_handler(heard.on_event)
    second = informer.add_handler(heard.on_event)
    assert first is not second
    assert first.name != second.name
    feed.replace(pod("a", 1), resource_version=1)
    assert heard.take(2) == ["ADDED a@1 initial"] * 2
    assert first.remove(10)
    feed.upsert(pod("b", 2))
    feed.upsert(pod("c", 3))
    assert heard.take(2) == ["ADDED b@2", "ADDED c@3"]


@pytest.mark.scenario("S19a")
@pytest.mark.scenario("trap-09")
def test_a_handler_has_synced_once_every_initial_call_has_returned(
    make: MakeInformer, source: FakeSource, pod: MakePod, recorder: type[Recorder]
) -> None:
    first, second = recorder(), recorder()
    informer = make()
    one = informer.add_handler(first.on_event)
    assert not one.has_synced()
    informer.start()
    feed = source.feed()
    feed.replace(pod("pod1", 1), resource_version=1)
    one.wait_for_sync(10)
    assert one.has_synced()
    gate = second.block()
    two = informer.add_handler(second.on_event)
    assert not two.has_synced()
    second.wait_until_inside()
    assert not two.has_synced()
    gate.set()
    two.wait_for_sync(10)
    assert two.has_synced()
    feed.upsert(pod("pod2", 2))
    assert first.take(2) == second.take(2) == ["ADDED pod1@1 initial", "ADDED pod2@2"]


def test_a_handler_has_synced_at_once_where_there_was_nothing(
    informer: SharedInformer[Pod], feed: FakeFeed, recorder: type[Recorder]
) -> None:
    registration = informer.add_handler(recorder().on_event)
    assert not registration.has_synced()
    feed.replace(resource_version=1)
    registration.wait_for_sync(10)
    late = informer.add_handler(recorder().on_event)
    late.wait_for_sync(10)


@pytest.mark.scenario("trap-10")
def test_a_late_handler_hears_what_is_there_and_then_what_happens_without_gap_or_repetition(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    feed.replace(*(pod(f"p{n}", n + 1) for n in range(100)), resource_version=100)
    feed.upsert(pod("p0", 101))
    heard = recorder()
    gate = heard.block()
    informer.add_handler(heard.on_event)
    heard.wait_until_inside()
    # While the replay is stuck at its first object, others change, come and go.
    feed.upsert(pod("p50", 102))
    feed.remove(pod("p51", 103))
    feed.upsert(pod("new", 104))
    gate.set()
    replay = heard.take(100)
    assert sorted(replay) == sorted(["ADDED p0@101 initial", *(f"ADDED p{n}@{n + 1} initial" for n in range(1, 100))])
    assert heard.take(3) == ["MODIFIED p50@51 p50@102", "DELETED p51@103", "ADDED new@104"]


def test_a_late_key_handler_is_told_of_every_key_once(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    feed.replace(pod("a", 1), pod("b", 2), resource_version=2)
    heard = recorder()
    gate = heard.block()
    registration = informer.add_key_handler(heard.on_key)
    heard.wait_until_inside()
    feed.upsert(pod("b", 3))  # waits anyway: the replay's turn tells of it
    gate.set()
    registration.wait_for_sync(10)
    feed.upsert(pod("fence", 9))
    assert heard.take(3) == ["key shop/a", "key shop/b", "key shop/fence"]


def test_a_handler_may_register_another_from_within(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    inner = recorder()
    once = threading.Event()

    def outer(event: Event[Pod]) -> None:
        if not once.is_set():
            once.set()
            informer.add_handler(inner.on_event)

    informer.add_handler(outer)
    feed.replace(pod("a", 1), resource_version=1)
    assert inner.take(1) == ["ADDED a@1 initial"]


@pytest.mark.scenario("S21")
@pytest.mark.scenario("S22")
@pytest.mark.scenario("trap-13")
def test_a_handler_that_raises_is_reported_and_delivery_goes_on_and_it_counts_as_synced(
    informer: SharedInformer[Pod],
    feed: FakeFeed,
    pod: MakePod,
    errors: list[ErrorReport],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In client-go the registration never syncs and every panic costs a second: here neither."""
    done = threading.Event()

    def broken(event: Event[Pod]) -> None:
        if event.key.name == "last":
            done.set()
        raise RuntimeError(f"cannot take {event.key}")

    registration = informer.add_handler(broken)
    with caplog.at_level(logging.WARNING, logger="kinform"):
        feed.replace(*(pod(f"p{n}", n + 1) for n in range(5)), resource_version=5)
        registration.wait_for_sync(10)
        feed.upsert(pod("last", 6))
        assert done.wait(10)
        registration.remove(10)
    assert [(each.reason, each.handler, each.key) for each in errors] == [
        (InformerReason.HANDLER, registration.name, f"shop/{name}") for name in ("p0", "p1", "p2", "p3", "p4", "last")
    ]
    assert str(errors[0].exception) == "cannot take shop/p0"
    assert errors[0].informer == informer.name
    assert len(caplog.records) == 6
    assert "cannot take shop/p0" in caplog.text
    assert "Traceback" in caplog.text
    statistics = registration.statistics()
    assert (statistics.delivered, statistics.failed) == (6, 6)


def test_even_a_system_exit_in_a_handler_does_not_end_its_thread(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, errors: list[ErrorReport], recorder: type[Recorder]
) -> None:
    heard = recorder()

    def leave(pod: Pod) -> None:
        heard.on_add(pod)
        raise SystemExit(3)

    informer.add_event_handler(on_add=leave)
    feed.replace(pod("a", 1), pod("b", 2), resource_version=2)
    assert heard.take(2) == ["add a@1", "add b@2"]
    assert all(isinstance(each.exception, SystemExit) for each in errors)


def test_an_error_callback_that_raises_is_logged_and_hurts_nobody(
    make: MakeInformer, source: FakeSource, pod: MakePod, recorder: type[Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    def broken_callback(report: ErrorReport) -> None:
        raise ValueError("no, thanks")

    informer = make(on_error=broken_callback)
    informer.start()
    heard = recorder()

    def broken(pod: Pod) -> None:
        heard.on_add(pod)
        raise RuntimeError("broken")

    informer.add_event_handler(on_add=broken)
    source.feed().replace(pod("a", 1), pod("b", 2), resource_version=2)
    assert heard.take(2) == ["add a@1", "add b@2"]
    assert informer.stop(10).clean
    assert "no, thanks" in caplog.text


def test_not_even_an_error_callback_that_exits_ends_a_handler(
    make: MakeInformer, source: FakeSource, pod: MakePod, recorder: type[Recorder], caplog: pytest.LogCaptureFixture
) -> None:
    def leave(report: ErrorReport) -> None:
        raise SystemExit("no, thanks")

    informer = make(on_error=leave)
    informer.start()
    heard = recorder()

    def broken(pod: Pod) -> None:
        heard.on_add(pod)
        raise RuntimeError("broken")

    informer.add_event_handler(on_add=broken)
    source.feed().replace(pod("a", 1), pod("b", 2), resource_version=2)
    assert heard.take(2) == ["add a@1", "add b@2"]
    source.feed().fail(RuntimeError("of the watch"))
    assert informer.stop(10).clean
    assert caplog.text.count("SystemExit: no, thanks") == 3


def test_a_poison_object_reaches_its_readers_only_and_is_never_skipped(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder], errors: list[ErrorReport]
) -> None:
    callbacks, events, keys = recorder(), recorder(), recorder()
    informer.add_event_handler(**callbacks.callbacks, name="callbacks")
    informer.add_handler(events.on_event, name="events")
    informer.add_key_handler(keys.on_key, name="keys")
    feed.replace(pod("good", 1), pod("bad", 2, poison=True), pod("fine", 3), resource_version=3)
    assert callbacks.take(2) == ["add good@1", "add fine@3"]
    assert events.take(2) == ["ADDED good@1 initial", "ADDED fine@3 initial"]
    assert keys.take(3) == ["key shop/good", "key shop/bad", "key shop/fine"]
    assert {each.handler for each in errors} == {"callbacks", "events"}
    assert {each.reason for each in errors} == {InformerReason.UNDECODABLE}
    assert {each.key for each in errors} == {"shop/bad"}
    assert all(isinstance(each.exception, UndecodableObjectError) for each in errors)


def test_a_poison_object_that_is_mended_is_told_as_an_addition(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    heard = recorder()
    informer.add_event_handler(**heard.callbacks)
    feed.replace(pod("bad", 2, poison=True), resource_version=3)
    feed.upsert(pod("bad", 4))
    feed.upsert(pod("bad", 5))
    assert heard.take(2) == ["add bad@4", "update bad@4 bad@5"]


def test_a_mended_object_has_no_state_before_to_call_on_update_with(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder], errors: list[ErrorReport]
) -> None:
    heard = recorder()
    informer.add_event_handler(on_update=heard.on_update, name="updates")
    feed.replace(pod("bad", 2, poison=True), resource_version=3)
    feed.upsert(pod("bad", 4))
    feed.upsert(pod("bad", 5))
    assert heard.take(1) == ["update bad@4 bad@5"]
    assert [(each.reason, each.handler, each.key) for each in errors] == [
        (InformerReason.UNDECODABLE, "updates", "shop/bad")
    ]


@pytest.mark.scenario("S16")
def test_a_stopped_informer_takes_no_handlers(informer: SharedInformer[Pod]) -> None:
    informer.stop(10)
    with pytest.raises(InformerStoppedError, match="has been stopped"):
        informer.add_key_handler(print)


@pytest.mark.scenario("M13")
def test_handlers_are_named_after_their_functions(informer: SharedInformer[Pod], recorder: type[Recorder]) -> None:
    heard = recorder()

    def local(event: object) -> None: ...

    test = "test_handlers_are_named_after_their_functions"
    assert informer.add_handler(local).name == f"{test}.local"
    assert informer.add_handler(local).name == f"{test}.local #2"
    assert informer.add_event_handler(on_add=heard.on_add, on_delete=local).name == f"Recorder.on_add+{test}.local"
    assert informer.add_event_handler(on_add=local, on_delete=local).name == f"{test}.local #3"
    assert informer.add_key_handler(list[ObjectKey]().append).name == "list.append"
    assert informer.add_key_handler(print, name="mine").name == "mine"


def test_an_idle_handler_keeps_no_object_alive(
    make: MakeInformer, source: FakeSource, pod: MakePod, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gc
    import weakref

    monkeypatch.setenv("KINFORM_CACHE_MUTATION_DETECTOR", "0")  # it keeps what it watches
    informer = make()
    informer.start()
    references = []
    registration = informer.add_event_handler(on_add=lambda obj: references.append(weakref.ref(obj)))
    source.feed().replace(*(pod(f"pod-{n}", 1) for n in range(200)), resource_version=1)
    registration.wait_for_sync(10)
    last = references[-1]
    for entry in informer.read_entries()[:100]:  # the informer itself keeps those that were read last
        informer.inflate(entry)
    gc.collect()
    assert last() is None


def test_what_goes_and_comes_again_while_it_waits_is_told_of_from_where_the_handler_last_heard(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    """Of what leaves a selection and enters it again; the deletion's own state was never told."""
    heard = recorder()
    informer.add_handler(heard.on_event, max_pending=1)
    feed.replace(pod("a", 1), resource_version=1)
    assert heard.take(1) == ["ADDED a@1 initial"]
    heard.entered.acquire()
    gate = heard.block()
    feed.upsert(pod("b", 2))
    heard.wait_until_inside()
    feed.remove(pod("a", 3))
    feed.upsert(pod("a", 4))
    heard.gate = None
    gate.set()
    assert heard.take(2) == ["ADDED b@2", "MODIFIED a@1 a@4"]
