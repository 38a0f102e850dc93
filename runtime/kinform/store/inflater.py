"""From an entry's bytes to its model: shared and remembered as long as anyone holds it, or private."""

from __future__ import annotations

import os
import threading
import weakref
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


class _Memo(weakref.ref[M]):
    """A weak reference that takes itself out of its entry when the object goes, so that nothing is left behind."""

    __slots__ = ("entry",)
    entry: Entry

    # weakref.ref has an __init__ of its own, which takes two arguments and ignores them.
    def __new__(cls, inflated: M, entry: Entry) -> _Memo[M]:
        self = super().__new__(cls, inflated, _forget)
        self.entry = entry
        return self


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
        report: Gets each ``CacheMutationError``. None: it is raised to whoever is reading when it is found.
    """

    __slots__ = ("_detector", "_lock", "_model", "_resource")

    def __init__(
        self,
        model: type[M],
        resource: Resource,
        *,
        report: Callable[[Exception], object] | None = None,
    ) -> None:
        self._model = model
        self._resource = resource
        self._lock = threading.Lock()
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
        made = self._decode(entry)
        with self._lock:
            # Another thread may have been quicker: then theirs is the shared one.
            found = self._remembered(entry)
            if found is not None:
                return found
            try:
                entry.memo = _Memo(made, entry)
            except TypeError:  # a model with slots and without __weakref__
                return made
        if self._detector is not None:
            self._detector.watch(entry, made)
        return made

    def copy(self, entry: Entry) -> M:
        """A private object of an entry, to be changed at will; decoding is cheaper than a deep copy.

        Raises:
            UndecodableObjectError: The bytes are nothing that the model can hold.
        """
        return self._decode(entry)

    def verify(self) -> None:
        """Checks every shared object that the mutation detector has in view; does nothing where it is off.

        Raises:
            CacheMutationError: One was changed, and there is nobody to report to.
        """
        if self._detector is not None:
            self._detector.verify()

    def _remembered(self, entry: Entry) -> M | None:
        # Entries are of one resource and inflated by one inflater, so the memo is of its model.
        memo = cast("_Memo[M] | None", entry.memo)
        return None if memo is None else memo()

    def _decode(self, entry: Entry) -> M:
        if not entry.body:
            raise UndecodableObjectError(
                f"{self._resource.kind} {entry.key}", "its transform failed, which was reported when it was received"
            )
        try:
            return self._model.from_wire(entry.body)
        except MemoryError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise UndecodableObjectError(f"{self._resource.kind} {entry.key}", reason) from error
