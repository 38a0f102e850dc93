"""What two informers of one factory share when one of them has trouble: what was learned of the server, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.reliability.faults.cells import Down, Mode, Phase
from tests.reliability.faults.fetch_answers import CELLS as ANSWERS
from tests.reliability.faults.fetch_connection import CELLS as CONNECTION
from tests.reliability.faults.scene import Scene

if TYPE_CHECKING:
    from tests.reliability.faults.cells import Cell

STREAMING = [cell for cell in (*CONNECTION, *ANSWERS) if cell.streaming and Phase.INITIAL in cell.phases]
FALL_BACKS = [cell for cell in STREAMING if "L" in str(cell.streaming)]
ALONE = [
    cell for cell in STREAMING if cell not in FALL_BACKS and not any(isinstance(each, Down) for each in cell.steps)
]


@pytest.mark.parametrize("cell", FALL_BACKS, ids=lambda cell: cell.name)
@pytest.mark.scenario("fault-watchlist-refused")
@pytest.mark.scenario("fault-watchlist-silent")
def test_what_one_has_learned_of_the_server_spares_the_other_the_trouble(cell: Cell) -> None:
    with Scene(cell, Mode.STREAMING) as one:
        one.play(Phase.INITIAL)
        with Scene(cell, Mode.STREAMING, namespace="yard", beside=one) as other:
            one.factory.start()
            other.look_on("L P P W")
            one.check()
            other.check()


@pytest.mark.parametrize("cell", ALONE, ids=lambda cell: cell.name)
def test_the_trouble_of_one_is_not_the_others(cell: Cell) -> None:
    """The other asks once, backs off from nothing, misses nothing, and resumes when its watch ends in good order."""
    with Scene(cell, Mode.STREAMING) as one, Scene(cell, Mode.STREAMING, namespace="yard", beside=one) as other:
        one.play(Phase.INITIAL)
        other.look_on("S! j W")
        one.check()
        other.check()
