"""Plans of faults: by script or by chance, and the same each time for the same seed."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Protocol

from kinform.testing.server.faults import matcher

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kinform.testing.server.effects import Effect
    from kinform.testing.server.faults import RequestMatcher
    from kinform.testing.server.requests import RecordedRequest

__all__ = ["FaultPlan"]


class _Rule(Protocol):
    def effect(self, request: RecordedRequest) -> Effect | None: ...


class FaultPlan:
    """Which requests suffer what. Thread-safe; give one plan to one server.

    Rules are asked in the order in which they were added; the first that has an effect wins. What chance decides hangs
    on the seed, the rule, the request's method and path, and how many such requests the rule has seen, but not on the
    order in which threads come: the same requests suffer the same in each run.

        plan = FaultPlan(seed=7)
        plan.script("*/pods", None, Refuse(503), Cut(after_bytes=100))
        plan.chance("*", 0.05, Refuse(429, retry_after=1), Stall(), times=20)
        with Server(resources, faults=plan) as server: ...

    Args:
        seed: What chance goes by.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def script(self, which: RequestMatcher, *effects: Effect | None) -> FaultPlan:
        """The first request of a kind suffers the first effect, the second the second, and so on; None is none.

        Args:
            which: A pattern for the path as in ``fnmatch`` (``"*/pods"``), or a predicate on the request.
            effects: In order.

        Returns:
            The plan itself.
        """
        return self._add(_Script(matcher(which), effects))

    def chance(
        self, which: RequestMatcher, probability: float, *effects: Effect, times: int | None = None
    ) -> FaultPlan:
        """Each request of a kind suffers one of these effects, with this probability.

        Args:
            which: As in ``script``.
            probability: From 0 to 1.
            effects: Each as likely as the others.
            times: After so many faults the rule is done; None: never.

        Returns:
            The plan itself.

        Raises:
            ValueError: There are no effects, or that is no probability.
        """
        if not effects or not 0 <= probability <= 1:
            raise ValueError(f"chance needs effects and a probability from 0 to 1, not {probability!r}")
        seed = f"{self._seed}/{len(self._rules)}"
        return self._add(_Chance(matcher(which), probability, effects, times, seed))

    def _add(self, rule: _Rule) -> FaultPlan:
        with self._lock:
            self._rules.append(rule)
        return self

    def clear(self) -> None:
        """From now on no request suffers anything."""
        with self._lock:
            self._rules.clear()

    def take(self, request: RecordedRequest) -> Effect | None:
        """What this request suffers; the server asks this once for each."""
        with self._lock:
            for rule in self._rules:
                if (effect := rule.effect(request)) is not None:
                    return effect
        return None


class _Script:
    def __init__(self, matches: Callable[[RecordedRequest], bool], effects: Sequence[Effect | None]) -> None:
        self._matches = matches
        self._left = [*effects]

    def effect(self, request: RecordedRequest) -> Effect | None:
        return self._left.pop(0) if self._left and self._matches(request) else None


class _Chance:
    def __init__(
        self,
        matches: Callable[[RecordedRequest], bool],
        probability: float,
        effects: Sequence[Effect],
        times: int | None,
        seed: str,
    ) -> None:
        self._matches = matches
        self._probability = probability
        self._effects = effects
        self._left = times
        self._seed = seed
        self._seen: dict[str, int] = {}

    def effect(self, request: RecordedRequest) -> Effect | None:
        if self._left == 0 or not self._matches(request):
            return None
        what = f"{request.method} {request.path}"
        number = self._seen[what] = self._seen.get(what, 0) + 1
        dice = random.Random(f"{self._seed}/{what}/{number}")  # noqa: S311  (no secrets)
        if dice.random() >= self._probability:
            return None
        if self._left is not None:
            self._left -= 1
        return dice.choice(self._effects)
