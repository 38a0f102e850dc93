"""The fault matrix: what goes wrong between informer and server, and that nothing of it is left in cache or handlers.

Each cell of ``fetch_connection``, ``fetch_answers``, ``watch`` and ``live`` is one case for each way to fetch everything and each phase in which it
can strike. For all of them alike: the cache is in the end what the server stores, byte for byte; the handler's history is
one that can have been, and leads to that cache; there were exactly the requests that the fault calls for; and exactly the
waits, each as long as the back-off or the server's ``Retry-After`` has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.reliability.faults.cells import Mode
from tests.reliability.faults.fetch_answers import CELLS as FETCH_ANSWERS
from tests.reliability.faults.fetch_connection import CELLS as FETCH_CONNECTION
from tests.reliability.faults.live import CELLS as LIVE
from tests.reliability.faults.scene import Scene
from tests.reliability.faults.watch import CELLS as WATCH

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tests.reliability.faults.cells import Cell, Phase


# TLS ends, breaks and hands out bytes in its own way: a cell of each kind of trouble with bytes.
OVER_TLS = frozenset(
    {
        "Connection: close after a page",
        "byte by byte",
        "clean end half-way",
        "clean end in an event",
        "closed between pages",
        "cut before the answer",
        "cut before the answer on a kept connection",
        "cut in a character",
        "cut in a gzip member",
        "cut in an event",
        "nobody answers",
        "stall before the answer",
        "stall half-way",
        "stall in an event",
        "the server restarts",
    }
)


def cases(names: Collection[str] = ()) -> Iterator[object]:
    for cell in (*FETCH_CONNECTION, *FETCH_ANSWERS, *WATCH, *LIVE):
        if names and cell.name not in names:
            continue
        for phase in cell.phases:
            for mode in Mode:
                if cell.expected(mode) is not None:
                    yield pytest.param(cell, phase, mode, id=f"{phase.value}-{mode.value}-{cell.name}")


@pytest.mark.scenario("invariant-1")
@pytest.mark.scenario("invariant-2")
@pytest.mark.scenario("invariant-4")
@pytest.mark.scenario("invariant-7")
@pytest.mark.scenario("invariant-9")
@pytest.mark.scenario("fault-watchlist-refused")
@pytest.mark.scenario("fault-watchlist-silent")
@pytest.mark.scenario("fault-watchlist-cut")
@pytest.mark.scenario("fault-watchlist-error")
@pytest.mark.scenario("fault-paging")
@pytest.mark.scenario("fault-410-watch-open")
@pytest.mark.scenario("fault-410-watch-event")
@pytest.mark.scenario("fault-410-continue")
@pytest.mark.scenario("fault-410-list")
@pytest.mark.scenario("fault-504-too-large")
@pytest.mark.scenario("fault-429")
@pytest.mark.scenario("fault-401")
@pytest.mark.scenario("fault-403")
@pytest.mark.scenario("fault-404")
@pytest.mark.scenario("fault-5xx")
@pytest.mark.scenario("fault-html")
@pytest.mark.scenario("fault-clean-close")
@pytest.mark.scenario("fault-short-watch")
@pytest.mark.scenario("fault-drain")
@pytest.mark.scenario("fault-cut-stream")
@pytest.mark.scenario("fault-gzip-members")
@pytest.mark.scenario("fault-split-utf8")
@pytest.mark.scenario("fault-empty-stream")
@pytest.mark.scenario("fault-stale-connection")
@pytest.mark.scenario("fault-poison")
@pytest.mark.scenario("fault-unknown-event")
@pytest.mark.parametrize(("cell", "phase", "mode"), [*cases()])
def test_matrix(cell: Cell, phase: Phase, mode: Mode) -> None:
    with Scene(cell, mode) as scene:
        scene.play(phase)
        scene.check()


@pytest.mark.parametrize(("cell", "phase", "mode"), [*cases(OVER_TLS)])
def test_matrix_over_tls(cell: Cell, phase: Phase, mode: Mode) -> None:
    with Scene(cell, mode, tls=True) as scene:
        scene.play(phase)
        scene.check()
