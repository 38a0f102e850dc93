"""Trying again at once what lost a race: a write on top of another's."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from kinform.clock import SYSTEM_CLOCK
from kinform.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kinform.clock import Clock

__all__ = ["DEFAULT_BACKOFF", "DEFAULT_RETRY", "RetryBackoff", "retry_on_conflict", "retry_on_error"]

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class RetryBackoff:
    """How often to try, and how long to wait in between (apimachinery: ``wait.Backoff``).

    Attributes:
        steps: How many tries, the first included; at least 1.
        duration: The first wait.
        factor: By which each further wait is longer.
        jitter: Which part of itself is at most added to each wait.

    Raises:
        ValueError: ``steps`` is less than 1, or another is negative.
    """

    steps: int
    duration: timedelta
    factor: float = 1.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.duration < timedelta(0) or self.factor < 0 or self.jitter < 0:
            raise ValueError(f"{self} needs at least one step, and nothing in it may be negative")

    def waits(self, rng: random.Random) -> Iterator[float]:
        """The seconds to wait after each try but the last."""
        seconds = self.duration.total_seconds()
        for _ in range(self.steps - 1):
            yield seconds * (1.0 + self.jitter * rng.random())
            seconds *= self.factor


DEFAULT_RETRY: Final = RetryBackoff(steps=5, duration=timedelta(milliseconds=10), factor=1.0, jitter=0.1)
"""For writers that others overtake now and then (client-go: ``retry.DefaultRetry``)."""

DEFAULT_BACKOFF: Final = RetryBackoff(steps=4, duration=timedelta(milliseconds=10), factor=5.0, jitter=0.1)
"""Where many write the same object (client-go: ``retry.DefaultBackoff``)."""

_CHANCE: Final = random.Random()  # noqa: S311  (spreads load, guards no secret)


def retry_on_conflict(
    work: Callable[[], R], *, backoff: RetryBackoff = DEFAULT_RETRY, clock: Clock = SYSTEM_CLOCK
) -> R:
    """Calls ``work`` until it raises no ``ConflictError``, or some times (client-go: ``RetryOnConflict``). Blocks.

    Each call must read the object anew, from the server and not from a cache, change it and write it. In a reconciler
    it is often better to let the error out: the key comes again when the cache has the newer object.

    Args:
        work: What to do.
        backoff: How often, and how long to wait in between.
        clock: For tests.

    Returns:
        What ``work`` returns.

    Raises:
        ConflictError: From the last try.
        Exception: Whatever else ``work`` raises, at once.
    """
    return retry_on_error(work, lambda error: isinstance(error, ConflictError), backoff=backoff, clock=clock)


def retry_on_error(
    work: Callable[[], R],
    retriable: Callable[[Exception], bool],
    *,
    backoff: RetryBackoff = DEFAULT_BACKOFF,
    cancel: threading.Event | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> R:
    """Calls ``work`` again as long as it raises what is retriable (client-go: ``retry.OnError``). Blocks.

    Args:
        work: What to do.
        retriable: Whether another try may help, by what was raised.
        backoff: How often, and how long to wait in between.
        cancel: Set it from elsewhere to end a wait: then the last error is raised.
        clock: For tests.

    Returns:
        What ``work`` returns.

    Raises:
        Exception: What the last try raised, or what is not retriable.
    """
    ended = threading.Event() if cancel is None else cancel
    for seconds in backoff.waits(_CHANCE):
        try:
            return work()
        except Exception as error:
            if not retriable(error) or clock.wait(ended, seconds):
                raise
    return work()
