"""Cells about watches that resume where another has ended, while much has happened meanwhile."""

from __future__ import annotations

from typing import Final

from tests.reliability.faults.cells import (
    Cell,
    Down,
    Phase,
    at,
    between_events,
    bookmark,
    cut,
    end_early,
    event,
    garbage,
    in_a_character,
    in_json,
    insert,
    stall,
)

from kinform.testing.server import Cut, Drip, Duplicate, EndEarly, Expire, Refuse, Reply, Stall
from kinform.testing.server.refusals import Refusal, too_large_resource_version
from kinform.testing.server.rendering import error_frame

WATCH: Final = (Phase.WATCH,)

_TOO_LARGE: Final = Reply(504, too_large_resource_version(9_999, 5).body, "application/json")
_HTML: Final = b"<html><title>502 Bad Gateway</title><p>The proxy is unwell</html>"


def _all(body: bytes) -> int:
    """Behind the last event, but for its newline."""
    return len(body) - 1


def _error(code: int, *, reason: str | None = None, retry_after: int | None = None) -> bytes:
    return b"\n" + error_frame(Refusal(code, "the test asked for this", reason=reason, retry_after=retry_after))


CELLS: Final = (
    # ---- the connection breaks
    Cell(
        name="cut before the answer",
        phases=WATCH,
        steps=(Cut(), Cut()),
        streaming="W b W b W",
        paging="W b W b W",
        told="connection",
    ),
    Cell(
        name="cut before an event", phases=WATCH, steps=(Cut(0),), streaming="W b W", paging="W b W", told="connection"
    ),
    Cell(
        name="cut in a character",
        phases=WATCH,
        steps=(cut(in_a_character),),
        streaming="W b W+",
        paging="W b W+",
        told="connection",
    ),
    Cell(
        name="cut in JSON", phases=WATCH, steps=(cut(in_json),), streaming="W b W+", paging="W b W+", told="connection"
    ),
    Cell(
        name="cut between events",
        phases=WATCH,
        steps=(cut(between_events),),
        streaming="W b W+",
        paging="W b W+",
        told="connection",
    ),
    Cell(
        name="cut five times",
        phases=WATCH,
        steps=(cut(at(300)), cut(at(700)), cut(at(900)), cut(between_events), cut(in_json)),
        streaming="W b W b W+ b W+ b W+ b W+",
        paging="W b W b W+ b W+ b W+ b W+",
        told="connection",
    ),
    Cell(
        name="nobody answers",
        phases=WATCH,
        steps=(Down(), Down(), Down()),
        streaming="b b b W",
        paging="b b b W",
        told="connection",
    ),
    # ---- silence, and ends in good order
    Cell(
        name="stall before the answer",
        phases=WATCH,
        steps=(Stall(None),),
        streaming="W b W",
        paging="W b W",
        told="idle",
    ),
    Cell(name="stall", phases=WATCH, steps=(Stall(0),), streaming="W b W", paging="W b W", told="idle"),
    Cell(
        name="stall in an event",
        phases=WATCH,
        steps=(stall(in_json),),
        streaming="W b W+",
        paging="W b W+",
        told="idle",
    ),
    Cell(
        name="clean end at once",
        phases=WATCH,
        steps=(EndEarly(0),),
        streaming="W b W",
        paging="W b W",
        told="short-watch",
    ),
    Cell(
        name="clean end within a second",
        phases=WATCH,
        steps=(EndEarly(0),),
        streaming="W b W",
        paging="W b W",
        told="short-watch",
        lives=0.9,
    ),
    Cell(
        name="clean end later",
        phases=WATCH,
        steps=(EndEarly(0),),
        streaming="W j W",
        paging="W j W",
        told="",
        lives=1.1,
    ),
    Cell(  # a server that has lost its way: it is asked for everything, once
        name="clean end at once, again and again",
        phases=WATCH,
        steps=(EndEarly(0),) * 5,
        streaming="W b W b W b W b W b S!",
        paging="W b W b W b W b W b L P P W",
        told="short-watch fruitless",
    ),
    Cell(
        name="clean end between events",
        phases=WATCH,
        steps=(end_early(between_events),),
        streaming="W b W+",
        paging="W b W+",
        told="",
    ),
    Cell(
        name="clean end between events, later",
        phases=WATCH,
        steps=(end_early(between_events),),
        streaming="W j W+",
        paging="W j W+",
        told="",
        lives=30,
    ),
    Cell(
        name="clean end in an event",
        phases=WATCH,
        steps=(end_early(in_json),),
        streaming="W b W+",
        paging="W b W+",
        told="frame",
        lives=30,
    ),
    # ---- refusals
    Cell(
        name="410",
        phases=WATCH,
        steps=(Refuse(410, reason="Expired"),),
        streaming="W b S",
        paging="W b L P P W",
        told="expired",
    ),
    Cell(
        name="410 as an event", phases=WATCH, steps=(Expire(),), streaming="W b S", paging="W b L P P W", told="expired"
    ),
    Cell(  # the server is well again: no reason to wait for it any longer
        name="410 after an outage",
        phases=WATCH,
        steps=(Refuse(503),) * 4 + (Expire(),),
        streaming="W b W b W b W b W s S",
        paging="W b W b W b W b W s L P P W",
        told="server-error expired",
    ),
    Cell(
        name="410 as an event behind others",
        phases=WATCH,
        steps=(insert(_all, _error(410, reason="Expired")),),
        streaming="W b S",
        paging="W b L P P W",
        told="expired",
    ),
    Cell(
        name="504, too large resourceVersion",
        phases=WATCH,
        steps=(_TOO_LARGE,),
        streaming="W r W",
        paging="W r W",
        told="too-large-resource-version",
        retry_after=1,
    ),
    Cell(
        name="504, too large resourceVersion, twice",
        phases=WATCH,
        steps=(_TOO_LARGE, _TOO_LARGE),
        streaming="W r W r S!",
        paging="W r W r L P P W",
        told="too-large-resource-version",
        retry_after=1,
    ),
    Cell(
        name="429 with Retry-After",
        phases=WATCH,
        steps=(Refuse(429, retry_after=7), Refuse(429, retry_after=7)),
        streaming="W r W r W",
        paging="W r W r W",
        told="throttled",
        retry_after=7,
    ),
    Cell(
        name="429 without Retry-After",
        phases=WATCH,
        steps=(Refuse(429), Refuse(429)),
        streaming="W b W b W",
        paging="W b W b W",
        told="throttled",
    ),
    Cell(
        name="429 as an event with retryAfterSeconds",
        phases=WATCH,
        steps=(insert(_all, _error(429, retry_after=9)),),
        streaming="W r W+",
        paging="W r W+",
        told="throttled",
        retry_after=9,
    ),
    Cell(
        name="429 and 503 of a server that shuts down",
        phases=WATCH,
        steps=(Refuse(429, retry_after=5, close=True), Refuse(503, retry_after=5, close=True), Down()),
        streaming="W r W r b W",
        paging="W r W r b W",
        told="throttled server-error connection",
        retry_after=5,
    ),
    Cell(
        name="500, for long",
        phases=WATCH,
        steps=(Refuse(500),) * 8,
        streaming="W b W b W b W b W b W b W b W b W",
        paging="W b W b W b W b W b W b W b W b W",
        told="server-error",
    ),
    Cell(
        name="500 as an event",
        phases=WATCH,
        steps=(insert(_all, _error(500)),),
        streaming="W b W+",
        paging="W b W+",
        told="server-error",
    ),
    Cell(
        name="503 as an event",
        phases=WATCH,
        steps=(insert(at(0), _error(503)),),
        streaming="W b W",
        paging="W b W",
        told="server-error",
    ),
    Cell(
        name="ERROR without a Status",
        phases=WATCH,
        steps=(insert(_all, b'\n{"type":"ERROR","object":null}\n'),),
        streaming="W b S",
        paging="W b L P P W",
        told="watch-error",
    ),
    Cell(name="401, then a good token", phases=WATCH, steps=(Refuse(401),), streaming="W W", paging="W W", told=""),
    Cell(
        name="401, and a token that is no better",
        phases=WATCH,
        steps=((Refuse(401), Refuse(401)),),
        streaming="W W b W",
        paging="W W b W",
        told="unauthorized",
    ),
    Cell(
        name="403 for a while",
        phases=WATCH,
        steps=(Refuse(403), Refuse(403)),
        streaming="W b W b W",
        paging="W b W b W",
        told="forbidden",
    ),
    Cell(  # the definition has gone, and what comes back is another world
        name="404",
        phases=WATCH,
        steps=(Refuse(404),),
        streaming="W b S!",
        paging="W b L P P W",
        told="not-found",
    ),
    Cell(
        name="a proxy's page with 502",
        phases=WATCH,
        steps=(Reply(502, _HTML),),
        streaming="W b W",
        paging="W b W",
        told="server-error",
    ),
    Cell(
        name="a proxy's page with 200",
        phases=WATCH,
        steps=(Reply(200, _HTML),),
        streaming="W b W",
        paging="W b W",
        told="frame",
    ),
    Cell(
        name="a redirection",
        phases=WATCH,
        steps=(Reply(302, b""),),
        streaming="W b W",
        paging="W b W",
        told="refused",
    ),
    # ---- what comes is not what should
    Cell(
        name="a list in place of a stream",
        phases=WATCH,
        steps=(Reply(200, b'{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}\n', "application/json"),),
        streaming="W b W",
        paging="W b W",
        told="frame",
    ),
    Cell(
        name="JSON that is no event",
        phases=WATCH,
        steps=(insert(between_events, b'{"kind":"PodList","items":[]}\n'),),
        streaming="W b W+",
        paging="W b W+",
        told="frame",
    ),
    Cell(  # what came in one piece with it is not taken, and comes again
        name="garbage between events",
        phases=WATCH,
        steps=(garbage(between_events, b"\x00\xff<garbage>"),),
        streaming="W b W",
        paging="W b W",
        told="frame",
    ),
    Cell(name="each event twice", phases=WATCH, steps=(Duplicate(),), streaming="W", paging="W", told=""),
    Cell(  # it is no reason to be told again of what is known
        name="a bookmark of an older state",
        phases=WATCH,
        steps=(insert(_all, b"\n" + bookmark("3") + _error(503)),),
        streaming="W b W+",
        paging="W b W+",
        told="poison server-error",
    ),
    Cell(
        name="a bookmark without a version",
        phases=WATCH,
        steps=(insert(_all, b"\n" + bookmark("") + _error(503)),),
        streaming="W b W+",
        paging="W b W+",
        told="server-error",
    ),
    Cell(
        name="a bookmark of version 0",
        phases=WATCH,
        steps=(insert(_all, b"\n" + bookmark("0") + _error(503)),),
        streaming="W b W+",
        paging="W b W+",
        told="poison server-error",
    ),
    Cell(
        name="a bookmark whose version is no number",
        phases=WATCH,
        steps=(insert(_all, b"\n" + bookmark("latest") + _error(503)),),
        streaming="W b W+",
        paging="W b W+",
        told="poison server-error",
    ),
    Cell(
        name="an event of an unknown type",
        phases=WATCH,
        steps=(insert(at(0), event("FROBNICATED", "p8", "2")),),
        streaming="W",
        paging="W",
        told="unknown-event",
    ),
    Cell(
        name="an object without metadata",
        phases=WATCH,
        steps=(insert(between_events, b'{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","spec":{}}}\n'),),
        streaming="W",
        paging="W",
        told="poison",
    ),
    Cell(
        name="DELETED of what was never there",
        phases=WATCH,
        steps=(insert(at(0), event("DELETED", "ghost", "2")),),
        streaming="W",
        paging="W",
        told="",
    ),
    Cell(
        name="another object of the same name, and no DELETED between",
        phases=WATCH,
        steps=(insert(at(0), event("ADDED", "p2", "2")),),
        streaming="W",
        paging="W",
        told="",
    ),
    Cell(name="byte by byte", phases=WATCH, steps=(Drip(1),), streaming="W", paging="W", told=""),
)
