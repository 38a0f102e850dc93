"""From an entry's bytes to its model: shared and remembered as long as anyone holds it, or private."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast, final

from kinform.errors import UndecodableObjectError
from kinform.meta import WireObject
from kinform.store.mutation import MutationDetector

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.meta import Resource
    from kinform.wire import Entry

__all__ = ["Inflater"]

M = TypeVar("M", bound=WireObject)

MUTATION_DETECTOR_VARIABLE: Final = "KINFORM_CACHE_MUTATION_DETECTOR"

RECENT: Final = 64
"""Objects that are kept though nobody holds them: whoever reads an object reads it again, in the same breath."""
_RECENT_BYTES: Final = 512 * 1024
"""Bytes of JSON that these may come from; decoded they are some ten times as large."""


class _Memo(weakref.ref[M]):
    """A weak reference that takes itself out of its entry when the object goes, so that nothing is left behind."""

    __slots__ = ("entry",)
    entry: Entry

    # weakref.ref has an __init__ of its own, which takes two arguments and ignores them.
    def __new__(cls, inflated: M, entry: Entry) -> _Memo[M]:
        self = super().__new__(cls, inflated, _forget)
        self.entry = entry
        return self


class _Kept(Generic[M]):
    """An object that stays with its entry; asked for like a weak reference."""

    __slots__ = ("_object",)

    def __init__(self, inflated: M) -> None:
        self._object = inflated

    def __call__(self) -> M:
        return self._object


def _forget(memo: weakref.ref[M]) -> None:
    # Runs wherever the last holder lets go, so it must take no lock. At worst it drops the memo of an object that was
    # inflated at this very moment, and the next reader inflates once more.
    assert isinstance(memo, _Memo)
    if memo.entry.memo is memo:
        memo.entry.memo = None


@final
class Inflater(Generic[M]):
    """Makes models of entries. Thread-safe; decoding takes the time it takes and blocks nobody.

    With ``KINFORM_CACHE_MUTATION_DETECTOR=1`` in the environment when it is made, it checks shared objects against
    their bytes: when one is handed out again, when many others have been inflated since, and in ``verify()``.

    Args:
        model: The class of the objects.
        resource: What they are, for messages.
        keep: Whether an object stays with its entry once it is made. Otherwise each stays as long as anyone holds it.
        recent: How many of the last objects made stay in any case, large ones less.
        report: Gets each ``CacheMutationError``. None: it is raised to whoever is reading when it is found.
    """

    __slots__ = ("_detector", "_keep", "_lock", "_model", "_most_recent", "_recent", "_recent_bytes", "_resource")

    def __init__(
        self,
        model: type[M],
        resource: Resource,
        *,
        keep: bool = False,
        recent: int = RECENT,
        report: Callable[[Exception], object] | None = None,
    ) -> None:
        self._model = model
        self._resource = resource
        self._lock = threading.Lock()
        self._keep = keep
        self._most_recent = recent
        self._recent: deque[tuple[M, int]] = deque()
        self._recent_bytes = 0
        on = os.environ.get(MUTATION_DETECTOR_VARIABLE, "") not in {"", "0", "false"}
        self._detector = MutationDetector(model, report) if on else None

    def inflate(self, entry: Entry) -> M:
        """The shared object of an entry: the same one for all who hold it at the same time. Never change it.

        Raises:
            UndecodableObjectError: The bytes are nothing that the model can hold.
            CacheMutationError: The mutation detector is on, has nobody to report to, and found a changed object.
        """
        found = self._remembered(entry)
        if found is not None:
            if self._detector is None or self._detector.is_pristine(entry, found):
                return found
            entry.memo = None
        body = entry.body
        made = self._decode(entry, body)
        dropped: list[object] = []  # freed without the lock
        with self._lock:
            # Another thread may have been quicker: then theirs is the shared one.
            found = self._remembered(entry)
            if found is not None:
                return found
            if self._keep:
                entry.memo = _Kept(made)
            else:
                try:
                    entry.memo = _Memo(made, entry)
                except TypeError:  # a model with slots and without __weakref__
                    return made
                self._remember(made, len(body), dropped)
        if self._detector is not None:
            self._detector.watch(entry, made)
        return made

    def copy(self, entry: Entry) -> M:
        """A private object of an entry, to be changed at will; decoding is cheaper than a deep copy.

        Raises:
            UndecodableObjectError: The bytes are nothing that the model can hold.
        """
        return self._decode(entry, entry.body)

    def verify(self) -> None:
        """Checks every shared object that the mutation detector has in view; does nothing where it is off.

        Raises:
            CacheMutationError: One was changed, and there is nobody to report to.
        """
        if self._detector is not None:
            self._detector.verify()

    def _remembered(self, entry: Entry) -> M | None:
        # Entries are of one resource and inflated by one inflater, so the memo is of its model.
        memo = cast("Callable[[], M | None] | None", entry.memo)
        return None if memo is None else memo()

    def _remember(self, made: M, size: int, dropped: list[object]) -> None:
        """Holds on to one more object, and lets go of the oldest."""
        recent = self._recent
        recent.append((made, size))
        self._recent_bytes += size
        while len(recent) > self._most_recent or (self._recent_bytes > _RECENT_BYTES and len(recent) > 1):
            oldest = recent.popleft()
            self._recent_bytes -= oldest[1]
            dropped.append(oldest)

    def _decode(self, entry: Entry, body: bytes) -> M:
        if not body:
            raise UndecodableObjectError(
                f"{self._resource.kind} {entry.key}",
                "it could not be taken as it came, or its transform failed: that was reported when it came",
            )
        try:
            return self._model.from_wire(body)
        except MemoryError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise UndecodableObjectError(f"{self._resource.kind} {entry.key}", reason) from error
