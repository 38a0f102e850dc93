"""Competes for a lease in the calling thread, and runs the user's work while it leads."""

from __future__ import annotations

import functools
import logging
import random
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from kinform.clock import SYSTEM_CLOCK
from kinform.errors import AlreadyExistsError, ConflictError, ForkedError, LeadershipLostError
from kinform.events import ObjectReference
from kinform.informer import ErrorReport
from kinform.informer.forks import ProcessMark
from kinform.leaderelection.actions import Finish, Instant, NewLeader, Send, Started, Stopped
from kinform.leaderelection.config import LeaderElection, default_identity
from kinform.leaderelection.lease import LEASES
from kinform.leaderelection.lock import LeaseLock
from kinform.leaderelection.machine import Election, Phase
from kinform.leaderelection.news import News
from kinform.leaderelection.requester import Requester
from kinform.leaderelection.statistics import LeaderElectionStatistics
from kinform.leaderelection.work import Work
from kinform.reflector import reason_of
from kinform.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.clock import Clock
    from kinform.events import EventRecorderLike
    from kinform.leaderelection.actions import Effect
    from kinform.leaderelection.lease import Lease
    from kinform.leaderelection.work import Leadership
    from kinform.transport import Abort, ApiSource

__all__ = ["LeaderElector"]

logger: Final = logging.getLogger("kinform.leaderelection")

# Seconds between two looks around. A stop event of the caller's cannot wake this thread, signal handlers of the main
# thread run between two waits only, and a wait does not count the time of a suspend: so no wait is long.
_SLICE: Final = 0.25
_LAST_WORDS: Final = 2.0  # seconds that callbacks and requests have at the end
_REASON_CONFLICT: Final = "conflict"


class LeaderElector:
    """Competes for a lease; while it leads, the work runs (client-go: ``leaderelection.LeaderElector``).

    Requests go over connections of their own, which no other work delays, and never outlast the renew deadline: where
    one hangs, even in resolving a name, the leadership ends in time without it. A lease is released only after the
    work has ended, and only while it is still this elector's.

    What a lease cannot do: it is no lock around the work. A process can be stopped by the system between asking
    ``is_leader()`` and what it does next, and wake up when another leads; a request that it has sent may arrive later
    still. Work that must never be done by two at a time needs fencing where its effect is: updates that carry the
    ``resourceVersion`` that was read, server-side apply with ownership, or a token that the other side compares.

    Runs once. All methods may be called from any thread; only ``run`` blocks.

    Args:
        config: What is competed for.
        source: How to reach the API server, as for a factory; of a ``Transport`` (``factory.transport``) another one is
            made from the same source.
        on_started_leading: The work, in a thread of its own, when this becomes the leader. It is to return after
            ``leadership.stop`` is set; returning earlier changes nothing. If it raises, the election ends: ``run()``
            raises the same, and the lease is left to expire, as who knows what of the work still runs.
        on_stopped_leading: Told once when a leader leads no more: after the work has returned and before the lease is
            released, so that it may finish what the work began; or at once when the lease is lost, when the work may
            still run, so that it may end the process. Not told where this never led.
        on_new_leader: Told of each new holder of the lease, this one too; ``""``: nobody. In order, in a thread of its
            own.
        on_error: Told of each error that the election lives through, in the same thread. They are logged, too.
        recorder: Records the events "… became leader" and "… stopped leading" of the lease, with the reason
            ``LeaderElection``; stays open.
        drain_timeout: How long the work may take to end when it is told to stop; the lease is renewed meanwhile. What
            takes longer is left behind, and the lease is left to expire.
        clock: For tests.
        rng: The source of chance, for jitter.

    Raises:
        ConfigurationError: ``source`` found no usable configuration.
        ValueError: ``drain_timeout`` is negative.
    """

    def __init__(
        self,
        config: LeaderElection,
        source: ApiSource | Transport,
        *,
        on_started_leading: Callable[[Leadership], object] | None = None,
        on_stopped_leading: Callable[[], object] | None = None,
        on_new_leader: Callable[[str], object] | None = None,
        on_error: Callable[[ErrorReport], object] | None = None,
        recorder: EventRecorderLike | None = None,
        drain_timeout: timedelta = timedelta(seconds=30),
        clock: Clock = SYSTEM_CLOCK,
        rng: random.Random | None = None,
    ) -> None:
        if drain_timeout < timedelta(0):
            raise ValueError(f"drain_timeout cannot be negative: {drain_timeout}")
        self._config = config
        self._identity = config.identity or default_identity()
        self._on_new_leader = on_new_leader
        self._on_error = on_error
        self._recorder = recorder
        self._drain_timeout = drain_timeout.total_seconds()
        self._clock = clock
        self._process = ProcessMark()
        self._transport = source.another() if isinstance(source, Transport) else Transport(source)
        self._lock = LeaseLock(config.key, self._transport, config.labels)
        chance = rng or random.Random()  # noqa: S311  (spreads load, guards no secret)
        self._machine = Election(config, self._identity, chance)
        self._wake = threading.Event()
        name = f"kinform-lease-{config.key}"
        self._requester = Requester(self._perform, self._wake.set, f"{name}-request")
        self._news = News(f"{name}-news")
        self._work = Work(on_started_leading, on_stopped_leading, self._wake.set, f"{name}-leading")
        self._led = False
        self._drain_until: float | None = None
        self._stopping = False
        self._begun = threading.Lock()

    # ---- what anyone may ask

    @property
    def identity(self) -> str:
        """Who this is in the lease."""
        return self._identity

    @property
    def leader_identity(self) -> str:
        """The holder that was last seen in the lease; ``""``: nobody (client-go: ``GetLeader``)."""
        return self._machine.record.holder

    def is_leader(self) -> bool:
        """Whether this leads now, told from the clock at each call: no thread has to notice the end before it counts.

        Never blocks. In a fork of the process False.
        """
        return not self._process.forked and self._machine.leads_at(self._clock.boottime())

    def check(self, max_tolerable: timedelta = timedelta(0)) -> None:
        """For health checks: does nothing unless this holds a lease that it has long failed to renew.

        An elector that has not led, follows, or ended in good order is healthy. (client-go: ``LeaderElector.Check`` and
        ``HealthzAdaptor``.)

        Args:
            max_tolerable: For how long beyond ``lease_duration``.

        Raises:
            LeadershipLostError: The last renewal is older than that, and the process still lives.
        """
        machine = self._machine
        renewed = machine.last_renewal
        if renewed is None or machine.record.holder != self._identity:
            return
        if machine.phase in {Phase.RELEASING, Phase.ENDED} and machine.lost is None:
            return
        age = self._clock.boottime() - renewed
        if age > (self._config.lease_duration + max_tolerable).total_seconds():
            raise LeadershipLostError(str(self._config.key), f"not renewed for {age:.0f} s")

    def statistics(self) -> LeaderElectionStatistics:
        """What the elector has done so far."""
        machine = self._machine
        renewed = machine.last_renewal
        return LeaderElectionStatistics(
            lease=self._config.key,
            identity=self._identity,
            is_leader=self.is_leader(),
            leader=machine.record.holder,
            transitions=machine.record.transitions,
            renewals=machine.renewals,
            slow_renewals=machine.slow_renewals,
            errors=machine.errors,
            last_error=machine.last_error,
            last_renewal=None if renewed is None else self._clock.boottime() - renewed,
        )

    # ---- life

    def stop(self) -> None:
        """Ends ``run()``, now or when it begins: the work drains, then the lease is released. Again: nothing.

        Not for signal handlers: from there set the event that was given to ``run``.
        """
        self._stopping = True
        self._wake.set()

    def run(self, stop: threading.Event | None = None) -> None:
        """Competes, leads, and returns when it has been told to stop and has nothing more to do. Blocks.

        Args:
            stop: Set it from elsewhere to end, as ``stop()`` does; noticed within a quarter of a second.

        Raises:
            LeadershipLostError: This led, and the lease could not be renewed in time or another holds it. The work was
                told at once, and had until the lease would have expired to end; a note names what still runs. The
                process should end.
            ForkedError: The elector was made before a fork, in the parent process.
            RuntimeError: It has run before.
            Exception: What the work or ``on_stopped_leading`` raised.
        """
        if self._process.forked:
            raise ForkedError("the elector belongs to the parent process; make one in each process, after the fork")
        if not self._begun.acquire(blocking=False):
            raise RuntimeError("an elector runs once: make a new one to compete again")
        lost: LeadershipLostError | None = None
        try:
            try:
                lost = self._drive(stop)
            except BaseException:  # such as a KeyboardInterrupt in this thread: the leadership ends in good order, too
                self.stop()
                lost = self._drive(None)
                raise
        finally:
            self._close(lost)
        if lost is not None:
            raise lost
        if self._work.failure is not None:
            raise self._work.failure

    def _drive(self, stop: threading.Event | None) -> LeadershipLostError | None:
        """Does what the machine says until it says that this is the end."""
        machine = self._machine
        while True:
            self._wake.clear()
            now = self._now()
            if self._stopping or (stop is not None and stop.is_set()):
                machine.stop(now)
            self._watch_work(now)
            answer = self._requester.take_answer()
            if isinstance(answer, Exception):
                machine.failed(now, answer)
            elif answer is not None:
                machine.answered(now, answer)
            action = machine.next(now)
            for effect in machine.take_effects():
                self._tell(effect)
            if isinstance(action, Finish):
                if self._led and action.lost is None:
                    released = "released" if machine.released else "left to expire"
                    logger.info("%s stopped leading: %s is %s", self._identity, self._config.key, released)
                    self._record("stopped leading")
                return action.lost
            if isinstance(action, Send):
                self._requester.send(action)
            else:
                self._clock.wait(self._wake, min(action.seconds, _SLICE))

    def _watch_work(self, now: Instant) -> None:
        if self._led and self._work.finished:
            self._machine.stop(now)
            self._machine.work_ended(now, cleanly=self._work.failure is None)
        if self._machine.phase is not Phase.STOPPING:
            return
        if not self._led:  # there was no thread for it
            self._machine.work_ended(now, cleanly=True)
            return
        self._work.stop()
        if self._drain_until is None:
            self._drain_until = now.elapsed + self._drain_timeout
        if now.elapsed >= self._drain_until:
            self._work.lose()
            self._machine.work_ended(now, cleanly=False)

    def _now(self) -> Instant:
        return Instant(self._clock.monotonic(), self._clock.boottime(), self._clock.wall())

    def _perform(self, send: Send, abort: Abort) -> Lease:
        return self._lock.perform(send.verb, send.lease, send.timeout, abort)

    def _close(self, lost: LeadershipLostError | None) -> None:
        """Waits for what is still at work: after a loss until another may lead, else only for ended threads."""
        if self._led and not self._work.finished:
            self._work.lose()
            renewed = self._machine.last_renewal
            limit = self._config.lease_duration.total_seconds() + (renewed or 0.0)
            while lost is not None and not self._work.finished and (left := limit - self._clock.boottime()) > 0:
                self._wake.clear()
                if not self._work.finished:
                    self._clock.wait(self._wake, min(left, _SLICE))
        left_behind = self._requester.join(_LAST_WORDS) + self._news.close(_LAST_WORDS)
        if self._led:
            if self._work.finished:
                self._work.join(_LAST_WORDS)
            left_behind += self._work.running
        self._transport.close()
        if left_behind:
            said = f"still running at the end: {', '.join(left_behind)}"
            logger.error("the lease %s: %s", self._config.key, said)
            if lost is not None:
                lost.add_note(said)

    # ---- what it tells

    def _tell(self, effect: Effect) -> None:
        key, identity = self._config.key, self._identity
        if isinstance(effect, Started):
            self._work.start()
            self._led = True
            logger.info("%s became leader of %s", identity, key)
            self._record("became leader")
        elif isinstance(effect, Stopped):
            self._work.lose()
            logger.error("%s stopped leading: %s", identity, effect.lost)
            self._record("stopped leading")
        elif isinstance(effect, NewLeader):
            logger.info("%s is led by %s", key, effect.identity or "nobody")
            if self._on_new_leader is not None:
                self._news.tell(functools.partial(self._on_new_leader, effect.identity))
        else:
            conflict = isinstance(effect.error, (ConflictError, AlreadyExistsError))
            reason = _REASON_CONFLICT if conflict else reason_of(effect.error)
            report = ErrorReport("leader election", reason, effect.error, key=str(key))
            logger.warning("%s", report)
            if self._on_error is not None:
                self._news.tell(functools.partial(self._on_error, report))

    def _record(self, what: str) -> None:
        """Says it in an event of the lease (client-go: ``LeaseLock.RecordEvent``). Must not fail: this thread leads."""
        lease = self._machine.lease
        if self._recorder is None or lease is None:
            return
        subject = ObjectReference(
            api_version=LEASES.api_version,
            kind=LEASES.kind,
            namespace=self._config.key.namespace,
            name=self._config.key.name,
            uid=lease.uid,
            resource_version=lease.resource_version,
        )
        try:
            self._recorder.event(subject, "Normal", "LeaderElection", f"{self._identity} {what}")
        except Exception:
            logger.exception("the lease %s: the recorder raised", self._config.key)
