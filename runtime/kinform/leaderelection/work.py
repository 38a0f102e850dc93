"""What a leader does: the user's function in a thread of its own, told to stop gently or at once."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, final

from kinform.transport import Abort

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Leadership", "Work"]

logger: Final = logging.getLogger("kinform.leaderelection")


@final
@dataclass(frozen=True, slots=True)
class Leadership:
    """One time of leading, as the work sees it (client-go: the context of ``OnStartedLeading``).

    Attributes:
        stop: Set when the work is to end. It may take its time, since the lease is renewed until it has, unless
            ``lost`` says otherwise.
        lost: Aborted when the lease is lost (or the time to end is over): nothing more may be done. Requests made
            under this switch (``Transport.request(…, abort=leadership.lost)``) end within milliseconds.
    """

    stop: threading.Event = field(default_factory=threading.Event)
    lost: Abort = field(default_factory=Abort)


class Work:
    """Runs ``on_started`` once, and ``on_stopped`` once after it, or at once when the lease is lost.

    Args:
        on_started: The work. When it returns early the leadership goes on.
        on_stopped: Told of the end.
        wake: Called, in the work's thread, when both are over.
        name: For threads.
    """

    def __init__(
        self,
        on_started: Callable[[Leadership], object] | None,
        on_stopped: Callable[[], object] | None,
        wake: Callable[[], object],
        name: str,
    ) -> None:
        self._on_started = on_started
        self._on_stopped = on_stopped
        self._wake = wake
        self._leadership = Leadership()
        self._lock = threading.Lock()
        self._told = False
        self._teller: threading.Thread | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._done = self._telling = False
        self.failure: BaseException | None = None
        """What the work, or ``on_stopped``, raised."""

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Tells the work to end. Does not block; again: nothing."""
        self._leadership.stop.set()

    def lose(self) -> None:
        """Tells the work to end at once, and ``on_stopped`` that it is over, in a thread of its own. Does not block."""
        self._leadership.lost.abort()
        self._leadership.stop.set()
        if self._teller is None and not self._done:
            self._telling = True
            self._teller = threading.Thread(target=self._tell_beside, name=f"{self._thread.name}-stopped", daemon=True)
            self._teller.start()

    @property
    def finished(self) -> bool:
        """Whether the work, and what it was told afterwards, is over."""
        return self._done and not self._telling

    @property
    def running(self) -> list[str]:
        """The names of the threads that still run."""
        return [thread.name for thread in (self._thread, self._teller) if thread is not None and thread.is_alive()]

    def join(self, timeout: float) -> None:
        """Blocks until finished threads are gone, or for so many seconds."""
        for thread in (self._thread, self._teller):
            if thread is not None:
                thread.join(timeout)

    def _run(self) -> None:
        try:
            if self._on_started is not None:
                self._on_started(self._leadership)
            self._leadership.stop.wait()
        except BaseException as error:  # noqa: BLE001  (run() raises it: also a sys.exit() in the work must be heard)
            self._fail(error, "on_started_leading")
        self._tell()
        self._done = True
        self._wake()

    def _tell(self) -> None:
        with self._lock:
            told, self._told = self._told, True
        if told or self._on_stopped is None:
            return
        try:
            self._on_stopped()
        except BaseException as error:  # noqa: BLE001  (as above)
            self._fail(error, "on_stopped_leading")

    def _tell_beside(self) -> None:
        self._tell()
        self._telling = False
        self._wake()

    def _fail(self, error: BaseException, what: str) -> None:
        logger.error("%s: %s raised", self._thread.name, what, exc_info=error)
        self.failure = self.failure or error
