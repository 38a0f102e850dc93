"""How long to leave a thing alone that keeps failing, for those who look at many things again and again."""

from __future__ import annotations

import random
import threading
from collections.abc import Hashable
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec

from kinform.clock import SYSTEM_CLOCK

if TYPE_CHECKING:
    from kinform.clock import Clock

__all__ = ["Backoff"]

K = TypeVar("K", bound=Hashable)


class _Entry(msgspec.Struct, gc=False):
    delay: float
    updated: float


class Backoff(Generic[K]):
    """A delay per key that doubles with each failure (client-go: ``flowcontrol.Backoff``). Thread-safe.

    Where a queue holds the failed items, its rate limiter does this; here nothing waits, somebody asks. Times are
    readings of the clock's ``monotonic()``, by default now. A key that has not failed for long starts over; ``gc`` is
    to be called now and then, or what was known of such keys is kept for ever.

    Args:
        initial: Seconds after the first failure.
        maximum: The longest delay, in seconds.
        jitter: Up to so much of a delay is added to the next, by chance: 0.1 for a tenth.
        expires_after: Seconds after which a key starts over; None: twice ``maximum``.
        clock: For tests.
        rng: The source of chance.

    Raises:
        ValueError: ``initial`` is not above 0, ``maximum`` is below it, or ``jitter`` is negative.
    """

    def __init__(
        self,
        initial: float,
        maximum: float,
        *,
        jitter: float = 0.0,
        expires_after: float | None = None,
        clock: Clock = SYSTEM_CLOCK,
        rng: random.Random | None = None,
    ) -> None:
        if not 0 < initial <= maximum or jitter < 0:
            raise ValueError(
                f"a back-off goes from initial, above 0, to maximum, with jitter of at least 0; not from {initial} to"
                f" {maximum} with {jitter}"
            )
        self._initial: Final = initial
        self._maximum: Final = maximum
        self._jitter: Final = jitter
        self._expires_after: Final = 2 * maximum if expires_after is None else expires_after
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311  (spreads load, guards no secret)
        self._entries: dict[K, _Entry] = {}
        self._lock = threading.Lock()

    def next(self, key: K, event_time: float | None = None) -> float:
        """The key has failed, at ``event_time``: doubles its delay, up to the maximum.

        Returns:
            The new delay, in seconds.
        """
        with self._lock:
            now = self._clock.monotonic()
            entry = self._live(key, now if event_time is None else event_time)
            if entry is None:
                # As in client-go the maximum does not cut the first delay's jitter.
                delay = self._initial + self._chance(self._initial)
            else:
                delay = min(2 * entry.delay + self._chance(entry.delay), self._maximum)
            self._entries[key] = _Entry(delay, now)
            return delay

    def get(self, key: K) -> float:
        """The key's delay, in seconds; 0 where it has not failed."""
        with self._lock:
            entry = self._entries.get(key)
            return 0.0 if entry is None else entry.delay

    def reset(self, key: K) -> None:
        """The key starts over (client-go: ``Reset`` and ``DeleteEntry``)."""
        with self._lock:
            self._entries.pop(key, None)

    def is_in_backoff_since(self, key: K, event_time: float) -> bool:
        """Whether less than the key's delay has passed since ``event_time``."""
        with self._lock:
            entry = self._live(key, event_time)
            return entry is not None and self._clock.monotonic() - event_time < entry.delay

    def is_in_backoff_since_update(self, key: K, event_time: float | None = None) -> bool:
        """Whether at ``event_time`` less than the key's delay had passed since it failed last."""
        with self._lock:
            when = self._clock.monotonic() if event_time is None else event_time
            entry = self._live(key, when)
            return entry is not None and when - entry.updated < entry.delay

    def gc(self) -> int:
        """Forgets keys that have not failed for so long that they would start over; how many."""
        with self._lock:
            now = self._clock.monotonic()
            old = [key for key, entry in self._entries.items() if now - entry.updated > self._expires_after]
            for key in old:
                del self._entries[key]
            return len(old)

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._entries)

    def _live(self, key: K, when: float) -> _Entry | None:
        entry = self._entries.get(key)
        return None if entry is None or when - entry.updated > self._expires_after else entry

    def _chance(self, delay: float) -> float:
        return self._rng.random() * self._jitter * delay if self._jitter else 0.0
