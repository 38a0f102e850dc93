"""The calls of a reconciler that are under way, and those among them that take too long."""

from __future__ import annotations

import sys
import threading
import traceback
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kinform.controller.reconciliation import CURRENT, Reconciliation

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from kinform.clock import Clock
    from kinform.meta import ObjectKey

__all__ = ["Calls"]


class Calls:
    """Knows what runs. A thread cannot be ended from outside, so one that takes too long is told of, and asked to end.

    Thread-safe.

    Args:
        controller: The controller's name.
        timeout: Seconds that a call may take; None: as long as it wants, and nobody looks.
        overdue: Told once of a call that takes longer, and where in the code it is, in a thread of its own; must not
            raise.
        clock: For tests.
    """

    def __init__(
        self,
        controller: str,
        timeout: float | None,
        overdue: Callable[[Reconciliation, str], object],
        clock: Clock,
    ) -> None:
        self._controller = controller
        self._timeout = timeout
        self._overdue = overdue
        self._clock = clock
        self._changed = threading.Condition()
        self._under_way: dict[Reconciliation, int] = {}  # to its thread, in the order of their deadlines
        self._running: set[Reconciliation] = set()
        self._ended = False
        self._watcher: threading.Thread | None = None

    @contextmanager
    def call(self, key: ObjectKey, kind: str) -> Generator[None]:
        """Within it this thread is in a call."""
        now = self._clock.monotonic()
        reconciliation = Reconciliation(
            self._controller, kind, key, uuid.uuid4().hex[:8], self._timeout, now, self._clock
        )
        with self._changed:
            self._running.add(reconciliation)
            if self._timeout is not None:
                if not self._under_way:
                    self._changed.notify_all()
                self._under_way[reconciliation] = threading.get_ident()
        token = CURRENT.set(reconciliation)
        try:
            with reconciliation.abort.covers():
                yield
        finally:
            CURRENT.reset(token)
            with self._changed:
                self._running.discard(reconciliation)
                self._under_way.pop(reconciliation, None)

    def start(self) -> None:
        """Begins to look for calls that take too long, where there is a time."""
        if self._timeout is not None and self._watcher is None:
            self._watcher = threading.Thread(
                target=self._watch, name=f"kinform-{self._controller}-deadlines", daemon=True
            )
            self._watcher.start()

    def abort(self) -> None:
        """Asks all calls that run to end, by their switches. Does not block."""
        with self._changed:
            running = list(self._running)
        for reconciliation in running:
            reconciliation.abort.abort()

    def stop(self, timeout: float) -> None:
        """Looks no more. Blocks while ``overdue`` runs, for so many seconds at most."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._watcher is not None:
            self._watcher.join(timeout)

    def _watch(self) -> None:
        while (late := self._next_late()) is not None:
            reconciliation, thread = late
            reconciliation.abort.abort()
            self._overdue(reconciliation, _place(thread))

    def _next_late(self) -> tuple[Reconciliation, int] | None:
        """Blocks until a call is late; None: the end."""
        with self._changed:
            while not self._ended:
                first = next(iter(self._under_way), None)
                left = None if first is None else first.remaining()
                if first is not None and not left:
                    return first, self._under_way.pop(first)
                self._clock.wait_condition(self._changed, left)
        return None


def _place(thread: int) -> str:
    """The stack of another thread, as text."""
    frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001  (documented, in spite of its name)
    frame = frames.get(thread)
    return "somewhere" if frame is None else "".join(traceback.format_stack(frame)).rstrip()
