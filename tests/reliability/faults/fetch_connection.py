"""Cells about fetching everything, first or after 410, over connections that break, fall silent or end too soon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.reliability.faults.cells import (
    Act,
    Cell,
    Down,
    Phase,
    Silence,
    at,
    before_the_end,
    between_events,
    cut,
    end_early,
    in_a_character,
    in_json,
    stall,
)

from kinform.testing.server import Close, Cut, EndEarly, Stall

if TYPE_CHECKING:
    pass

INITIAL: Final = (Phase.INITIAL,)
RELIST: Final = (Phase.RELIST,)
BOTH: Final = (Phase.INITIAL, Phase.RELIST)

CELLS: Final = (
    # ---- the connection breaks
    Cell(
        name="cut before the answer",
        phases=INITIAL,
        steps=(Cut(),),
        streaming="S b S",
        paging="L b L P P W",
        told="connection",
    ),
    Cell(name="cut before the answer", phases=RELIST, steps=(Cut(),), streaming="S b S", told="connection"),
    Cell(  # a kept connection, which the server may have closed long since: it is tried once more by the transport
        name="cut before the answer on a kept connection",
        phases=RELIST,
        steps=(Cut(),),
        paging="L L P P W",
        told="",
    ),
    Cell(
        name="cut in the head of the body",
        phases=BOTH,
        steps=(cut(at(1)),),
        streaming="S b S",
        paging="L b L P P W",
        told="connection",
    ),
    Cell(
        name="cut in a character",
        phases=BOTH,
        steps=(cut(in_a_character),),
        streaming="S b S",
        paging="L b L P P W",
        told="connection",
    ),
    Cell(
        name="cut in JSON",
        phases=BOTH,
        steps=(cut(in_json),),
        streaming="S b S",
        paging="L b L P P W",
        told="connection",
    ),
    Cell(  # what was half fetched held objects that are gone when it is fetched again
        name="cut between events",
        phases=BOTH,
        steps=(cut(between_events),),
        streaming="S b S",
        paging="L b L P P W",
        told="connection",
    ),
    Cell(  # of a stream that is the newline behind the end bookmark
        name="cut before the last byte",
        phases=BOTH,
        steps=(cut(at(-1)),),
        streaming="S b W",
        paging="L b L P P W",
        told="connection",
    ),
    Cell(
        name="cut three times",
        phases=BOTH,
        steps=(cut(in_json), cut(between_events), cut(in_a_character)),
        streaming="S b S b S b S",
        paging="L b L b L b L P P W",
        told="connection",
    ),
    Cell(
        name="cut in a following page", phases=BOTH, steps=(None, cut(in_json)), paging="L P b P P W", told="connection"
    ),
    Cell(
        name="cut in a gzip member",
        phases=BOTH,
        steps=(cut(at(100)),),
        streaming="S b S",
        paging="L b L P P W",
        told="connection",
        gzip=True,
    ),
    Cell(
        name="cut between gzip members",
        phases=BOTH,
        steps=(cut(lambda body: body.rindex(b"\x1f\x8b\x08")),),
        streaming="S b S",
        told="connection",
        gzip=True,
    ),
    Cell(
        name="nobody answers",
        phases=BOTH,
        steps=(Down(), Down(), Down()),
        streaming="b b b S",
        paging="b b b L P P W",
        told="connection",
    ),
    Cell(
        name="closed between pages",
        phases=BOTH,
        steps=(None, Act(lambda server: server.restart())),
        paging="L P P W",
        told="",
    ),
    Cell(name="Connection: close after a page", phases=BOTH, steps=(Close(), Close()), paging="L P P W", told=""),
    # ---- silence, and ends in good order
    Cell(
        name="stall before the answer",
        phases=BOTH,
        steps=(Stall(None),),
        streaming="S L P P W",
        told="streaming-stalled",
    ),
    Cell(name="stall before the page", phases=BOTH, steps=(Stall(None),), paging="L b L P P W", told="connection"),
    Cell(
        name="stall half-way",
        phases=BOTH,
        steps=(stall(in_json),),
        streaming="S L P P W",
        told="streaming-stalled",
    ),
    Cell(name="stall in a page", phases=BOTH, steps=(stall(in_json),), paging="L b L P P W", told="connection"),
    Cell(
        name="stall before the end bookmark",
        phases=BOTH,
        steps=(stall(before_the_end),),
        streaming="S L P P W",
        told="streaming-stalled",
    ),
    Cell(
        name="the server ignores sendInitialEvents",
        phases=INITIAL,
        steps=(Silence(),),
        streaming="S L P P W",
        told="streaming-stalled",
        watch_list="ignored",
    ),
    Cell(
        name="the server refuses sendInitialEvents",
        phases=INITIAL,
        steps=(),
        streaming="S L P P W",
        told="",
        watch_list="off",
    ),
    Cell(name="clean end at once", phases=BOTH, steps=(EndEarly(0),), streaming="S b S", told="initial-incomplete"),
    Cell(
        name="clean end within a second",
        phases=BOTH,
        steps=(EndEarly(0), EndEarly(0)),
        streaming="S b S b S",
        told="initial-incomplete",
        lives=0.9,
    ),
    Cell(
        name="clean end half-way",
        phases=BOTH,
        steps=(end_early(between_events),),
        streaming="S b S",
        told="initial-incomplete",
        lives=20,
    ),
    Cell(
        name="clean end before the end bookmark",
        phases=BOTH,
        steps=(end_early(before_the_end),),
        streaming="S b S",
        told="initial-incomplete",
    ),
    Cell(name="clean end in an event", phases=BOTH, steps=(end_early(in_json),), streaming="S b S", told="frame"),
)
