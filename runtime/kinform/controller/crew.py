"""All controllers of a run, which begin and end together: at once, or while this process leads."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from kinform.errors import KinformError
from kinform.leaderelection import LeaderElector

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.controller.controller import Controller
    from kinform.events import EventRecorderLike
    from kinform.factory import InformerFactory
    from kinform.leaderelection import LeaderElection, Leadership

__all__ = ["Crew"]

logger: Final = logging.getLogger("kinform.controller")

_DRAIN_GRACE: Final = 5.0  # seconds that ending takes beyond the drain, before the election gives up on it


class _LeftBehindError(KinformError):
    """Workers did not end in time, so the lease must not be released."""


class Crew:
    """The controllers of one run.

    Args:
        controllers: Which.
        drain_timeout: Seconds that they have, all together, to finish their keys.
    """

    def __init__(self, controllers: tuple[Controller, ...], drain_timeout: float) -> None:
        self._controllers = controllers
        self._drain_timeout = drain_timeout
        self._left: list[str] = []
        self._stopping = False

    def elector(
        self, config: LeaderElection, factory: InformerFactory, recorder: EventRecorderLike | None
    ) -> LeaderElector:
        """What lets the controllers work while this process leads, for ``run()``.

        Raises:
            ConfigurationError: The factory's source found no usable configuration any more.
        """

        def lead(leadership: Leadership) -> None:
            self._lead(leadership, elector.is_leader)

        elector = LeaderElector(
            config,
            factory.transport,
            on_started_leading=lead,
            on_stopped_leading=self._discard,
            on_error=factory.tell,
            recorder=recorder,
            drain_timeout=timedelta(seconds=self._drain_timeout + _DRAIN_GRACE),
        )
        return elector

    def run(self, elector: LeaderElector, ended: threading.Event) -> None:
        """Competes, leads and ends. Blocks.

        Raises:
            LeadershipLostError: The lease was lost.
        """
        with suppress(_LeftBehindError):  # which has been logged
            elector.run(ended)

    def _lead(self, leadership: Leadership, allowed: Callable[[], bool]) -> None:
        for controller in self._controllers:
            controller.start(allowed=allowed)
        leadership.stop.wait()
        if leadership.lost.aborted:
            self._discard()
            for controller in self._controllers:
                controller.abort()
        if left := self.stop():
            raise _LeftBehindError(f"still in a reconcile: {', '.join(left)}")

    def _discard(self) -> None:
        for controller in self._controllers:
            controller.discard()

    def stop(self) -> list[str]:
        """Drains and ends the controllers, once; a second call does not wait for the first.

        Returns:
            The names of workers that are left behind.
        """
        if self._stopping:
            return []
        self._stopping = True
        # Side by side: they share the deadline, and one controller's drain must not let another go on taking keys.
        # Daemons: after a loss the process must be able to end whatever a reconcile does.
        enders = [
            threading.Thread(
                target=self._stop_one, args=(controller,), name=f"kinform-{controller.name}-stop", daemon=True
            )
            for controller in self._controllers
        ]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()
        return self._left

    def _stop_one(self, controller: Controller) -> None:
        for name in controller.stop(self._drain_timeout):
            self._left.append(name)
            logger.error("%s is still in a reconcile after %s s and is left behind", name, self._drain_timeout)
