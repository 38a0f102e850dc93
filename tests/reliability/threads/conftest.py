"""Many threads at once, switched between as often as Python can, for so many rounds and not for so many seconds."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, TypeAlias

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    AllAtOnce: TypeAlias = "Callable[..., None]"

_PATIENCE = 600.0  # seconds after which a thread counts as stuck


@pytest.fixture(autouse=True)
def frequent_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(params=[1, pytest.param(20, marks=pytest.mark.long)], ids=["short", "long"])
def rounds(request: pytest.FixtureRequest) -> int:
    """How many times as much as in the short form."""
    found = request.param
    assert isinstance(found, int)
    return found


@pytest.fixture
def all_at_once() -> AllAtOnce:
    """Runs functions in a thread each, from one moment on; raises what they raised."""

    def run(*functions: Callable[[], object]) -> None:
        begin = threading.Barrier(len(functions))
        errors: list[BaseException] = []

        def call(function: Callable[[], object]) -> None:
            begin.wait()
            try:
                function()
            except BaseException as error:  # noqa: BLE001  (it is raised below)
                errors.append(error)

        threads = [threading.Thread(target=call, args=(each,), daemon=True) for each in functions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(_PATIENCE)
        stuck = [thread.name for thread in threads if thread.is_alive()]
        assert not stuck, f"stuck: {stuck}, after {errors}"
        if errors:
            raise BaseExceptionGroup("in threads", errors)

    return run
