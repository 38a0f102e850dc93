"""Cells about the first watch in the middle of its life: in streaming mode the stream that began with all objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.reliability.faults.cells import Act, Cell, Down, Phase, cut, end_early

if TYPE_CHECKING:
    from kinform.testing import Server

LIVE: Final = (Phase.LIVE,)


def _in_the_next_event(body: bytes) -> int:
    return len(body) + 200


def _cut_and_forgotten(server: Server) -> None:
    """The connection breaks, and when the informer is back, the server remembers nothing of what it missed."""
    server.disconnect_watches(how="cut")
    server.compact()


CELLS: Final = (
    Cell(
        name="cut in an event",
        phases=LIVE,
        steps=(cut(_in_the_next_event),),
        streaming="b W",
        paging="b W",
        told="connection",
    ),
    Cell(
        name="cut in an event's gzip member",
        phases=LIVE,
        steps=(cut(_in_the_next_event),),
        streaming="b W",
        told="connection",
        gzip=True,
    ),
    Cell(
        name="clean end in an event",
        phases=LIVE,
        steps=(end_early(_in_the_next_event),),
        streaming="b W",
        paging="b W",
        told="frame",
    ),
    Cell(name="events in gzip members", phases=LIVE, steps=(), streaming="", paging="", told="", gzip=True),
    Cell(
        name="clean end",
        phases=LIVE,
        steps=(Act(lambda server: server.disconnect_watches(how="clean")),),
        streaming="j W",
        paging="j W",
        told="",
    ),
    Cell(
        name="cut behind an event",
        phases=LIVE,
        steps=(Act(lambda server: server.disconnect_watches(how="cut")),),
        streaming="b W",
        paging="b W",
        told="connection",
    ),
    Cell(
        name="cut, and the server has forgotten",
        phases=LIVE,
        steps=(Act(_cut_and_forgotten),),
        streaming="b W s S",
        paging="b W s L P P W",
        told="connection expired",
    ),
    Cell(
        name="410 behind an event",
        phases=LIVE,
        steps=(Act(lambda server: server.disconnect_watches(how="expired")),),
        streaming="b S",
        paging="b L P P W",
        told="expired",
    ),
    Cell(
        name="the server restarts",
        phases=LIVE,
        steps=(Down(),),
        streaming="b W",
        paging="b W",
        told="connection",
    ),
)
