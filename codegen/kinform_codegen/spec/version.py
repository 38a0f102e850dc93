"""Which Kubernetes a specification describes."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["KubernetesVersion"]

_VERSION = re.compile(r"(?<![\d.])v?(?P<major>1)\.(?P<minor>\d{1,3})(?!\d)")


class KubernetesVersion(NamedTuple):
    """A minor version of Kubernetes."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}"

    @classmethod
    def find(cls, text: str) -> KubernetesVersion | None:
        """The last version that a text names: ``v1.30.14``, ``swagger-v1.30.json``, ``…/release-1.30/api/…``."""
        found = None
        for match in _VERSION.finditer(text):
            found = cls(int(match["major"]), int(match["minor"]))
        return found
