"""eventually() and consistently(): what holds, what does not yet, what is told, and by which clock."""

from __future__ import annotations

import functools
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from kinform.errors import NotFoundError, Status
from kinform.testing import VirtualClock, consistently, eventually

if TYPE_CHECKING:
    from collections.abc import Callable


MISSING = NotFoundError(Status(reason="NotFound", code=404, message='pods "a" not found'), request="GET /pods/a")


class Answers:
    """Answers one after the other, the last one for ever; exceptions are raised."""

    def __init__(self, *answers: object) -> None:
        self._answers = [*answers]
        self.count = 0

    def __call__(self) -> Any:
        self.count += 1
        answer = self._answers[0] if len(self._answers) == 1 else self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.mark.parametrize("not_yet", [None, False, 0, "", [], AssertionError("no"), AssertionError()])
def test_until_a_value_is_true(not_yet: object) -> None:
    answers = Answers(not_yet, not_yet, "pod")
    assert eventually(answers, interval=0.001) == "pod"
    assert answers.count == 3


def test_until_assertions_hold() -> None:
    answers = Answers(1, 2, 3)

    def check() -> None:
        assert answers() == 3

    def unannotated():  # type: ignore[no-untyped-def]
        assert answers() == 3

    eventually(check, interval=0.001)
    assert answers.count == 3
    eventually(unannotated)


class Checks:
    def method(self) -> None:
        assert True

    def find(self, name: str) -> str | None:
        return None


def nothing(found: bool = False) -> None:
    assert not found


def found() -> str | None:
    return None


@pytest.mark.parametrize("check", [nothing, Checks().method, functools.partial(nothing, found=False)])
def test_none_of_a_block_of_assertions_is_well(check: Callable[[], None]) -> None:
    eventually(check)
    consistently(check, duration=0)


@pytest.mark.parametrize("check", [lambda: None, found, functools.partial(Checks().find, "a"), {}.clear, Answers(None)])
def test_none_of_an_expression_is_not(check: Callable[[], Any]) -> None:
    with pytest.raises(AssertionError, match=r"not within 0 s \(1 try\): it returned None"):
        eventually(check, timeout=0)
    with pytest.raises(AssertionError, match="it returned None"):
        consistently(check, duration=0)


def test_what_is_not_there_yet() -> None:
    client = Answers(MISSING, "pod")
    assert eventually(client, interval=0.001) == "pod"
    with pytest.raises(AssertionError, match=r'NotFoundError: .*pods "a" not found') as caught:
        eventually(Answers(MISSING), timeout=0)
    assert isinstance(caught.value.__cause__, NotFoundError)


def test_what_pytest_says_of_a_check() -> None:
    answers = Answers("quiet", KeyError("x"))

    def check() -> None:
        with pytest.raises(KeyError):
            answers()

    eventually(check, interval=0.001)
    assert answers.count == 2
    with pytest.raises(AssertionError, match=r"not within 0 s \(1 try\): three pods"):
        eventually(lambda: pytest.fail("three pods"), timeout=0)
    with pytest.raises(AssertionError, match="three pods"):
        consistently(lambda: pytest.fail("three pods"), duration=0)


def test_other_errors_end_it() -> None:
    answers = Answers(KeyError("x"), "pod")
    with pytest.raises(KeyError):
        eventually(answers)
    assert answers.count == 1
    answers = Answers(KeyError("x"), "pod")
    assert eventually(answers, retry_on=(KeyError,), interval=0.001) == "pod"


async def never() -> bool:
    return False


def test_asynchronous_checks_are_refused() -> None:
    with pytest.raises(TypeError, match="a check must not be asynchronous"):
        eventually(never)  # type: ignore[unused-coroutine]


def test_what_is_told() -> None:
    answers = Answers(AssertionError("first"), AssertionError("2 pods, not 3"))
    with pytest.raises(AssertionError, match=r"^not within 0.01 s \(\d+ tries\): 2 pods, not 3$") as caught:
        eventually(answers, timeout=0.01, interval=0.003)
    assert str(caught.value.__cause__) == "2 pods, not 3"


def test_an_assertion_that_says_nothing_is_quoted(tmp_path: Any) -> None:
    # As in a module whose assertions pytest has not rewritten.
    (tmp_path / "plain.py").write_text("def check():\n    replicas = 2\n    assert replicas == 3\n")
    names: dict[str, Any] = {}
    exec(compile((tmp_path / "plain.py").read_text(), str(tmp_path / "plain.py"), "exec"), names)
    with pytest.raises(AssertionError, match=r"not within 0 s \(1 try\): assert replicas == 3 \(.*plain.py:3\)"):
        eventually(names["check"], timeout=0)


def test_it_takes_its_time_and_tries_once_more_in_the_end() -> None:
    answers = Answers(False)
    start = time.monotonic()
    with pytest.raises(AssertionError):
        eventually(answers, timeout=0.05, interval=10)
    assert time.monotonic() - start < 5
    assert answers.count == 2


def test_it_stays_so() -> None:
    answers = Answers("same")
    assert consistently(answers, duration=0.02, interval=0.005) == "same"
    assert 2 <= answers.count <= 5


def test_it_does_not_stay_so() -> None:
    answers = Answers(True, True, AssertionError("a second pod"))
    with pytest.raises(AssertionError, match=r"^not for 5 s, but only for 0\.\S+ \(try 3\): a second pod$"):
        consistently(answers, duration=5, interval=0.001)


@pytest.mark.parametrize("function", [eventually, consistently])
def test_an_interval_of_nothing(function: Any) -> None:
    with pytest.raises(ValueError, match="interval must be positive, not 0"):
        function(lambda: True, interval=0)


# ---- by a clock that is moved


def test_a_virtual_clock_is_moved_from_try_to_try(clock: VirtualClock) -> None:
    start, seen = clock.monotonic(), list[float]()

    def check() -> None:
        seen.append(clock.monotonic() - start)
        assert len(seen) == 4

    eventually(check, timeout=60, interval=10, clock=clock)
    assert seen == [0, 10, 20, 30]


def test_a_virtual_clock_is_moved_no_further_than_the_timeout(clock: VirtualClock) -> None:
    start = clock.monotonic()
    told = threading.Event()

    def slow() -> None:  # goes by the clock, and needs real time when its moment has come
        clock.wait(threading.Event(), 25)
        time.sleep(0.1)
        told.set()

    thread = threading.Thread(target=slow)
    thread.start()
    clock.wait_for_waiters()
    assert eventually(told.is_set, timeout=25, interval=10, clock=clock)
    assert clock.monotonic() - start == 25
    thread.join()


def test_consistently_by_a_virtual_clock(clock: VirtualClock) -> None:
    start = clock.monotonic()
    consistently(lambda: clock.monotonic() - start <= 30, duration=30, interval=10, clock=clock)
    assert clock.monotonic() - start == 30
    with pytest.raises(AssertionError, match=r"not for 30 s, but only for 20 \(try 3\)"):
        consistently(lambda: clock.monotonic() - start < 50, duration=30, interval=10, clock=clock)
