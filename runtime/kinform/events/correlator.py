"""Keeps a controller that says the same again and again from flooding the API server: combines, counts, filters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from kinform.events.occurrence import Series, clipped, event_name
from kinform.events.recent import Recent
from kinform.token_bucket import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Hashable

    from kinform.clock import Clock
    from kinform.events.occurrence import Occurrence

__all__ = ["COMBINED", "QUIET", "Correlator"]

COMBINED: Final = "(combined from similar events): "
"""How the message of a combined event begins, to which ``kubectl`` users are used."""
QUIET: Final = 360.0
"""Seconds after which a series is over, or its count is made true (client-go: ``finishTime``)."""

_MAX_KEYS: Final = 4096  # of each cache (client-go: maxLruCacheEntries)
_MAX_SIMILAR: Final = 10  # different messages (client-go: defaultAggregateMaxEvents)
_SIMILAR_WINDOW: Final = 600.0  # seconds between two of them (client-go: defaultAggregateIntervalInSeconds)
_SPAM_BURST: Final = 25
_SPAM_RATE: Final = 1 / 300  # a second
_NANOSECONDS: Final = 1_000_000_000

_Key: TypeAlias = "tuple[Hashable, ...]"


@dataclass(slots=True)
class _Similar:
    """Messages that were said of one object, for one reason."""

    last: float
    messages: dict[str, None] = field(default_factory=dict[str, None])  # in order: the oldest goes first


class Correlator:
    """Turns occurrences into series, one event each (client-go: ``EventCorrelator``). For one thread; does no I/O.

    Similar ones, that differ in their message only, are combined from the tenth on, as long as no 10 minutes pass
    between two. Equal ones are counted. Then, of all that is said of one object with one type, 25 and one more every
    5 minutes are let through; the others are counted, and the count goes out with the next that is let through, or
    when they have ended.

    Args:
        clock: Measures windows, and rates.
        finite: Whether a series is over after 6 minutes of quiet, as in ``events.k8s.io``; what comes then is another.
    """

    def __init__(self, clock: Clock, *, finite: bool) -> None:
        self._clock = clock
        self._finite = finite
        self._similar: Recent[_Key, _Similar] = Recent(_MAX_KEYS)
        self._series: Recent[_Key, Series] = Recent(_MAX_KEYS)
        self._buckets: Recent[_Key, TokenBucket] = Recent(_MAX_KEYS)
        self._behind: list[Series] = []
        self._stamp = 0
        self.combined: int = 0
        """How many occurrences went into combined events."""
        self.lagging: bool = False
        """Whether an event may show less than was counted."""

    def add(self, occurrence: Occurrence) -> Series | None:
        """Counts an occurrence.

        Returns:
            The series that it belongs to, which is to be told to the server now; None: not now.
        """
        now = self._clock.monotonic()
        key, message = self._aggregate(occurrence, now)
        series = self._series.get(key, lambda: self._begin(occurrence, message, now))
        if self._finite and now - series.seen > QUIET:
            self._end(key, series)
            series = self._series.get(key, lambda: self._begin(occurrence, message, now))
        series.count += 1
        series.message = message
        series.last = max(series.last, occurrence.at)
        series.seen = now
        if self._let_through(occurrence):
            return series
        self.lagging = True
        return None

    def behind(self, *, quiet: float) -> list[Series]:
        """Series whose event shows less than was counted, and of which nothing came for so many seconds.

        Those that are over are forgotten.
        """
        now = self._clock.monotonic()
        self.lagging = False
        for key, series in self._series.items():
            if self._finite and now - series.seen >= QUIET:
                self._end(key, series)
            elif 0 < series.told < series.count:
                if now - series.seen >= quiet:
                    self._behind.append(series)
                else:
                    self.lagging = True
        found, self._behind = self._behind, []
        return found

    def _aggregate(self, occurrence: Occurrence, now: float) -> tuple[_Key, str]:
        similarity: _Key = (
            occurrence.regarding.identity,
            None if occurrence.related is None else occurrence.related.identity,
            occurrence.type,
            occurrence.reason,
            occurrence.action,
        )
        similar = self._similar.get(similarity, lambda: _Similar(now))
        if now - similar.last > _SIMILAR_WINDOW:
            similar.messages.clear()
        similar.last = now
        similar.messages[occurrence.message] = None
        if len(similar.messages) < _MAX_SIMILAR:
            return (*similarity, occurrence.message), occurrence.message
        del similar.messages[next(iter(similar.messages))]  # so that the next different one is combined, too
        self.combined += 1
        return similarity, clipped(COMBINED + occurrence.message)

    def _begin(self, occurrence: Occurrence, message: str, now: float) -> Series:
        self._stamp = max(self._stamp + 1, int(occurrence.at * _NANOSECONDS))
        name = event_name(occurrence.regarding.name, self._stamp)
        return Series(name, occurrence, message, last=occurrence.at, count=0, told=0, seen=now)

    def _end(self, key: _Key, series: Series) -> None:
        self._series.drop(key)
        if 0 < series.told < series.count:
            self._behind.append(series)

    def _let_through(self, occurrence: Occurrence) -> bool:
        key = (occurrence.regarding.identity, occurrence.type)
        bucket = self._buckets.get(key, lambda: TokenBucket(_SPAM_RATE, _SPAM_BURST, clock=self._clock))
        return bucket.reserve(max_delay=0.0) is not None
