"""Notices that this process is a fork: threads do not survive it, and locks may have been held."""

from __future__ import annotations

import os

__all__ = ["ProcessMark"]

_forks = 0


def _count_fork() -> None:
    global _forks  # noqa: PLW0603  (a counter of the process is what this module is)
    _forks += 1


os.register_at_fork(after_in_child=_count_fork)


class ProcessMark:
    """Remembers the process that it was made in; asking is cheaper than ``os.getpid()`` and takes no lock."""

    __slots__ = ("_forks",)

    def __init__(self) -> None:
        self._forks = _forks

    @property
    def forked(self) -> bool:
        """Whether this process is a fork of the one that made the mark."""
        return self._forks != _forks
