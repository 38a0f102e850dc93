"""A real kube-apiserver and etcd for tests; ``python -m kinform.testing.control_plane`` runs one for a command."""

from __future__ import annotations

from kinform.testing.control_plane._binaries import Binaries, cache_folder, find_binaries, minor_version
from kinform.testing.control_plane._control_plane import ControlPlane
from kinform.testing.control_plane._errors import (
    ControlPlaneError,
    ControlPlaneNotFoundError,
    ControlPlaneStartError,
)
from kinform.testing.control_plane._options import ControlPlaneOptions
from kinform.testing.control_plane._users import PolicyRule
from kinform.testing.control_plane._webhooks import WebhookServing

__all__ = [
    "Binaries",
    "ControlPlane",
    "ControlPlaneError",
    "ControlPlaneNotFoundError",
    "ControlPlaneOptions",
    "ControlPlaneStartError",
    "PolicyRule",
    "WebhookServing",
    "cache_folder",
    "find_binaries",
    "minor_version",
]
