"""Named checks, and what they came to in the words of an API server's ``/healthz`` and ``/readyz``."""

from __future__ import annotations

import logging
import re
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["HealthChecks"]

logger: Final = logging.getLogger("kinform.health")

_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?").fullmatch


def _ping() -> None:
    """Fails where nothing can run any more."""


class HealthChecks:
    """The checks behind one path (apiserver: ``healthz.InstallPathHandler``). Thread-safe.

    ``ping``, which succeeds wherever it can be answered, is there from the start.

    Args:
        name: The path without its slash: ``"readyz"``.
    """

    def __init__(self, name: str) -> None:
        self.name: Final = name
        self._lock = threading.Lock()
        self._checks: dict[str, Callable[[], object]] = {"ping": _ping}

    def add(self, name: str, check: Callable[[], object]) -> None:
        """Adds a check (apiserver: ``healthz.NamedCheck``).

        Args:
            name: What it is called in answers, and its own path below this one's.
            check: Called at each request, by several threads at a time; raises where something is wrong. The message
                is logged, and shown only on the check's own path. Be quick: it holds up the answer.

        Raises:
            ValueError: There is a check of that name, or it is none for a path.
        """
        if not _NAME(name):
            raise ValueError(f"a check's name has letters, digits, and .-_ between them; not {name!r}")
        with self._lock:
            if name in self._checks:
                raise ValueError(f"{self.name} has a check {name!r} already")
            self._checks[name] = check

    def remove(self, name: str) -> None:
        """Takes a check away; nothing where there is none."""
        with self._lock:
            self._checks.pop(name, None)

    def report(self, excluded: Collection[str] = (), *, verbose: bool = False) -> tuple[bool, str]:
        """Runs the checks.

        Args:
            excluded: Names of checks that are not run and count as passed.
            verbose: Whether to name each check; where one failed they are named in any case.

        Returns:
            Whether all passed, and what to say.
        """
        lines: list[str] = []
        failed: list[str] = []
        with self._lock:
            checks = dict(self._checks)
        for name, check in checks.items():
            if name in excluded:
                lines.append(f"[+]{name} excluded: ok")
                continue
            try:
                check()
            except Exception as error:  # noqa: BLE001  (whatever it raises, it means that something is wrong)
                logger.info("%s: check %s failed: %s", self.name, name, error)
                # The path is open to whoever reaches it, and errors may tell more than it should.
                lines.append(f"[-]{name} failed: reason withheld")
                failed.append(name)
            else:
                lines.append(f"[+]{name} ok")
        if unknown := sorted(set(excluded) - checks.keys()):
            names = ",".join(f'"{name}"' for name in unknown)
            lines.append(f"warn: some health checks cannot be excluded: no matches for {names}")
        if failed:
            return False, "\n".join([*lines, f"{self.name} check failed", ""])
        if verbose:
            return True, "\n".join([*lines, f"{self.name} check passed", ""])
        return True, "ok"

    def report_one(self, name: str) -> tuple[bool, str] | None:
        """Runs one check and says why it failed; None: there is no such check."""
        with self._lock:
            check = self._checks.get(name)
        if check is None:
            return None
        try:
            check()
        except Exception as error:  # noqa: BLE001  (as above)
            return False, f"internal server error: {error}\n"
        return True, "ok"
