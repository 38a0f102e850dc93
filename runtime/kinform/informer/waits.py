"""Waiting for the cache: for the first sync, and to read one's own writes, with exact ends."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, final

import msgspec

from kinform.errors import CacheResetError, CacheSyncError, CacheWaitTimeoutError
from kinform.meta import ObjectKey
from kinform.selectors import FieldSelector, LabelSelector
from kinform.versions import at_least, is_comparable, is_older
from kinform.wire import read_field

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.clock import Clock
    from kinform.informer.options import ListOptions
    from kinform.meta import Resource, WireObject
    from kinform.store import Store

__all__ = ["Awaited", "Progress", "Scope", "wait_unless_cancelled"]

_SLICE: Final = (
    0.1  # seconds that a wait may take to notice that it was cancelled: nothing waits for two events at once
)


def wait_unless_cancelled(
    wait: Callable[[float | None], None], deadline: float | None, cancel: threading.Event | None, clock: Clock
) -> bool:
    """Whether ``wait`` came to its end; False: ``cancel`` was set first.

    Args:
        wait: Takes how many seconds to wait (None: for ever), and raises ``CacheSyncError`` when they have passed.
        deadline: A reading of the clock, or None.
        cancel: Set from another thread; None: the wait is one piece.
        clock: The clock that ``wait`` goes by.

    Raises:
        CacheSyncError: The deadline has passed.
    """
    while cancel is None or not cancel.is_set():
        left = None if deadline is None else max(0.0, deadline - clock.monotonic())
        whole = cancel is None or (left is not None and left <= _SLICE)
        try:
            wait(left if whole else _SLICE)
        except CacheSyncError:
            if whole:
                raise
        else:
            return True
    return False


class _Metadata(msgspec.Struct, rename="camel"):
    name: str = ""
    namespace: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    labels: dict[str, str] | None = None


class _Object(msgspec.Struct):
    metadata: _Metadata


# Made here, where one thread runs: msgspec learns of a class bit by bit, and another thread must not take half for all.
_decode_object: Callable[[bytes], _Object] = msgspec.json.Decoder(_Object).decode


@final
class Awaited:
    """What a wait needs to know of the object that a client call returned.

    Raises:
        ValueError: The object has no uid or resourceVersion, so it was never at the server.
    """

    __slots__ = ("body", "key", "labels", "resource_version", "uid")

    def __init__(self, obj: WireObject, resource: Resource) -> None:
        self.body: bytes = obj.to_wire()
        metadata = _decode_object(self.body).metadata
        self.key: ObjectKey = ObjectKey((metadata.namespace or "") if resource.namespaced else "", metadata.name)
        self.uid: str = metadata.uid or ""
        self.resource_version: str = metadata.resource_version or ""
        self.labels: dict[str, str] = metadata.labels or {}
        if not self.uid or not self.resource_version:
            raise ValueError(
                f"{resource.kind} {self.key} has no uid or resourceVersion: wait for what a client call returned"
            )


@final
class Scope:
    """Which objects an informer's selectors leave out, as far as that can be told on this side."""

    def __init__(self, options: ListOptions) -> None:
        self._labels = LabelSelector.parse(options.label_selector)
        self._fields = FieldSelector.parse(options.field_selector)

    def excludes(self, awaited: Awaited) -> bool:
        """Whether the object is certainly not selected.

        Field selectors name a few fields of the server's choice, and what is absent on the wire may have a default
        there: only a value that stands in the object decides.
        """
        if not self._labels.matches(awaited.labels):
            return True
        for term in self._fields.terms:
            try:
                found = read_field(awaited.body, term.field)
            except ValueError:
                continue
            if len(found) == 1 and (found[0] == term.value) is term.negated:
                return True
        return False


@final
class Progress:
    """Lets threads wait until the cache has got somewhere. Thread-safe; waits by the informer's clock."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._condition = threading.Condition()
        self._resets: dict[str, tuple[int, str]] = {}

    def made(self) -> None:
        """Something changed: whoever waits looks again."""
        with self._condition:
            self._condition.notify_all()

    def reset(self, partition: str, resource_version: str) -> None:
        """The partition has gone back to an older resourceVersion: the server was restored from a backup."""
        with self._condition:
            count, _ = self._resets.get(partition, (0, ""))
            self._resets[partition] = (count + 1, resource_version)
            self._condition.notify_all()

    def wait_until(self, reached: Callable[[], bool], timeout: float | None) -> bool:
        """Blocks until ``reached()``, which may raise to end the wait; False after ``timeout`` seconds."""
        deadline = None if timeout is None else self._clock.monotonic() + timeout
        with self._condition:
            while not reached():
                remaining = None if deadline is None else deadline - self._clock.monotonic()
                if remaining is not None and remaining <= 0:
                    return False
                self._clock.wait_condition(self._condition, remaining)
            return True

    def wait_for(
        self, awaited: Awaited, scope: Scope, timeout: float | None, *, deleted: bool, check: Callable[[], None]
    ) -> None:
        """Blocks until the cache has what was written, or no longer has what was deleted.

        Args:
            awaited: The object as a client call returned it.
            scope: The informer's selectors.
            timeout: In seconds; None: for ever.
            deleted: Whether the object must be gone, too.
            check: Raises where waiting has become pointless.

        Raises:
            CacheWaitTimeoutError: The time ran out.
            CacheResetError: The partition went back to before the object's resourceVersion.
        """
        partition = self._store.partition_of(awaited.key.namespace)
        if partition is None:
            return
        excluded = scope.excludes(awaited)
        resets_before = self._resets.get(partition, (0, ""))[0]

        def reached() -> bool:
            check()
            if self._is_over(awaited, partition, deleted=deleted, excluded=excluded):
                return True
            resets, since = self._resets.get(partition, (0, ""))
            if resets != resets_before and is_older(since, awaited.resource_version):
                raise CacheResetError(
                    f"{awaited.key} at resourceVersion {awaited.resource_version} will never come:"
                    f" a relist brought the cache back to {since}"
                )
            return False

        if not self.wait_until(reached, timeout):
            what = "the deletion of " if deleted else ""
            raise CacheWaitTimeoutError(
                f"the cache has not seen {what}{awaited.key} at resourceVersion {awaited.resource_version}"
                f" within {timeout} s; it is at {self._store.resource_version(partition) or 'nothing yet'}"
            )

    def _is_over(self, awaited: Awaited, partition: str, *, deleted: bool, excluded: bool) -> bool:
        # The entry is read after the partition's version: what is there by then includes all up to that version.
        passed = at_least(self._store.resource_version(partition), awaited.resource_version)
        entry = self._store.get(awaited.key)
        held = entry is not None and entry.uid == awaited.uid
        if deleted:
            comparable = is_comparable(awaited.resource_version)
            return not held and (passed or excluded or not comparable)
        if held:
            assert entry is not None
            return passed or at_least(entry.resource_version, awaited.resource_version)
        return passed or excluded
