"""Packs what an informer caches, behind the back of those who fill it and read it."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Final, final

from kinform.packing.codec import BADLY_PACKED, Codec, ratio
from kinform.packing.memory import give_back

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kinform.clock import Clock
    from kinform.wire import Entry

__all__ = ["PACK_FROM", "Packer"]

logger: Final = logging.getLogger("kinform.packing")

PACK_FROM: Final = 4 * 1024 * 1024
"""Bytes of JSON from which on a cache that may choose is packed: some 700 pods."""

_BATCH: Final = 64  # bodies: enough to make the turns for the interpreter's lock cheap
_LINGER: Final = 1.0  # seconds that a body waits for company; who is told of its object has mostly read it by then
_REST_AFTER: Final = 30.0  # seconds without anything to pack
_BACKLOG: Final = 256  # entries that may wait, each as large as it came
_WORTH_TRIMMING: Final = 16 * 1024 * 1024  # bytes saved from which on the C library is asked for what it put aside
_WORN_AFTER: Final = 2048  # bodies over which a dictionary is judged
_WORN: Final = 2.0  # times as large as they once were: frames for which a new dictionary is made
_WORN_AT_LEAST: Final = 1.5 * BADLY_PACKED


@final
class Packer:
    """Packs the bodies of one store's entries, in a daemon thread that starts when there is something to do.

    Whoever fills the cache hands over each new entry by ``add``, which waits for the packer only where hundreds of
    bodies would pile up. Readers notice nothing but the microseconds of unpacking.

    When a fetch is complete, and when the dictionary has grown since, everything is looked through for bodies that are
    still JSON or were packed before the dictionary knew their like. When what comes has changed so much that the
    dictionary is worth little, a new one takes its place.

    Thread-safe.

    Args:
        entries: What the store holds now.
        count: How many that are.
        always: Pack from the first object on; else only once there are ``PACK_FROM`` bytes of JSON.
        clock: For the wait for company.
        name: The thread's.
    """

    def __init__(
        self,
        entries: Callable[[], Sequence[Entry]],
        count: Callable[[], int],
        *,
        always: bool,
        clock: Clock,
        name: str,
    ) -> None:
        self._entries = entries
        self._count = count
        self._clock = clock
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._state = threading.Condition(self._lock)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._started = False
        self._closed = False
        self._active = always
        self._waiting: deque[Entry] = deque()
        self._first_came = 0.0  # when the first of those that wait was added
        self._fetching = 0  # entries of a fetch that is not yet in the store
        self._unpacked = 0  # bytes of JSON that have come since the last count, while there may be too few to pack
        self._look_due = False
        self._busy = False
        # Of the thread alone.
        self._codec = Codec()
        self._saved = 0  # bytes, since the C library was last asked
        self._typical = 0.0  # bytes of a body
        self._looked_at_size = 0  # of the dictionary, when everything was last looked through
        self._judged = _Tally()
        self._best_ratio = 1.0
        self._resting = True
        self._last_packed = 0.0

    @property
    def overhead(self) -> int:
        """Bytes of the dictionary."""
        return self._codec.size

    # ---- for those who fill the cache

    def add(self, entries: Sequence[Entry], *, stored: bool) -> None:
        """Takes new entries. Blocks while hundreds wait already, but not after ``close()``.

        Args:
            entries: Those that are packed already, since they were known, do no harm.
            stored: They are in the store, rather than of a fetch that goes on.
        """
        with self._lock:
            if self._closed or not entries:
                return
            if not stored:
                self._fetching += len(entries)
            if not self._active and not self._enough(entries, stored=stored):
                return
            if not self._waiting:
                self._first_came = self._clock.monotonic()
            self._waiting.extend(entries)
            self._wake()
            while len(self._waiting) > _BACKLOG and not self._closed:
                self._state.wait()

    def fetched(self) -> None:
        """A fetch is complete, and in the store. Does not block."""
        with self._lock:
            self._fetching = self._unpacked = 0
            if self._active and not self._closed:
                self._look_due = True
                self._wake()

    def close(self) -> None:
        """Lets the thread end after what is in its hands; what waits stays as it is. Does not block."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            self._work.notify_all()
            self._state.notify_all()

    def join(self, timeout: float | None) -> bool:
        """Blocks until the thread is gone, for at most ``timeout`` seconds; True if it is, or never ran."""
        with self._lock:
            started = self._started
        if started:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def thread_name(self) -> str:
        """The name of the thread."""
        return self._thread.name

    def wait_until_idle(self, timeout: float | None) -> bool:
        """Blocks until all that was added is packed and looked through, for at most ``timeout`` seconds; if it is."""
        with self._lock:
            return self._state.wait_for(
                lambda: self._closed or not (self._waiting or self._look_due or self._busy), timeout
            )

    def _enough(self, entries: Sequence[Entry], *, stored: bool) -> bool:
        """Whether it is time to begin, for good: what is cached, or about to be, has grown large."""
        self._unpacked += sum([len(entry.stored) for entry in entries])
        if self._unpacked < PACK_FROM:
            return False
        if stored:  # the same objects may have come again and again
            self._unpacked = sum([len(entry.stored) for entry in self._entries()])
            if self._unpacked < PACK_FROM:
                return False
        self._active = True
        self._look_due = stored  # for what has come so far; a fetch says itself when that is in the store
        return True

    def _wake(self) -> None:
        if not self._started:
            self._started = True
            self._thread.start()
        self._work.notify()

    # ---- the thread

    def _run(self) -> None:
        try:
            while self._step():
                pass
        except Exception:
            logger.exception("%s: ended by an error; what is cached stays right, and larger", self._thread.name)
            self.close()

    def _step(self) -> bool:
        """Waits for something to do and does it; False: closed."""
        with self._lock:
            self._busy = False
            self._state.notify_all()
            while not self._closed and (pause := self._pause()) != 0.0:
                self._clock.wait_condition(self._work, pause)
            if self._closed:
                return False
            self._busy = True
            batch = self._take()
            look = not batch and self._look_due
            if look:
                self._look_due = False
        if batch:
            self._pack_new(batch)
        elif look:
            self._look_through()
        else:
            self._rest()
        return True

    def _pause(self) -> float | None:
        """Seconds until there is something to do, as things are; None: for ever."""
        waiting = len(self._waiting)
        if waiting >= _BATCH or self._look_due:
            return 0.0
        if waiting:
            due = self._first_came + _LINGER
        elif not self._resting:
            due = self._last_packed + _REST_AFTER
        else:
            return None
        return max(0.0, due - self._clock.monotonic())

    def _take(self) -> list[Entry]:
        batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
        self._first_came = self._clock.monotonic()
        self._state.notify_all()
        return batch

    def _pack_new(self, batch: Sequence[Entry]) -> None:
        # What came in the meantime for the same objects is no matter: a body packed in vain costs 10 µs.
        fresh = [entry for entry in batch if entry.unpacker is None and entry.stored]
        if not fresh:
            return
        tally = self._pack(fresh)
        self._typical += (tally.bytes / tally.bodies - self._typical) * (0.1 if self._typical else 1.0)
        self._judged.add(tally)
        if self._judged.bodies >= _WORN_AFTER:
            self._judge()

    def _pack(self, entries: Sequence[Entry]) -> _Tally:
        self._resting = False
        self._last_packed = self._clock.monotonic()
        bodies = [entry.body for entry in entries]
        codec = self._codec
        frames = codec.pack(bodies, int(max(self._count(), self._fetching) * self._typical))
        tally = _Tally(len(bodies))
        for entry, body, frame in zip(entries, bodies, frames, strict=True):
            tally.bytes += len(body)
            tally.packed += len(frame)
            before = len(entry.stored)
            if len(frame) < len(body):
                entry.pack(body, frame, codec)
                self._saved += max(0, before - len(frame))
        return tally

    def _judge(self) -> None:
        """Makes a new dictionary where the present one is full of what is no more."""
        seen, self._judged = self._judged.packed / self._judged.bytes, _Tally()
        if seen > max(_WORN * self._best_ratio, _WORN_AT_LEAST) and self._codec.full:
            logger.info(
                "%s: bodies pack to %.0f %%, %.0f %% before: a new dictionary",
                self._thread.name,
                100 * seen,
                100 * self._best_ratio,
            )
            self._codec = Codec()
            self._looked_at_size = 0
            self._best_ratio = 1.0
            with self._lock:
                self._look_due = True
        else:
            self._best_ratio = min(self._best_ratio, seen)
            if self._codec.size > self._looked_at_size and not self._fetching:
                with self._lock:
                    self._look_due = True

    def _look_through(self) -> None:
        """Packs what was passed over or badly packed; new entries that come meanwhile go first."""
        self._codec.grow()
        todo: list[Entry] = []
        for entry in self._entries():
            if self._closed:
                return
            if self._wants_packing(entry):
                todo.append(entry)
                if len(todo) == _BATCH:
                    self._pack(todo)
                    todo.clear()
                    self._pack_waiting()
        if todo:
            self._pack(todo)
        self._looked_at_size = self._codec.size
        self._rest()

    def _rest(self) -> None:
        """Takes no more memory than is needed while nothing is packed."""
        self._resting = True
        self._codec.rest()
        if self._saved >= _WORTH_TRIMMING:
            self._saved = 0
            give_back()

    def _wants_packing(self, entry: Entry) -> bool:
        if not entry.stored:
            return False
        if entry.unpacker is not self._codec:
            return True
        return self._codec.size > self._looked_at_size and ratio(entry.stored) > BADLY_PACKED

    def _pack_waiting(self) -> None:
        while True:
            with self._lock:
                batch = self._take() if len(self._waiting) >= _BATCH else []
            if not batch:
                return
            self._pack_new(batch)


@final
class _Tally:
    """How well some bodies were packed."""

    __slots__ = ("bodies", "bytes", "packed")

    def __init__(self, bodies: int = 0) -> None:
        self.bodies = bodies
        self.bytes = 0
        self.packed = 0

    def add(self, other: _Tally) -> None:
        self.bodies += other.bodies
        self.bytes += other.bytes
        self.packed += other.packed
