"""Which requests one reflector made, and how long it waited between them; and whether that is what a cell calls for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kinform.testing.server import RecordedRequest

__all__ = ["Asked", "Trace"]

_FIRST: Final = 0.8  # seconds: the back-off's first delay, before jitter
_CAP: Final = 30.0
_WAITS: Final = frozenset({"b", "s", "r", "j"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request by its letter in the language of cells, and the resourceVersion in it."""

    letter: str
    resource_version: str

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """What a request's parameters ask for."""
        version = query.get("resourceVersion", "")
        if query.get("watch") != "true":
            return cls("P" if "continue" in query else "L" if "limit" in query else "A", version)
        if "sendInitialEvents" in query:
            return cls("S" if version else "S!", version)
        return cls("W", version)

    @property
    def is_list(self) -> bool:
        return self.letter in {"L", "P", "A"}

    @property
    def is_stream(self) -> bool:
        return self.letter in {"S", "S!"}


class Trace:
    """What one reflector did since ``begin``; written by its thread alone.

    Attributes:
        waits: How many requests the server had got from it before each, and the seconds.
        wrong: What no request may ask, whatever the fault.
    """

    def __init__(self) -> None:
        self.waits: list[tuple[int, float]] = []
        self.wrong: list[str] = []
        self._start = 0
        self._newest = 0

    def begin(self, requests: int) -> None:
        """What came before, so many requests, does not count."""
        self.waits.clear()
        self._start = requests

    def note(self, asked: Asked, known: str) -> None:
        """A resourceVersion that is asked for is that of what is known: no other is certain, and it never goes back."""
        if asked.is_list and asked.resource_version:
            self.wrong.append(f"{asked} is a list of an old state")
        elif asked.letter in {"S", "W"} and asked.resource_version != known:
            self.wrong.append(f"{asked}, but what is known is of {known!r}")
        elif known and (not known.isdigit() or int(known) < self._newest):
            self.wrong.append(f"{asked}, and what is known has gone back from {self._newest} to {known!r}")
        else:
            self._newest = int(known or 0)

    def expected_requests(self, expected: Sequence[str]) -> int:
        """How many requests there are when all is as expected."""
        return self._start + sum(each not in _WAITS for each in expected)

    def shown(self, requests: Sequence[RecordedRequest]) -> list[str]:
        """Requests by their letters, waits in seconds."""
        return [each if isinstance(each, str) else f"{each:.2f}" for each in self._all(requests)]

    def _all(self, requests: Sequence[RecordedRequest]) -> Iterator[str | float]:
        waits = [*self.waits]
        resumed = 0  # the version of the watch before, as long as nothing has been fetched in full
        for number in range(self._start, len(requests) + 1):
            while waits and waits[0][0] == number:
                yield waits.pop(0)[1]
            if number < len(requests):
                asked = Asked.of(requests[number].query)
                version = int(asked.resource_version) if asked.letter == "W" else 0
                yield "W+" if 0 < resumed < version else asked.letter
                resumed = version

    def check(self, expected: Sequence[str], requests: Sequence[RecordedRequest], retry_after: float) -> None:
        """The requests are exactly these, and so are the waits, each of the length that is due."""
        seen = list(self._all(requests))
        shown = " ".join(self.shown(requests))
        wanted = " ".join(expected)
        assert len(seen) == len(expected), f"it did: {shown}\nand should: {wanted}"
        steps = 0
        for found, due in zip(seen, expected, strict=True):
            if due not in _WAITS:
                assert found == due, f"it did: {shown}\nand should: {wanted}"
                continue
            low, high = _bounds(due, steps, retry_after)
            steps += due != "j"
            assert isinstance(found, float), f"it did: {shown}\nand should: {wanted}"
            assert low <= found < high, f"a wait ({due}) of {found} s, not [{low}, {high})\nit did: {shown}"
        assert self.wrong == []


def _bounds(due: str, steps: int, retry_after: float) -> tuple[float, float]:
    """From and to how many seconds a wait may last, after so many steps of the back-off."""
    if due == "j":
        return 0.0, 1.0
    delay = _FIRST if due == "s" else min(_FIRST * 2**steps, _CAP)
    if due == "r":
        asked = min(retry_after, 60.0)
        return max(delay, asked), max(2 * delay, 1.5 * asked)
    return delay, 2 * delay
