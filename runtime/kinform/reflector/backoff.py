"""How long to wait before the next try: one delay that doubles, with jitter, for every cause alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

__all__ = ["Backoff"]


class Backoff:
    """An exponential delay with jitter (client-go: the reflector's ``wait.Backoff``, with its figures).

    A delay is drawn evenly from [d, d + jitter · d), where d starts at ``initial`` and is multiplied by ``factor`` at
    each step until it reaches ``cap``. Resetting is the caller's decision: it knows what health is.

    Args:
        rng: The source of chance.
        initial: The first d, in seconds.
        factor: By what d grows.
        cap: The largest d, in seconds.
        jitter: 1 spreads each delay over [d, 2d), 0 over nothing.
    """

    def __init__(
        self, rng: random.Random, *, initial: float = 0.8, factor: float = 2.0, cap: float = 30.0, jitter: float = 1.0
    ) -> None:
        self._rng = rng
        self._initial = initial
        self._factor = factor
        self._cap = cap
        self._jitter = jitter
        self._next = initial

    def step(self) -> float:
        """Seconds to wait now; the following ones will be longer."""
        delay = self._next
        self._next = min(delay * self._factor, self._cap)
        return self._spread(delay)

    def shortest(self) -> float:
        """Seconds as the first step would have them, wherever the steps have got to; they stay there."""
        return self._spread(self._initial)

    def _spread(self, delay: float) -> float:
        return delay * (1.0 + self._jitter * self._rng.random())

    def reset(self) -> None:
        """Starts over with the shortest delay."""
        self._next = self._initial
