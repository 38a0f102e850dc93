"""Inflating: shared while it is held, private copies, undecodable objects, and who changes what is shared."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import msgspec
import pytest

from kinform.errors import CacheMutationError, UndecodableObjectError
from kinform.store import Inflater
from kinform.wire import Entry

if TYPE_CHECKING:
    from kinform.meta import Resource

Make: TypeAlias = Callable[..., Entry]
VARIABLE = "KINFORM_CACHE_MUTATION_DETECTOR"


class Pod:
    """A model: any JSON object, which can be changed."""

    made = 0

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields

    @property
    def labels(self) -> dict[str, str]:
        found: dict[str, str] = self.fields["metadata"]["labels"]
        return found

    @classmethod
    def from_wire(cls, data: bytes) -> Self:
        cls.made += 1
        return cls(msgspec.json.decode(data, type=dict[str, Any]))

    def to_wire(self) -> bytes:
        return msgspec.json.encode(self.fields)


@pytest.fixture(autouse=True)
def _nothing_made_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pod, "made", 0)
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def inflater(pods: Resource) -> Inflater[Pod]:
    """One that keeps no object which nobody holds."""
    return Inflater(Pod, pods, recent=0)


def test_all_who_hold_it_hold_the_same_object(inflater: Inflater[Pod], entry: Make) -> None:
    one = entry("a")
    first = inflater.inflate(one)
    assert inflater.inflate(one) is first
    assert Pod.made == 1
    assert inflater.inflate(entry("a")) is not first, "another entry, another object"


def test_what_nobody_holds_is_gone_and_leaves_nothing(inflater: Inflater[Pod], entry: Make) -> None:
    one = entry("a")
    held = inflater.inflate(one)
    assert one.memo is not None
    del held
    assert one.memo is None
    inflater.inflate(one)
    assert Pod.made == 2


def test_the_last_objects_read_stay(pods: Resource, entry: Make) -> None:
    inflater = Inflater(Pod, pods, recent=2)
    entries = [entry(name) for name in "abc"]
    for one in entries:
        inflater.inflate(one)
    assert [one.memo is None for one in entries] == [True, False, False]
    assert inflater.inflate(entries[1]) is inflater.inflate(entries[1])
    assert Pod.made == 3


def test_large_objects_do_not_stay_in_numbers(pods: Resource, entry: Make) -> None:
    inflater = Inflater(Pod, pods)
    entries = [entry(name) for name in "abc"]
    for one in entries:
        one.stored = one.stored[:-1] + b',"data":"%b"}' % (b"x" * 300_000)
        inflater.inflate(one)
    assert [one.memo is None for one in entries] == [True, True, False]


def test_where_objects_are_kept_they_stay_as_long_as_their_entries(pods: Resource, entry: Make) -> None:
    inflater = Inflater(Pod, pods, keep=True)
    entries = [entry(f"pod-{n}") for n in range(100)]
    for _ in range(2):
        for one in entries:
            inflater.inflate(one)
    assert Pod.made == 100


def test_an_object_in_a_cycle_is_let_go_of_by_the_collector(inflater: Inflater[Pod], entry: Make) -> None:
    one = entry("a")
    held = inflater.inflate(one)
    held.fields["me"] = held
    del held
    gc.collect()
    assert one.memo is None


def test_an_entry_is_not_kept_by_its_object_for_longer_than_that_lives(inflater: Inflater[Pod], entry: Make) -> None:
    """Entry and memo refer to each other, and the collector does not look at entries: the object's end must part them."""
    bodies: list[int] = []

    class Body(bytes):
        def __del__(self) -> None:
            bodies.append(1)

    one = entry("a")
    one.stored = Body(one.body)
    held = inflater.inflate(one)
    del one
    assert bodies == []
    del held
    assert bodies == [1]


def test_copies_are_private(inflater: Inflater[Pod], entry: Make) -> None:
    one = entry("a", labels={"app": "web"})
    shared = inflater.inflate(one)
    copy = inflater.copy(one)
    assert copy is not shared
    assert inflater.copy(one) is not copy
    copy.labels["app"] = "db"
    assert shared.labels == {"app": "web"}
    assert inflater.inflate(one) is shared


def test_models_without_weak_references_are_not_shared_but_work(pods: Resource, entry: Make) -> None:
    class Slotted:
        __slots__ = ("data",)

        def __init__(self, data: bytes) -> None:
            self.data = data

        @classmethod
        def from_wire(cls, data: bytes) -> Self:
            return cls(data)

        def to_wire(self) -> bytes:
            return self.data

    one = entry("a")
    inflater = Inflater(Slotted, pods)
    assert inflater.inflate(one).data == one.body
    assert one.memo is None


@pytest.mark.parametrize("error", [ValueError("bad value"), KeyError("k"), RecursionError("deep")])
def test_what_the_model_cannot_hold_raises_for_its_reader(pods: Resource, entry: Make, error: Exception) -> None:
    class Fussy(Pod):
        @classmethod
        def from_wire(cls, data: bytes) -> Self:
            raise error

    inflater = Inflater(Fussy, pods)
    for read in (inflater.inflate, inflater.copy):
        with pytest.raises(UndecodableObjectError, match="Pod shop/a cannot be decoded") as caught:
            read(entry("a"))
        assert caught.value.__cause__ is error
        assert type(error).__name__ in str(caught.value)


def test_an_object_whose_transform_failed_has_no_body_and_says_so(inflater: Inflater[Pod], entry: Make) -> None:
    one = entry("a")
    one.stored = b""
    with pytest.raises(UndecodableObjectError, match="transform"):
        inflater.inflate(one)
    assert Pod.made == 0


def test_threads_that_inflate_at_the_same_time_get_one_object(pods: Resource, entry: Make) -> None:
    together = threading.Barrier(2, timeout=10)
    decoded: list[bytes] = []

    class Slow(Pod):
        @classmethod
        def from_wire(cls, data: bytes) -> Self:
            together.wait()  # both have seen that there is none yet
            decoded.append(data)
            return super().from_wire(data)

    inflater, one = Inflater(Slow, pods), entry("a")
    got: list[Pod] = []
    other = threading.Thread(target=lambda: got.append(inflater.inflate(one)))
    other.start()
    got.append(inflater.inflate(one))
    other.join(10)
    assert len(decoded) == 2
    assert got[0] is got[1]


# ---- the mutation detector


@pytest.fixture
def watching(pods: Resource, monkeypatch: pytest.MonkeyPatch) -> Inflater[Pod]:
    monkeypatch.setenv(VARIABLE, "1")
    return Inflater(Pod, pods)


@pytest.mark.scenario("M06")
def test_a_changed_object_is_found_when_it_is_read_again(watching: Inflater[Pod], entry: Make) -> None:
    one = entry("a", labels={"app": "web"})
    watching.inflate(one).labels["app"] = "db"
    with pytest.raises(CacheMutationError, match="shop/a was changed in place") as caught:
        watching.inflate(one)
    assert (caught.value.key, caught.value.paths) == ("shop/a", ("metadata.labels.app",))


def test_after_the_finding_readers_get_a_fresh_object(
    pods: Resource, entry: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "1")
    found: list[Exception] = []
    watching = Inflater(Pod, pods, report=found.append)
    one = entry("a", labels={"app": "web"})
    broken = watching.inflate(one)
    broken.labels["app"] = "db"
    fresh = watching.inflate(one)
    assert fresh is not broken
    assert fresh.labels == {"app": "web"}
    assert [str(each) for each in found] == [str(CacheMutationError("shop/a", ("metadata.labels.app",)))]
    assert watching.inflate(one) is fresh


def test_verify_finds_what_nobody_reads_again(watching: Inflater[Pod], entry: Make) -> None:
    watching.inflate(entry("a"))
    watching.inflate(entry("b")).fields["spec"] = {"value": "x", "more": [1]}
    with pytest.raises(CacheMutationError, match="shop/b") as caught:
        watching.verify()
    assert caught.value.paths == ("spec.more", "spec.value")
    watching.verify()


def test_what_leaves_the_view_is_checked(pods: Resource, entry: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinform.store.mutation.IN_VIEW", 2)
    monkeypatch.setenv(VARIABLE, "1")
    watching = Inflater(Pod, pods)
    watching.inflate(entry("a")).labels["app"] = "x"
    watching.inflate(entry("b"))
    with pytest.raises(CacheMutationError, match="shop/a"):
        watching.inflate(entry("c"))


@pytest.mark.parametrize(
    ("change", "paths"),
    [
        (lambda pod: pod.fields.update(list=[1, 2]), ("list",)),
        (lambda pod: pod.fields.update(kind="Node"), ("kind",)),
        (lambda pod: pod.fields.pop("spec"), ("spec",)),
        (lambda pod: pod.fields["items"][1].update(a=3), ("items[1].a",)),
        (lambda pod: pod.fields["items"].append(1), ("items",)),
        (lambda pod: pod.fields.update(kind=pod.fields.pop("kind")), ("(field order)",)),
    ],
)
def test_the_changed_fields_are_named(
    watching: Inflater[Pod], entry: Make, change: Callable[[Pod], object], paths: tuple[str, ...]
) -> None:
    one = entry("a")
    one.stored = b'{"kind":"Pod","spec":{},"items":[{"a":1},{"a":2}]}'
    change(watching.inflate(one))
    with pytest.raises(CacheMutationError) as caught:
        watching.verify()
    assert caught.value.paths == paths


def test_what_cannot_be_written_any_more_is_found(watching: Inflater[Pod], entry: Make) -> None:
    watching.inflate(entry("a")).fields["x"] = object()
    with pytest.raises(CacheMutationError, match="cannot be written"):
        watching.verify()


def test_untouched_objects_and_copies_are_in_order(watching: Inflater[Pod], entry: Make) -> None:
    one = entry("a", labels={"app": "web"})
    shared = watching.inflate(one)
    watching.copy(one).labels["app"] = "db"
    assert watching.inflate(one) is shared
    watching.verify()


@pytest.mark.parametrize("value", [None, "", "0", "false"])
def test_it_is_off_unless_asked_for(
    pods: Resource, entry: Make, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    inflater, one = Inflater(Pod, pods), entry("a")
    held = inflater.inflate(one)
    held.labels["app"] = "db"
    assert inflater.inflate(one) is held
    inflater.verify()
