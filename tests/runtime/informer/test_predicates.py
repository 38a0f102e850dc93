"""Which objects and changes pass ``where=``, alone and combined, and what becomes of those that move in or out."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from kinform.errors import SelectorError
from kinform.informer import (
    InformerReason,
    annotations_changed,
    generation_changed,
    labels_changed,
    matches_labels,
    resource_version_changed,
    satisfies,
)
from kinform.informer.backlog import Pending
from kinform.informer.handlers import Verdict, judge
from kinform.informer.predicates import as_predicate, function_name
from kinform.meta import ObjectKey
from kinform.wire import Entry, EventType

if TYPE_CHECKING:
    from tests.runtime.informer.conftest import MakePod, Pod, Recorder

    from kinform.informer import ErrorReport, Predicate, SharedInformer
    from kinform.testing.fake_source import FakeFeed


def entry(
    name: str = "a", rv: str = "1", *, generation: int = 1, labels: dict[str, str] | None = None, body: bytes = b"{}"
) -> Entry:
    return Entry(ObjectKey("shop", name), f"uid-of-{name}", rv, generation, "", labels or {}, None, body)


def never(entry: Entry) -> object:
    raise AssertionError(f"{entry} was inflated")


WEB = matches_labels("app=web")
WEB_ENTRY, DB_ENTRY = entry(labels={"app": "web"}), entry(labels={"app": "db"})


def test_predicates_of_changes_select_everything_and_look_at_the_difference() -> None:
    assert generation_changed.selects(entry(), never)
    assert generation_changed.concerns(entry(generation=1), entry(generation=2), never)
    assert not generation_changed.concerns(entry(generation=1), entry(rv="2", generation=1), never)
    assert labels_changed.concerns(DB_ENTRY, WEB_ENTRY, never)
    assert not labels_changed.concerns(entry(rv="1"), entry(rv="2"), never)
    assert resource_version_changed.concerns(entry(rv="1"), entry(rv="2"), never)
    assert not resource_version_changed.concerns(entry(rv="1"), entry(rv="1"), never)


def annotated(annotations: str, rv: str = "1") -> Entry:
    return entry(
        rv=rv, body=b'{"metadata":{"resourceVersion":"%s","annotations":%s}}' % (rv.encode(), annotations.encode())
    )


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ('{"a":"b"}', '{"a":"b"}', False),
        ('{"a":"b","c":"d"}', '{"c":"d","a":"b"}', False),
        ("{}", "null", False),
        ('{"a":"b"}', '{"a":"c"}', True),
        ('{"a":"b"}', "{}", True),
        ('{"a":1}', '{"a":1}', True),
    ],
)
def test_changes_of_annotations_are_read_from_the_bytes(old: str, new: str, changed: bool) -> None:
    before, after = annotated(old, "1"), annotated(new, "2")
    assert annotations_changed.concerns(before, after, never) is changed
    assert (~annotations_changed).concerns(before, after, never) is not changed
    assert not annotations_changed.concerns(before, before, never)


def test_objects_without_bytes_or_metadata_may_have_changed_their_annotations() -> None:
    assert annotations_changed.concerns(entry(body=b""), entry(body=b"{}"), never)
    assert not annotations_changed.concerns(entry(body=b"{}"), entry(body=b'{"metadata":null}'), never)
    assert repr(annotations_changed | generation_changed) == "(annotations_changed | generation_changed)"


def test_predicates_of_objects_select_and_concern_every_change_of_what_they_select() -> None:
    assert WEB.selects(WEB_ENTRY, never)
    assert not WEB.selects(DB_ENTRY, never)
    assert WEB.concerns(WEB_ENTRY, WEB_ENTRY, never)
    named: Predicate[bytes] = satisfies(lambda obj: obj == b"{}")
    assert named.selects(entry(), lambda e: e.body)
    assert not named.selects(entry(body=b"[]"), lambda e: e.body)


OLD = entry(rv="1", generation=1, labels={"app": "web"})


@pytest.mark.parametrize(
    ("predicate", "selects_db", "status_update", "spec_update"),
    [
        (generation_changed | labels_changed, True, False, True),
        (generation_changed & labels_changed, True, False, False),
        (~generation_changed, True, True, False),
        (~~generation_changed, True, False, True),
        (WEB & generation_changed, False, False, True),
        (WEB | generation_changed, True, True, True),
        (~WEB, True, False, False),
        (~(WEB | generation_changed), True, False, False),
        (~(WEB & generation_changed), True, True, False),
        (matches_labels("app!=web") | generation_changed, True, False, True),
    ],
    ids=repr,
)
def test_combinations(predicate: Predicate[object], selects_db: bool, status_update: bool, spec_update: bool) -> None:
    status = entry(rv="2", generation=1, labels={"app": "web"})
    spec = entry(rv="2", generation=2, labels={"app": "web"})
    assert predicate.selects(DB_ENTRY, never) is selects_db
    assert predicate.concerns(OLD, status, never) is status_update
    assert predicate.concerns(OLD, spec, never) is spec_update


def test_predicates_have_no_truth_value_and_combine_with_predicates_only() -> None:
    with pytest.raises(TypeError, match="no truth value"):
        generation_changed and labels_changed  # type: ignore[unreachable]  # as it should be
    with pytest.raises(TypeError):
        generation_changed | (lambda pod: True)  # type: ignore[operator]  # as it should be
    with pytest.raises(TypeError):
        generation_changed & None  # type: ignore[operator]  # as it should be
    assert not callable(generation_changed)


def test_a_selector_that_does_not_parse_is_refused_at_once() -> None:
    with pytest.raises(SelectorError):
        matches_labels("app in")


def test_representations_tell_what_is_asked() -> None:
    assert repr(WEB & ~generation_changed) == "(matches_labels('app=web') & ~generation_changed)"
    assert repr(as_predicate(callable)) == "satisfies(callable)"
    assert as_predicate(None) is None
    assert as_predicate(WEB) is WEB
    assert function_name(threading.Thread(target=print).start) == "Thread.start"


def test_what_moves_in_by_an_update_is_never_initial() -> None:
    """Also while the first sync is still going on."""
    pending = Pending(DB_ENTRY.key, DB_ENTRY, DB_ENTRY, WEB_ENTRY, True, False, "uid")
    assert judge(pending, WEB, never) == Verdict(EventType.ADDED, None, WEB_ENTRY, initial=False)


def test_a_deletion_after_merged_updates_is_judged_by_what_was_last_heard_of() -> None:
    gone = Pending(WEB_ENTRY.key, WEB_ENTRY, DB_ENTRY, None, False, True, "uid")
    assert judge(gone, WEB, never) == Verdict(EventType.DELETED, DB_ENTRY, None, final_state_unknown=True)
    never_heard_of = Pending(WEB_ENTRY.key, DB_ENTRY, WEB_ENTRY, None, False, False, "uid")
    assert judge(never_heard_of, WEB, never) is None


# ---- with an informer


@pytest.mark.scenario("M09c")
@pytest.mark.scenario("M09d")
@pytest.mark.scenario("M09e")
def test_an_update_that_moves_an_object_in_or_out_is_told_as_addition_or_deletion(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    heard = recorder()
    informer.add_handler(heard.on_event, where=lambda pod: pod.labels.get("app") == "web")
    web, db = {"app": "web"}, {"app": "db"}
    feed.replace(pod("in", 1, labels=web), pod("out", 2, labels=db), resource_version=2)
    feed.upsert(pod("in", 3, labels=web))  # passes, passed
    feed.upsert(pod("in", 4, labels=db))  # passed no longer
    feed.upsert(pod("in", 5, labels=db))  # neither
    feed.upsert(pod("in", 6, labels=web))  # passes again
    feed.remove(pod("out", 7, labels=db))
    feed.remove(pod("in", 8, labels=web))
    feed.upsert(pod("fence", 9, labels=web))
    assert heard.take(6) == [
        "ADDED in@1 initial",
        "MODIFIED in@1 in@3",
        "DELETED in@3",
        "ADDED in@6",
        "DELETED in@8",
        "ADDED fence@9",
    ]


@pytest.mark.scenario("trap-15")
def test_a_filter_judges_an_inferred_deletion_like_any_other(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder], errors: list[ErrorReport]
) -> None:
    """client-go hands its filter the tombstone in place of the object, and each filter must be ready for that."""
    by_label, by_function, keys = recorder(), recorder(), recorder()
    informer.add_handler(by_label.on_event, where=matches_labels("app=web"))
    informer.add_event_handler(on_delete=by_function.on_delete, where=lambda pod: pod.labels["app"] == "web")
    informer.add_key_handler(keys.on_key, where=matches_labels("app=web"))
    web, db = {"app": "web"}, {"app": "db"}
    feed.replace(pod("a", 1, labels=web), pod("b", 2, labels=db), pod("left", 3, labels=web), resource_version=3)
    feed.upsert(pod("left", 4, labels=db))
    feed.replace(resource_version=5)
    feed.upsert(pod("fence", 9, labels=web))
    feed.remove(pod("fence", 10, labels=web))
    assert by_label.take(6) == [
        "ADDED a@1 initial",
        "ADDED left@3 initial",
        "DELETED left@3",
        "DELETED a@1 final_state_unknown",
        "ADDED fence@9",
        "DELETED fence@10",
    ]
    assert by_function.take(3) == ["delete left@3", "delete a@1", "delete fence@10"]
    feed.upsert(pod("fence", 11, labels=web))
    told = keys.take(1)
    while told[-1] != "key shop/fence":
        told += keys.take(1)
    assert "key shop/b" not in told
    assert errors == []


def test_built_in_predicates_inflate_nothing(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, pod_class: type[Pod], recorder: type[Recorder]
) -> None:
    heard = recorder()
    before = pod_class.inflated
    informer.add_key_handler(heard.on_key, where=matches_labels("app=web") & (generation_changed | labels_changed))
    web = {"app": "web"}
    feed.replace(pod("a", 1, labels=web), pod("other", 2), resource_version=2)
    assert heard.take(1) == ["key shop/a"]
    feed.upsert(pod("a", 3, labels=web))  # status only
    feed.upsert(pod("a", 4, labels=web, generation=2))
    assert heard.take(1) == ["key shop/a"]
    feed.upsert(pod("a", 5, generation=2))  # moves out
    assert heard.take(1) == ["key shop/a"]
    feed.upsert(pod("fence", 9, labels=web))
    assert heard.take(1) == ["key shop/fence"]
    assert pod_class.inflated == before


def test_a_key_handler_judges_what_happened_while_the_key_waited_as_one_change(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    heard = recorder()
    registration = informer.add_key_handler(heard.on_key, where=generation_changed)
    feed.replace(pod("gate", 1), pod("a", 2), pod("b", 3), resource_version=3)
    registration.wait_for_sync(10)
    heard.take(3)
    heard.entered.acquire(timeout=0)
    gate = heard.block()
    while heard.entered.acquire(blocking=False):
        pass
    feed.upsert(pod("gate", 4, generation=2))
    heard.wait_until_inside()
    feed.upsert(pod("a", 5, generation=2))  # of interest
    feed.upsert(pod("a", 6, generation=2))  # not, but what waits is still of interest
    feed.upsert(pod("b", 7))
    feed.upsert(pod("b", 8))
    feed.upsert(pod("come", 9))
    feed.remove(pod("come", 10))  # never heard of, and gone
    feed.remove(pod("b", 11))
    feed.upsert(pod("b", 12, uid="another"))
    feed.upsert(pod("fence", 13))
    gate.set()
    assert heard.take(4) == ["key shop/gate", "key shop/a", "key shop/b", "key shop/fence"]


def test_a_predicate_that_raises_is_reported_and_delivery_goes_on(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder], errors: list[ErrorReport]
) -> None:
    heard = recorder()

    def choosy(pod: Pod) -> bool:
        if pod.name == "odd":
            raise RuntimeError("what is this?")
        return True

    registration = informer.add_handler(heard.on_event, where=choosy)
    feed.replace(pod("a", 1), pod("odd", 2), pod("b", 3), resource_version=3)
    registration.wait_for_sync(10)
    assert heard.take(2) == ["ADDED a@1 initial", "ADDED b@3 initial"]
    assert [(each.reason, each.key) for each in errors] == [(InformerReason.HANDLER, "shop/odd")]


def test_what_a_predicate_cannot_decode_is_not_skipped(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder], errors: list[ErrorReport]
) -> None:
    keys, events = recorder(), recorder()
    informer.add_key_handler(keys.on_key, where=lambda pod: False)
    informer.add_handler(lambda event: events._tell(str(event.key)), where=lambda pod: False)
    feed.replace(pod("bad", 1, poison=True), pod("good", 2), resource_version=2)
    feed.upsert(pod("bad", 3, poison=True))
    assert keys.take(1) == ["key shop/bad"]
    assert events.take(2) == ["shop/bad"] * 2
    assert errors == []
