"""Cells about fetching everything, first or after 410, where the answer is a refusal, or not what it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.reliability.faults.cells import (
    Act,
    Cell,
    Phase,
    at,
    before_the_end,
    between_events,
    bookmark,
    event,
    garbage,
    in_items,
    in_json,
    insert,
)

from kinform.testing.server import Drip, Duplicate, Expire, Refuse, Reply
from kinform.testing.server.refusals import Refusal, expired_list, too_large_resource_version
from kinform.testing.server.rendering import error_frame

if TYPE_CHECKING:
    from kinform.testing import Server

BOTH: Final = (Phase.INITIAL, Phase.RELIST)

_TOO_LARGE: Final = too_large_resource_version(9_999, 5)
_TABLE: Final = b'{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{},"columnDefinitions":[],"rows":[]}\n'
_HTML: Final = b"<html><title>502 Bad Gateway</title><p>The proxy is unwell</html>"
_GHOST: Final = event("ADDED", "ghost", "2") + event("MODIFIED", "ghost", "3") + event("DELETED", "ghost", "4")


def _forget(server: Server) -> None:
    """History is compacted: the server knows no state but the present one, which is another than that of a token."""
    server.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "late", "namespace": "shop"}})
    server.compact()


CELLS: Final = (
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
        steps=(insert(before_the_end, error_frame(expired_list())),),
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
    Cell(
        name="500 as an event half-way",
        phases=BOTH,
        steps=(insert(before_the_end, error_frame(Refusal(500, "etcd is unwell"))),),
        streaming="S b S",
        told="server-error",
    ),
    Cell(
        name="429 as an event half-way",
        phases=BOTH,
        steps=(insert(before_the_end, error_frame(Refusal(429, "slower", retry_after=9))),),
        streaming="S r S",
        told="throttled",
        retry_after=9,
    ),
    Cell(
        name="a redirection",
        phases=BOTH,
        steps=(Reply(302, b""),),
        streaming="S b S!",
        paging="L b L P P W",
        told="refused",
    ),
    # ---- what comes is not what should
    Cell(
        name="a Table in place of a stream or list",
        phases=BOTH,
        steps=(Reply(200, _TABLE, "application/json"),),
        streaming="S b S",
        paging="L b L P P W",
        told="frame",
    ),
    Cell(
        name="gzip that is none",
        phases=BOTH,
        steps=(garbage(at(60), b"\x00\xff<garbage>\xff\x00"),),
        streaming="S b S",
        paging="L b L P P W",
        told="connection",
        gzip=True,
    ),
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
        steps=(insert(before_the_end, _GHOST),),
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
        steps=(insert(in_items, b'{"spec":{}},'),),
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
