"""What a cell of the fault matrix is, and the language in which it says which requests and waits its fault calls for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from kinform.testing.server import Cut, Effect, EndEarly, Garbage, Insert, Stall

if TYPE_CHECKING:
    from kinform.testing import Server

__all__ = [
    "Act",
    "Cell",
    "Down",
    "Mode",
    "Phase",
    "Silence",
    "Step",
    "at",
    "before_the_end",
    "between_events",
    "bookmark",
    "cut",
    "end_early",
    "event",
    "garbage",
    "in_a_character",
    "in_items",
    "in_json",
    "insert",
    "stall",
]


class Mode(Enum):
    """How the whole of a collection is fetched."""

    STREAMING = "streaming"
    PAGING = "paging"


class Phase(Enum):
    """Which requests suffer."""

    INITIAL = "initial"
    """Those of the first full fetch."""
    RELIST = "relist"
    """Those of a later one, after 410."""
    WATCH = "watch"
    """Watches that resume, with events waiting."""
    LIVE = "live"
    """The first watch, in the middle of its life: in streaming mode the very stream that began with all objects."""


class Down:
    """Nobody listens while this request is made."""


class Silence:
    """The server says no more than it has to say: the request is left after as much silence as the reflector bears."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something is done to the server right before the request goes out."""

    does: Callable[[Server], object]


Step: TypeAlias = "Effect | Down | Silence | Act | Callable[[bytes], Effect] | tuple[Effect, ...] | None"
"""What one request suffers: an effect; one made for the very body it is to spoil; several, where the transport sends
the request again by itself; or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One fault, where it strikes, and what it calls for.

    ``streaming`` and ``paging`` say which requests and waits there must be, and no others, from the first one that
    suffers until all is well again; None: the fault makes no sense in that mode. Requests:

    ======  ==============================================================================
    ``S``   a streaming list, not older than what is known
    ``S!``  a streaming list of the latest, whatever it be
    ``L``   the first page of a list
    ``P``   a following page
    ``A``   a list without pages
    ``W``   a watch from the version of the last event: if it follows another one, the same
    ``W+``  a watch from a later version than the one before: what came on that counts
    ======  ==============================================================================

    Waits before the next one (none: it follows at once):

    ======  ==============================================================================
    ``b``   the back-off's next delay: the n-th from [0.8·2ⁿ, 1.6·2ⁿ), or [30, 60)
    ``s``   the back-off's shortest delay, wherever it has got to
    ``r``   as long as the server asked for (``retry_after``), and up to half as long again
    ``j``   up to a second: the watch has ended in good order
    ======  ==============================================================================

    Attributes:
        name: Of the test.
        phases: Where it strikes; one case each, and for each mode.
        steps: What the requests of that phase suffer, in order.
        streaming: What a streaming reflector does.
        paging: What a paging one does.
        told: The reasons of the errors that are reported, in any order and however often; None is not looked at.
        retry_after: Seconds that the server asks to wait.
        lives: Seconds of life that the first suffering request has.
        watch_list: What the server of a streaming reflector makes of streaming lists.
        gzip: Whether the server compresses.
    """

    name: str
    phases: tuple[Phase, ...]
    steps: tuple[Step, ...]
    streaming: str | None = None
    paging: str | None = None
    told: str | None = None
    retry_after: float = 0.0
    lives: float = 0.0
    watch_list: Literal["on", "off", "ignored"] = "on"
    gzip: bool = False

    def expected(self, mode: Mode) -> str | None:
        """The requests and waits in a mode."""
        return self.streaming if mode is Mode.STREAMING else self.paging


# ---- where in a body a fault strikes

Place: TypeAlias = Callable[[bytes], int]

CLEF: Final = "𝄞"
"""Four bytes of UTF-8, in every object of the matrix."""


def in_a_character(body: bytes) -> int:
    """In the middle of a character, past half of the body."""
    return body.index(CLEF.encode(), len(body) // 2) + 2


def in_json(body: bytes) -> int:
    """In the middle of a member's name, past half of the body."""
    return body.index(b'"metadata"', len(body) // 2) + 5


def between_events(body: bytes) -> int:
    """Behind an event of a stream, or an item of a list, past half of the body."""
    mark = b"}\n{" if b"}\n{" in body else b"},{"
    return body.index(mark, len(body) // 2 - len(body) // 4) + 2


def in_items(body: bytes) -> int:
    """Before the first item of a list."""
    return body.index(b'"items":[') + len(b'"items":[')


def before_the_end(body: bytes) -> int:
    """Right before the bookmark that ends the initial events of a streaming list."""
    return body.rindex(b'{"type":"BOOKMARK"')


def at(offset: int) -> Place:
    """At a fixed place; below 0, counted from the end: -1 lacks the last byte."""
    return lambda body: offset if offset >= 0 else len(body) + offset


def cut(place: Place) -> Step:
    """The connection breaks there."""
    return lambda body: Cut(place(body))


def end_early(place: Place) -> Step:
    """The answer ends there, in good order."""
    return lambda body: EndEarly(place(body))


def stall(place: Place) -> Step:
    """Nothing comes after that, for as long as the reflector bears."""
    return lambda body: Stall(place(body))


def garbage(place: Place, data: bytes) -> Step:
    """Other bytes stand there."""
    return lambda body: Garbage(place(body), data)


def insert(place: Place, data: bytes) -> Step:
    """Further bytes stand there."""
    return lambda body: Insert(data, place(body))


# ---- what may be inserted


def event(kind: str, name: str, version: str) -> bytes:
    """A line of a watch about a pod without any content."""
    metadata = f'{{"name":"{name}","namespace":"shop","uid":"uid-{name}","resourceVersion":"{version}"}}'
    return f'{{"type":"{kind}","object":{{"kind":"Pod","apiVersion":"v1","metadata":{metadata}}}}}\n'.encode()


def bookmark(version: str, end: str = "") -> bytes:
    """A line of a watch with a bookmark; ``end`` is its annotation about the end of initial events."""
    marked = f',"annotations":{{"k8s.io/initial-events-end":"{end}"}}' if end else ""
    metadata = f'{{"resourceVersion":"{version}"{marked}}}'
    return f'{{"type":"BOOKMARK","object":{{"kind":"Pod","apiVersion":"v1","metadata":{metadata}}}}}\n'.encode()
