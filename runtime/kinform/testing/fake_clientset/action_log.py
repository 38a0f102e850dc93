"""The actions of a fake clientset, as they are recorded."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.testing.fake_clientset.actions import Action

__all__ = ["ActionLog"]


class ActionLog:
    """The actions so far, in order. Thread-safe."""

    def __init__(self) -> None:
        self._actions: list[Action] = []
        self._changed = threading.Condition()

    def add(self, action: Action) -> None:
        """Notes one."""
        with self._changed:
            self._actions.append(action)
            self._changed.notify_all()

    def clear(self) -> None:
        """Forgets all."""
        with self._changed:
            self._actions.clear()

    def all(self) -> list[Action]:
        """All of them."""
        with self._changed:
            return [*self._actions]

    def await_count(self, which: Callable[[Action], bool], count: int, timeout: float) -> list[Action]:
        """Blocks until there are so many of a kind; returns them.

        Raises:
            TimeoutError: There were not within ``timeout`` seconds.
        """

        def found() -> list[Action]:
            return [action for action in self._actions if which(action)]

        with self._changed:
            if not self._changed.wait_for(lambda: len(found()) >= count, timeout):
                so_far = ", ".join(map(str, self._actions)) or "none at all"
                raise TimeoutError(f"{len(found())} such actions, not {count}, after {timeout} s; there were: {so_far}")
            return found()
