"""Waiting for what becomes true, and watching what must stay so: ``eventually`` and ``consistently``."""

from __future__ import annotations

import functools
import inspect
import sys
import threading
import traceback
from types import FunctionType
from typing import TYPE_CHECKING, Final, TypeVar, cast, overload

from kinform.clock import SYSTEM_CLOCK
from kinform.errors import NotFoundError
from kinform.testing.clock import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.clock import Clock

__all__ = ["consistently", "eventually"]

T = TypeVar("T")

_NOT_YET: Final[tuple[type[BaseException], ...]] = (AssertionError, NotFoundError)
_PATIENCE: Final = 10.0  # seconds of real time that threads have to act on a virtual clock's last move
_MOMENT: Final = 0.005  # seconds of real time between two moves of a virtual clock, for threads to act on each


@overload
def eventually(
    check: Callable[[], None],
    *,
    timeout: float = ...,
    interval: float = ...,
    clock: Clock = ...,
    retry_on: tuple[type[BaseException], ...] = ...,
) -> None: ...
@overload
def eventually(
    check: Callable[[], T | None],
    *,
    timeout: float = ...,
    interval: float = ...,
    clock: Clock = ...,
    retry_on: tuple[type[BaseException], ...] = ...,
) -> T: ...
def eventually(
    check: Callable[[], T | None],
    *,
    timeout: float = 10.0,
    interval: float = 0.05,
    clock: Clock = SYSTEM_CLOCK,
    retry_on: tuple[type[BaseException], ...] = _NOT_YET,
) -> T | None:
    """Tries a check again and again until it holds. Blocks; not for asynchronous checks (Gomega: ``Eventually``).

        pod = eventually(lambda: pods.lister().pods("shop").find("web-0"))  # a value: here a Pod


        def is_ready() -> None:  # or assertions
            deployment = clientset.apps_v1().deployments("shop").get("web")
            assert deployment.status.ready_replicas == 3


        eventually(is_ready, timeout=30)

    Args:
        check: What must hold, called by this thread. Of an expression (a lambda, a function that is declared to return
            something, any other callable) the value must be true: neither None nor False, 0 or empty. A function
            without a declared result may also return None: then its assertions must hold, and they have.
        timeout: Seconds after which it is given up. There is one try at least, and one when they are over.
        interval: Seconds between two tries.
        clock: What these seconds are counted by. A ``VirtualClock`` is moved from try to try, up to ``timeout`` in all,
            and the threads that go by it get moments of real time, up to 10 seconds in the end.
        retry_on: What a check may raise that does not hold yet: AssertionError (as which ``pytest.fail`` counts, and a
            ``pytest.raises`` that saw nothing), and what clients and listers raise for objects that are not there. All
            else is raised at once.

    Returns:
        What the check returned in the end.

    Raises:
        AssertionError: It did not hold in time; the text tells why the last try failed, which is its cause, too.
        TypeError: The check is asynchronous.
        ValueError: ``interval`` is not positive.
    """
    __tracebackhide__ = True
    pace = _Pace(clock, timeout, interval, patience=_PATIENCE)
    attempt = _Attempt(check, retry_on)
    while True:
        last = pace.over
        if attempt():
            return cast("T | None", attempt.value)
        if last:
            tries = f"{attempt.count} {'try' if attempt.count == 1 else 'tries'}"
            raise AssertionError(f"not within {timeout:g} s ({tries}): {attempt.why}") from attempt.error
        pace.wait()


@overload
def consistently(
    check: Callable[[], None], *, duration: float = ..., interval: float = ..., clock: Clock = ...
) -> None: ...
@overload
def consistently(
    check: Callable[[], T | None], *, duration: float = ..., interval: float = ..., clock: Clock = ...
) -> T: ...
def consistently(
    check: Callable[[], T | None], *, duration: float = 0.5, interval: float = 0.01, clock: Clock = SYSTEM_CLOCK
) -> T | None:
    """Tries a check again and again for a while, in which it must hold each time. Blocks (Gomega: ``Consistently``).

    Waiting does not prove that nothing happens: a test that can wait for a later event instead is quicker and sure.

    Args:
        check: What must hold, as for ``eventually``.
        duration: Seconds. There is one try at least, and one when they are over.
        interval: Seconds between two tries.
        clock: What these seconds are counted by. A ``VirtualClock`` is moved from try to try, ``duration`` in all.

    Returns:
        What the check returned in the end.

    Raises:
        AssertionError: A try failed; the text tells when and why.
        TypeError: The check is asynchronous.
        ValueError: ``interval`` is not positive.
    """
    __tracebackhide__ = True
    pace = _Pace(clock, duration, interval, patience=0.0)
    attempt = _Attempt(check, (AssertionError,))
    while True:
        last = pace.over
        if not attempt():
            raise AssertionError(
                f"not for {duration:g} s, but only for {pace.elapsed:.3g} (try {attempt.count}): {attempt.why}"
            ) from attempt.error
        if last:
            return cast("T | None", attempt.value)
        pace.wait()


class _Attempt:
    """Makes the tries of a check.

    Attributes:
        count: How many.
        value: What the last one returned.
        error: What the last one raised.
        why: Why it failed.
    """

    def __init__(self, check: Callable[[], object], retry_on: tuple[type[BaseException], ...]) -> None:
        self._check = check
        self._retry_on = (*retry_on, *_failures_of_pytest()) if AssertionError in retry_on else retry_on
        self._asserts = _asserts(check)
        self.count = 0
        self.value: object = None
        self.error: BaseException | None = None
        self.why = ""

    def __call__(self) -> bool:
        """One try; whether it held."""
        __tracebackhide__ = True
        self.count += 1
        self.error = None
        try:
            self.value = self._check()
        except self._retry_on as error:
            self.error = error
            self.why = _told(error)
            return False
        if inspect.iscoroutine(self.value):
            self.value.close()
            raise TypeError(f"a check must not be asynchronous: {self._check!r} is")
        if self.value or (self.value is None and self._asserts):
            return True
        self.why = f"it returned {self.value!r}"
        return False


class _Pace:
    """When to try, by a clock; ``patience`` is the real time that is added to a virtual one."""

    def __init__(self, clock: Clock, seconds: float, interval: float, *, patience: float) -> None:
        if interval <= 0:
            raise ValueError(f"interval must be positive, not {interval}")
        self._clock = clock
        self._interval = interval
        self._start = clock.monotonic()
        self._end = self._start + seconds
        self._nothing = threading.Event()
        self._patience = patience
        self._real_end = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock.monotonic() - self._start

    @property
    def over(self) -> bool:
        """Whether there is time for one last try only."""
        return self._clock.monotonic() >= self._end and SYSTEM_CLOCK.monotonic() >= self._real_end

    def wait(self) -> None:
        """Lets time go by until the next try."""
        left = self._end - self._clock.monotonic()
        if not isinstance(self._clock, VirtualClock):
            self._clock.wait(self._nothing, max(0.0, min(self._interval, left)))
            return
        if left > 0:
            self._clock.advance(min(self._interval, left))
            self._real_end = SYSTEM_CLOCK.monotonic() + self._patience
        SYSTEM_CLOCK.wait(self._nothing, _MOMENT)


def _asserts(check: Callable[[], object]) -> bool:
    """Whether a callable is a function of assertions, which says that they hold by returning, be it None."""
    inner: object = check
    while isinstance(inner, functools.partial):
        inner = inner.func
    inner = getattr(inner, "__func__", inner)
    if not isinstance(inner, FunctionType) or inner.__name__ == "<lambda>":
        return False
    return inspect.signature(inner).return_annotation in {inspect.Signature.empty, None, "None"}


def _failures_of_pytest() -> tuple[type[BaseException], ...]:
    """What ``pytest.fail`` raises, where this is a test of pytest's."""
    pytest = sys.modules.get("pytest")
    return () if pytest is None else (cast("type[BaseException]", pytest.fail.Exception),)


def _told(error: BaseException) -> str:
    """What an exception says, or where it came from if it says nothing."""
    text = str(error)
    if text:
        return (
            text if isinstance(error, (AssertionError, *_failures_of_pytest())) else f"{type(error).__name__}: {text}"
        )
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{place.line or type(error).__name__} ({place.filename}:{place.lineno})"
