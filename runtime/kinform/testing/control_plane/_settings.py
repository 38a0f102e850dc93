"""What the environment says of control planes: envtest's variables, by its rules."""

from __future__ import annotations

import os
import re
from typing import Final

__all__ = ["attaches_output", "start_timeout", "stop_timeout", "uses_existing_cluster"]

_START_TIMEOUT: Final = "KUBEBUILDER_CONTROLPLANE_START_TIMEOUT"
_STOP_TIMEOUT: Final = "KUBEBUILDER_CONTROLPLANE_STOP_TIMEOUT"
_ATTACH_OUTPUT: Final = "KUBEBUILDER_ATTACH_CONTROL_PLANE_OUTPUT"
_USE_EXISTING_CLUSTER: Final = "USE_EXISTING_CLUSTER"
_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|s|m|h)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_YES: Final = frozenset({"1", "t", "true"})


def start_timeout(default: float) -> float:
    """Seconds that a server has to become ready.

    Raises:
        ValueError: The variable is no duration.
    """
    return _duration(_START_TIMEOUT, default)


def stop_timeout(default: float) -> float:
    """Seconds that a server has to end.

    Raises:
        ValueError: The variable is no duration.
    """
    return _duration(_STOP_TIMEOUT, default)


def attaches_output() -> bool:
    """Whether the servers' logs also go to standard error."""
    return _flag(_ATTACH_OUTPUT)


def uses_existing_cluster() -> bool:
    """Whether tests are to run on the cluster of the kubeconfig."""
    return _flag(_USE_EXISTING_CLUSTER)


def _flag(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() in _YES


def _duration(name: str, default: float) -> float:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    parts = _PART.findall(text)
    if "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{name}={text} is no duration: write it as in Go, such as 90s, 1m30s or 500ms")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
