"""Finds who breaks the rule that cached objects are read-only: compares them with the bytes they came from."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast, final

import msgspec

from kinform.errors import CacheMutationError
from kinform.meta import WireObject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kinform.wire import Entry

__all__ = ["MutationDetector"]

M = TypeVar("M", bound=WireObject)

IN_VIEW: Final = 1024
"""How many objects are held."""


@final
class MutationDetector(Generic[M]):
    """Holds the last objects inflated, and checks each before it lets go (client-go: ``MutationDetector``).

    A check decodes the entry's bytes afresh and compares what both objects would send. That is for tests and debugging:
    it makes reading several times dearer and keeps objects in memory. Thread-safe.

    Args:
        model: The class of the objects.
        report: Gets each finding; None: it is raised.
    """

    def __init__(self, model: type[M], report: Callable[[Exception], object] | None) -> None:
        self._model = model
        self._report = report
        self._lock = threading.Lock()
        self._held: deque[tuple[Entry, M]] = deque()

    def watch(self, entry: Entry, inflated: M) -> None:
        """Takes an object into view, and checks the one that leaves it."""
        with self._lock:
            self._held.append((entry, inflated))
            leaving = self._held.popleft() if len(self._held) > IN_VIEW else None
        if leaving is not None:
            self.is_pristine(*leaving)

    def verify(self) -> None:
        """Checks all objects in view, and lets go of them."""
        with self._lock:
            held = list(self._held)
            self._held.clear()
        for entry, inflated in held:
            self.is_pristine(entry, inflated)

    def is_pristine(self, entry: Entry, inflated: M) -> bool:
        """Whether the object still says what its bytes say.

        Raises:
            CacheMutationError: It does not, and there is nobody to report to.
        """
        paths = self._changed_paths(entry, inflated)
        if not paths:
            return True
        error = CacheMutationError(str(entry.key), paths)
        if self._report is None:
            raise error
        self._report(error)
        return False

    def _changed_paths(self, entry: Entry, inflated: M) -> tuple[str, ...]:
        expected = self._model.from_wire(entry.body).to_wire()
        try:
            found = inflated.to_wire()
        except Exception as error:  # noqa: BLE001  (it was writable when it was made, so someone put something in it)
            return (f"(it cannot be written any more: {error})",)
        if found == expected:
            return ()
        return tuple(_differences(msgspec.json.decode(expected), msgspec.json.decode(found), "")) or ("(field order)",)


def _differences(expected: object, found: object, path: str) -> Iterator[str]:
    if isinstance(expected, dict) and isinstance(found, dict):
        was, now = cast("dict[str, object]", expected), cast("dict[str, object]", found)
        for name in sorted(was.keys() | now.keys()):
            yield from _differences(was.get(name), now.get(name), f"{path}.{name}" if path else name)
    elif isinstance(expected, list) and isinstance(found, list):
        items_were, items_are = cast("list[object]", expected), cast("list[object]", found)
        if len(items_were) != len(items_are):
            yield path
            return
        for number, (before, after) in enumerate(zip(items_were, items_are, strict=True)):
            yield from _differences(before, after, f"{path}[{number}]")
    elif expected != found:
        yield path or "(the whole object)"
