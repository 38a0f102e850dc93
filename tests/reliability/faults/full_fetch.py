"""Cells about fetching everything: the first streaming list or pages, and those after 410."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.reliability.faults.cells import (
    Act,
    Cell,
    Down,
    Phase,
    Silence,
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

from kinform.testing.server import Close, Cut, Drip, Duplicate, EndEarly, Expire, Refuse, Reply, Stall
from kinform.testing.server.refusals import expired_list, too_large_resource_version

if TYPE_CHECKING:
    from kinform.testing import Server

INITIAL: Final = (Phase.INITIAL,)
RELIST: Final = (Phase.RELIST,)
BOTH: Final = (Phase.INITIAL, Phase.RELIST)

_TOO_LARGE: Final = too_large_resource_version(9_999, 5)
_HTML: Final = b"<html><title>502 Bad Gateway</title><p>The proxy is unwell</html>"


def _forget(server: Server) -> None:
    """History is compacted: the server knows no state but the present one, which is another than that of a token."""
    server.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "late", "namespace": "shop"}})
    server.compact()


def _items(body: bytes) -> int:
    return body.index(b'"items":[') + len(b'"items":[')


def _the_end(body: bytes) -> int:
    """Right before the bookmark that ends the initial events."""
    return body.rindex(b'{"type":"BOOKMARK"')


_GHOST: Final = event("ADDED", "ghost", "2") + event("MODIFIED", "ghost", "3") + event("DELETED", "ghost", "4")

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
        steps=(stall(_the_end),),
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
        steps=(end_early(_the_end),),
        streaming="S b S",
        told="initial-incomplete",
    ),
    Cell(name="clean end in an event", phases=BOTH, steps=(end_early(in_json),), streaming="S b S", told="frame"),
    # ---- refusals
    Cell(
        name="410",
        phases=BOTH,
        steps=(Refuse(410, reason="Expired"),),
        streaming="S b S!",
        paging="L b L P P W",
        told="expired",
    ),
    Cell(name="410 as an event", phases=BOTH, steps=(Expire(),), streaming="S b S!", told="expired"),
    Cell(
        name="410 as an event half-way",
        phases=BOTH,
        steps=(insert(_the_end, b'{"type":"ERROR","object":' + expired_list().body + b"}\n"),),
        streaming="S b S!",
        told="expired",
    ),
    Cell(
        name="410 to a continue token",
        phases=BOTH,
        steps=(None, Refuse(410, reason="Expired")),
        paging="L P L P P W",
        told="continue-expired",
    ),
    Cell(  # a mixed snapshot is no state of the server: it is not taken
        name="410 to a continue token with a new token",
        phases=BOTH,
        steps=(None, Act(_forget)),
        paging="L P L P P W",
        told="continue-expired",
    ),
    Cell(
        name="410 to every continue token",
        phases=BOTH,
        steps=(None, Act(_forget), None, Refuse(410, reason="Expired")),
        paging="L P L P b A W",
        told="continue-expired",
    ),
    Cell(
        name="400 to a continue token",
        phases=BOTH,
        steps=(None, Refuse(400)),
        paging="L P L P P W",
        told="continue-expired",
    ),
    Cell(
        name="504, too large resourceVersion",
        phases=BOTH,
        steps=(Reply(504, _TOO_LARGE.body, "application/json"),),
        streaming="S r S!",
        paging="L r L P P W",
        told="too-large-resource-version",
        retry_after=1,
    ),
    Cell(
        name="504, plainly",
        phases=BOTH,
        steps=(Refuse(504),),
        streaming="S b S",
        paging="L b L P P W",
        told="server-error",
    ),
    Cell(
        name="429 with Retry-After",
        phases=BOTH,
        steps=(Refuse(429, retry_after=7), Refuse(429, retry_after=7)),
        streaming="S r S r S",
        paging="L r L r L P P W",
        told="throttled",
        retry_after=7,
    ),
    Cell(
        name="429 with Retry-After to a following page",
        phases=BOTH,
        steps=(None, Refuse(429, retry_after=7)),
        paging="L P r P P W",
        told="throttled",
        retry_after=7,
    ),
    Cell(
        name="429 with a Retry-After of a day",
        phases=BOTH,
        steps=(Refuse(429, retry_after=86_400),),
        streaming="S r S",
        paging="L r L P P W",
        told="throttled",
        retry_after=86_400,
    ),
    Cell(
        name="429 without Retry-After",
        phases=BOTH,
        steps=(Refuse(429), Refuse(429)),
        streaming="S b S b S",
        paging="L b L b L P P W",
        told="throttled",
    ),
    Cell(
        name="429 of a server that shuts down",
        phases=BOTH,
        steps=(Refuse(429, retry_after=5, close=True), Refuse(503, retry_after=5, close=True)),
        streaming="S r S r S",
        paging="L r L r L P P W",
        told="throttled server-error",
        retry_after=5,
    ),
    Cell(
        name="500",
        phases=BOTH,
        steps=(Refuse(500),),
        streaming="S b S",
        paging="L b L P P W",
        told="server-error",
    ),
    Cell(
        name="500 to a following page",
        phases=BOTH,
        steps=(None, Refuse(500), Refuse(500)),
        paging="L P b P b P P W",
        told="server-error",
    ),
    Cell(
        name="503 at start-up, for long",
        phases=BOTH,
        steps=(Refuse(503),) * 8,
        streaming="S b S b S b S b S b S b S b S b S",
        paging="L b L b L b L b L b L b L b L b L P P W",
        told="server-error",
    ),
    Cell(
        name="401, then a good token",
        phases=BOTH,
        steps=(Refuse(401),),
        streaming="S S",
        paging="L L P P W",
        told="",
    ),
    Cell(
        name="401, and a token that is no better",
        phases=BOTH,
        steps=((Refuse(401), Refuse(401)),),
        streaming="S S b S",
        paging="L L b L P P W",
        told="unauthorized",
    ),
    Cell(
        name="403 until the role is bound",
        phases=BOTH,
        steps=(Refuse(403), Refuse(403)),
        streaming="S b S b S",
        paging="L b L b L P P W",
        told="forbidden",
    ),
    Cell(
        name="404 until the definition is there",
        phases=BOTH,
        steps=(Refuse(404), Refuse(404)),
        streaming="S b S! b S!",
        paging="L b L b L P P W",
        told="not-found",
    ),
    Cell(
        name="a proxy's page with 502",
        phases=BOTH,
        steps=(Reply(502, _HTML),),
        streaming="S b S",
        paging="L b L P P W",
        told="server-error",
    ),
    Cell(
        name="a proxy's page with 200",
        phases=BOTH,
        steps=(Reply(200, _HTML),),
        streaming="S b S",
        paging="L b L P P W",
        told="frame",
    ),
    Cell(
        name="an empty answer with 200",
        phases=BOTH,
        steps=(Reply(200, b""),),
        streaming="S b S",
        paging="L b L P P W",
    ),
    # ---- what comes is not what should
    Cell(
        name="garbage",
        phases=BOTH,
        steps=(garbage(in_json, b"\x00\xff<garbage>{}"),),
        streaming="S b S",
        paging="L b L P P W",
    ),
    Cell(name="each event twice", phases=BOTH, steps=(Duplicate(),), streaming="S", told=""),
    Cell(
        name="an object that comes and goes before the end bookmark",
        phases=BOTH,
        steps=(insert(_the_end, _GHOST),),
        streaming="S",
        told="",
    ),
    Cell(
        name="DELETED of what is there, before it is added",
        phases=BOTH,
        steps=(insert(at(0), event("DELETED", "p8", "2")),),
        streaming="S",
        told="",
    ),
    Cell(
        name="a bookmark that is not the end",
        phases=BOTH,
        steps=(insert(between_events, b"\n" + bookmark("5") + bookmark("6", "false") + bookmark("", "True")),),
        streaming="S",
        told="",
    ),
    Cell(
        name="an event of an unknown type",
        phases=BOTH,
        steps=(insert(at(0), event("FROBNICATED", "p8", "2")),),
        streaming="S",
        told="unknown-event",
    ),
    Cell(
        name="an object without metadata",
        phases=BOTH,
        steps=(insert(at(0), b'{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","spec":{}}}\n'),),
        streaming="S",
        told="poison",
    ),
    Cell(
        name="an item without metadata",
        phases=BOTH,
        steps=(insert(_items, b'{"spec":{}},'),),
        paging="L P P W",
        told="poison",
    ),
    Cell(name="byte by byte", phases=BOTH, steps=(Drip(1),), streaming="S", paging="L P P W", told=""),
    Cell(name="gzip", phases=BOTH, steps=(), streaming="S", paging="L P P W", told="", gzip=True),
    Cell(
        name="gzip byte by byte",
        phases=BOTH,
        steps=(Drip(1),),
        streaming="S",
        paging="L P P W",
        told="",
        gzip=True,
    ),
)
