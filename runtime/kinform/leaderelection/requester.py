"""Makes one request at a time beside the thread that decides, which must never be kept waiting."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, TypeAlias

from kinform.errors import TransportError
from kinform.transport import Abort

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.leaderelection.actions import Send
    from kinform.leaderelection.lease import Lease

__all__ = ["Perform", "Requester"]

Perform: TypeAlias = "Callable[[Send, Abort], Lease]"

_MAX_STUCK: Final = 4


class _Attempt:
    """One request in a daemon thread of its own."""

    def __init__(self, perform: Perform, send: Send, done: Callable[[], object], name: str) -> None:
        self.answer: Lease | Exception | None = None
        self.abort = Abort()
        self._perform = perform
        self._send = send
        self._done = done
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        try:
            self.answer = self._perform(self._send, self.abort)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is this request's answer)
            self.answer = error
        except BaseException as error:  # noqa: BLE001  (a credentials plugin that calls sys.exit() must not hang it)
            self.answer = TransportError(f"the request was ended by {error!r}")
        self._done()


class Requester:
    """Makes requests, each in a thread of its own, and gives up the one under way when the next is to go out.

    A thread for each, since resolving a name and running a credentials plugin cannot be interrupted: a leader whose
    name server hangs must still stop in time, and a candidate must be able to try again. At most four are left hanging.

    For one thread.

    Args:
        perform: Makes a request; blocks, and ends early by the switch.
        wake: Called, in any thread, when an answer has come.
        name: For threads.
    """

    def __init__(self, perform: Perform, wake: Callable[[], object], name: str) -> None:
        self._perform = perform
        self._wake = wake
        self._name = name
        self._current: _Attempt | None = None
        self._threads: list[threading.Thread] = []

    def send(self, send: Send) -> None:
        """Begins a request; does not block."""
        self.give_up()
        self._current = attempt = _Attempt(self._perform, send, self._wake, self._name)
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        if len(self._threads) >= _MAX_STUCK:
            attempt.answer = TransportError(
                f"{_MAX_STUCK} earlier requests still resolve a name or run a credentials plugin"
            )
            self._wake()
            return
        try:
            attempt.thread.start()
        except RuntimeError as error:  # the system has no threads left
            attempt.answer = error
            self._wake()
        else:
            self._threads.append(attempt.thread)

    def take_answer(self) -> Lease | Exception | None:
        """The answer to the request under way, once; None: it has not come, or there is none."""
        attempt = self._current
        if attempt is None or attempt.answer is None:
            return None
        self._current = None
        return attempt.answer

    def give_up(self) -> None:
        """Ends the request under way, whose answer will not be heard; does not block."""
        attempt, self._current = self._current, None
        if attempt is not None:
            attempt.abort.abort()

    def join(self, timeout: float) -> list[str]:
        """Gives up what is under way and blocks until the threads have ended, or for so many seconds altogether.

        Returns:
            The names of those that have not.
        """
        self.give_up()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return [thread.name for thread in self._threads if thread.is_alive()]
