"""Leader election as a pure state machine: what the server said goes in, the next request and the news come out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from kinform.errors import (
    AlreadyExistsError,
    ApiStatusError,
    ConflictError,
    KinformError,
    LeadershipLostError,
    NotFoundError,
    TransportError,
)
from kinform.leaderelection.actions import Failed, Finish, NewLeader, Send, Started, Stopped, Wait
from kinform.leaderelection.config import JITTER_FACTOR
from kinform.leaderelection.lease import Lease, LeaseRecord, micro_time
from kinform.leaderelection.lock import Verb

if TYPE_CHECKING:
    import random

    from kinform.leaderelection.actions import Action, Effect, Instant
    from kinform.leaderelection.config import LeaderElection

__all__ = ["Election", "Phase"]

_MIN_REQUEST_TIMEOUT: Final = 1.0
_RETRY_AFTER_CAP: Final = 60.0


class Phase(Enum):
    """Where a candidate stands."""

    FOLLOWING = auto()
    """Another leads, or nobody, or it is not known."""
    LEADING = auto()
    """The work runs."""
    STOPPING = auto()
    """The work has been told to end and has not ended: the lease is renewed until it has."""
    RELEASING = auto()
    """The lease is being given up."""
    ENDED = auto()
    """Nothing more is done."""


@dataclass(frozen=True, slots=True)
class _Request:
    """A request under way."""

    verb: Verb
    began: Instant
    timeout: float
    optimistic: bool
    """Whether it writes without having read."""

    @property
    def writes(self) -> bool:
        return self.verb is not Verb.GET


class Election:
    """One candidate for one lease, without any I/O (client-go: ``leaderelection.LeaderElector``).

    The driver asks ``next()`` what to do, does it, and reports what came of it; what is to be told is in
    ``take_effects()``. Every input takes the present moment, and a leader whose time has run out ends with it, whatever
    the input says.

    What it holds to: another's lease has expired when it has been seen unchanged for its duration, by the clock that
    stands still in suspend; one's own when ``renew_deadline`` has passed since the last successful renewal was *sent*,
    by the clock that goes on in suspend. A write whose outcome is unknown counts as failed here and is looked into
    there. Only a lease that was just read as one's own is released.

    Not thread-safe, but for ``leads_at()`` and the attributes.

    Args:
        config: The election.
        identity: Who this is.
        rng: The source of chance, for jitter.
    """

    def __init__(self, config: LeaderElection, identity: str, rng: random.Random) -> None:
        self._name = str(config.key)
        self._key = config.key
        self._identity = identity
        self._rng = rng
        self._duration = config.lease_duration.total_seconds()
        self._deadline = config.renew_deadline.total_seconds()
        self._retry = config.retry_period.total_seconds()
        self._timeout = min(max(_MIN_REQUEST_TIMEOUT, self._deadline / 2), self._deadline)
        self._release_on_cancel = config.release_on_cancel
        self._effects: list[Effect] = []

        self.phase: Phase = Phase.FOLLOWING
        self.record: LeaseRecord = LeaseRecord()
        """The lease as it was last seen."""
        self.lease: Lease | None = None
        """All of it, as far as it is known what the server has."""
        self.last_renewal: float | None = None
        """When the last successful write that made or kept this the leader was sent (``Instant.elapsed``)."""
        self.released: bool = False
        """Whether the lease was given up at the end."""
        self.lost: LeadershipLostError | None = None
        """Why it ended, where it lost the lease."""
        self.last_error: Exception | None = None
        self.renewals: int = 0
        self.slow_renewals: int = 0
        self.errors: int = 0
        self._leads_until: float | None = None
        self._known = False  # whether that is what our own last write left, so that the next needs no get
        self._observed_at = -math.inf  # when the record was last seen to change (Instant.awake)
        self._told_leader = ""
        self._trouble: Exception | None = None  # the last error since the last renewal

        self._under_way: _Request | None = None
        self._follow_up: Send | None = None  # belongs to the try in progress, so it goes out at once
        self._due = -math.inf  # when the next try may begin (Instant.elapsed)
        self._unsettled = False  # whether a write may have made this the holder without our knowing
        self._second_look = False  # whether the try in progress began anew after a failed write already
        self._release_until = math.inf

    # ---- what anyone may ask

    def leads_at(self, elapsed: float) -> bool:
        """Whether this is the leader at a reading of the clock that goes on in suspend. Thread-safe."""
        until = self._leads_until
        return until is not None and elapsed < until

    # ---- what the driver asks

    def next(self, now: Instant) -> Action:
        """What to do now."""
        self._expire(now)
        request = self._under_way
        if request is not None:
            left = request.began.elapsed + request.timeout - now.elapsed
            if left > 0:
                return Wait(self._until_expiry(now, left))
            self._under_way = None
            what = f"{request.verb.value} of the lease {self._name}"
            error = TransportError(f"{what}: no answer in {request.timeout:g} s")
            self._failure(now, request, error, timed_out=True)
        if self.phase is Phase.RELEASING and now.elapsed >= self._release_until:
            self._end(released=False)
        if self.phase is Phase.ENDED:
            return Finish(self.lost)
        send, self._follow_up = self._follow_up, None
        if send is None:
            if now.elapsed < self._due:
                return Wait(self._until_expiry(now, self._due - now.elapsed))
            self._second_look = False
            send = self._first_request(now)
        timeout = min(self._timeout, self._budget(now))
        optimistic = send.verb is Verb.UPDATE and self._known
        self._under_way = _Request(send.verb, now, timeout, optimistic)
        self._known = False
        return Send(send.verb, send.lease, timeout)

    def take_effects(self) -> list[Effect]:
        """What is to be told since the last call, in order."""
        effects, self._effects = self._effects, []
        return effects

    # ---- what the driver reports

    def answered(self, now: Instant, lease: Lease) -> None:
        """The request under way has been answered, by the lease as the server has it."""
        self._expire(now)
        request, self._under_way = self._under_way, None
        if request is None:
            return
        self.lease = lease
        self._observe(now, lease.record)
        if request.verb is Verb.GET:
            self._unsettled = False
            self._found(now, lease)
        elif self.phase is Phase.RELEASING:
            self._end(released=True)
        else:
            self._written(now, request, lease)
        self._tell_leader()

    def failed(self, now: Instant, error: Exception) -> None:
        """The request under way has failed."""
        self._expire(now)
        request, self._under_way = self._under_way, None
        if request is not None:
            self._failure(now, request, error, timed_out=False)

    def stop(self, now: Instant) -> None:
        """The candidate is to end: a leader once its work has, anyone else at once. Again: nothing."""
        self._expire(now)
        if self.phase is Phase.LEADING:
            self.phase = Phase.STOPPING
        elif self.phase is Phase.FOLLOWING:
            # A write under way may make this the holder: nobody else could lead before the lease has expired.
            request = self._under_way
            if self._unsettled or (request is not None and request.writes):
                self._release(now)
            else:
                self._end(released=False)

    def work_ended(self, now: Instant, *, cleanly: bool) -> None:
        """The work of a leader that was told to stop has ended: nothing speaks against another leader any more.

        Args:
            now: The present moment.
            cleanly: False: something of it may still run, so that the lease must be left to expire.
        """
        self._expire(now)
        if self.phase is not Phase.STOPPING:
            return
        self._leads_until = None
        if cleanly:
            self._release(now)
        else:
            self._end(released=False)

    # ---- the requests

    def _first_request(self, now: Instant) -> Send:
        if self.phase in {Phase.LEADING, Phase.STOPPING}:
            if self._known and self.lease is not None:
                return self._claim(now, self.lease)
            self.slow_renewals += 1
        return Send(Verb.GET, None, 0.0)

    def _claim(self, now: Instant, lease: Lease | None) -> Send:
        """The write that makes or keeps this the holder."""
        wall = micro_time(now.wall)
        former = self.record
        # A lease that was deleted under its leader is made again as it was.
        keeps = former.holder == self._identity
        if keeps:
            transitions, acquired = former.transitions, former.acquire_time or wall
        else:
            transitions, acquired = (0 if lease is None else former.transitions + 1), wall
        record = LeaseRecord(
            holder_identity=self._identity,
            lease_duration_seconds=math.ceil(self._duration),
            acquire_time=acquired,
            renew_time=wall,
            lease_transitions=transitions,
        )
        if lease is None:
            return Send(Verb.CREATE, Lease.new(self._key, record), 0.0)
        return Send(Verb.UPDATE, lease.replaced(record), 0.0)

    def _budget(self, now: Instant) -> float:
        """For how long an answer is of use."""
        if self.phase is Phase.RELEASING:
            return self._release_until - now.elapsed
        return math.inf if self._leads_until is None else self._leads_until - now.elapsed

    def _until_expiry(self, now: Instant, seconds: float) -> float:
        return min(seconds, self._budget(now))

    # ---- answers

    def _observe(self, now: Instant, record: LeaseRecord) -> None:
        if record != self.record:
            self.record = record
            self._observed_at = now.awake

    def _found(self, now: Instant, lease: Lease) -> None:
        holder = lease.record.holder
        mine = holder == self._identity
        if self.phase is Phase.RELEASING:
            if mine:
                wall = micro_time(now.wall)
                # Without its holder the record means nothing, but the server wants a duration of at least a second.
                freed = LeaseRecord("", 1, wall, wall, lease.record.transitions)
                self._follow_up = Send(Verb.UPDATE, lease.replaced(freed), 0.0)
            else:
                self._end(released=False)
        elif mine or not holder:
            self._follow_up = self._claim(now, lease)
        elif self.phase is not Phase.FOLLOWING:
            self._lose(f"{holder!r} holds it now")
        elif (left := self._left_of_other(now)) > 0:
            self._due = now.elapsed + min(self._jittered(), left)
        else:
            self._follow_up = self._claim(now, lease)

    def _left_of_other(self, now: Instant) -> float:
        """Seconds until another's lease has expired."""
        # One that does not say for how long it is meant gets as long as ours would.
        duration = self.record.lease_duration_seconds or self._duration
        return self._observed_at + duration - now.awake

    def _written(self, now: Instant, request: _Request, lease: Lease) -> None:
        if lease.record.holder != self._identity:
            self._report(KinformError(f"the server made {lease.record.holder!r} the holder of the lease {self._name}"))
            self._retry_later(now, request)
            return
        until = request.began.elapsed + self._deadline
        if now.elapsed >= until:  # the machine was suspended, or this process stopped, while the request was under way
            self._unsettled = True
            self._report(TransportError(f"the lease {self._name}: the answer took longer than the renew deadline"))
            return
        self._leads_until = until
        self.last_renewal = request.began.elapsed
        self.renewals += 1
        self._known = True
        self._unsettled = False
        self._trouble = None
        self._due = request.began.elapsed + self._retry
        if self.phase is Phase.FOLLOWING:
            self.phase = Phase.LEADING
            self._effects.append(Started())

    # ---- failures

    def _failure(self, now: Instant, request: _Request, error: Exception, *, timed_out: bool) -> None:
        missing = isinstance(error, NotFoundError)
        if request.verb is Verb.GET and missing:
            # There is no lease: not a failure, but the beginning. Where the namespace is missing, creating will tell.
            self._unsettled = False
            if self.phase is Phase.RELEASING:
                self._end(released=False)
            elif self.phase is not Phase.ENDED:
                self._follow_up = self._claim(now, None)
            return
        self._report(error)
        conflict = isinstance(error, (ConflictError, AlreadyExistsError))
        refused = isinstance(error, ApiStatusError) and error.code < 500
        if request.writes and not refused:
            self._unsettled = True
        look_again = request.writes and not timed_out and not self._second_look
        if self.phase in {Phase.LEADING, Phase.STOPPING}:
            reachable = conflict or missing or isinstance(error, TransportError)
            if look_again and reachable and (request.optimistic or request.verb is Verb.CREATE):
                self._look_again()
            else:
                self._retry_later(now, request)
        elif self.phase is Phase.RELEASING:
            if conflict and look_again:
                self._look_again()
            elif conflict and now.elapsed + self._retry < self._release_until:
                self._due = now.elapsed + self._retry
            else:
                self._end(released=False)
        elif self.phase is Phase.FOLLOWING:
            asked = error.retry_after if isinstance(error, ApiStatusError) else None
            self._retry_later(now, request, min(asked or 0.0, _RETRY_AFTER_CAP))

    def _retry_later(self, now: Instant, request: _Request, at_least: float = 0.0) -> None:
        if self.phase is Phase.FOLLOWING:
            self._due = now.elapsed + max(self._jittered(), at_least)
        else:  # a leader is in a hurry: whatever the server asks for, its time runs out
            self._due = max(now.elapsed, request.began.elapsed + self._retry)

    def _look_again(self) -> None:
        """What was thought to be there is not: reads the lease at once, but once per try only."""
        self._second_look = True
        self.slow_renewals += self.phase is not Phase.RELEASING
        self._follow_up = Send(Verb.GET, None, 0.0)

    def _jittered(self) -> float:
        return self._retry * (1.0 + JITTER_FACTOR * self._rng.random())

    def _report(self, error: Exception) -> None:
        self.errors += 1
        self.last_error = self._trouble = error
        self._effects.append(Failed(error))

    # ---- beginnings and ends

    def _tell_leader(self) -> None:
        holder = self.record.holder
        if holder != self._told_leader and self._follow_up is None:
            self._told_leader = holder
            self._effects.append(NewLeader(holder))

    def _expire(self, now: Instant) -> None:
        if self._leads_until is not None and now.elapsed >= self._leads_until:
            last = "" if self._trouble is None else f" ({self._trouble})"
            self._lose(f"not renewed within {self._deadline:g} s{last}")

    def _lose(self, reason: str) -> None:
        self.lost = LeadershipLostError(self._name, reason)
        self.lost.__cause__ = self._trouble
        self._effects.append(Stopped(self.lost))
        self._end(released=False)

    def _release(self, now: Instant) -> None:
        self._under_way = self._follow_up = None
        if not self._release_on_cancel:
            self._end(released=False)
            return
        self.phase = Phase.RELEASING
        self._release_until = now.elapsed + self._deadline
        self._due = now.elapsed
        self._second_look = False

    def _end(self, *, released: bool) -> None:
        self.phase = Phase.ENDED
        self.released = released
        self._leads_until = None
        self._under_way = self._follow_up = None
