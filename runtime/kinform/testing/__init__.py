"""What tests of controllers need; each name is imported when it is first used.

Importing this package switches the mutation detector of caches on, for informers made afterwards in this process and in
those it starts: whatever changes a cached object is told to ``on_error``. To keep it off, set
``KINFORM_CACHE_MUTATION_DETECTOR=0``.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kinform.testing._manifests import Manifest
    from kinform.testing.clock import VirtualClock
    from kinform.testing.control_plane import (
        ControlPlane,
        ControlPlaneError,
        ControlPlaneNotFoundError,
        ControlPlaneOptions,
        ControlPlaneStartError,
    )
    from kinform.testing.fake_recorder import FakeRecorder
    from kinform.testing.fake_source import FakeFeed, FakeSource
    from kinform.testing.server import FaultPlan, Server, ServerOptions
    from kinform.testing.tcp_proxy import TcpProxy
    from kinform.testing.waiting import consistently, eventually

__all__ = [
    "ControlPlane",
    "ControlPlaneError",
    "ControlPlaneNotFoundError",
    "ControlPlaneOptions",
    "ControlPlaneStartError",
    "FakeFeed",
    "FakeRecorder",
    "FakeSource",
    "FaultPlan",
    "Manifest",
    "Server",
    "ServerOptions",
    "TcpProxy",
    "VirtualClock",
    "consistently",
    "eventually",
]

_MODULES = {
    "ControlPlane": "kinform.testing.control_plane",
    "ControlPlaneError": "kinform.testing.control_plane",
    "ControlPlaneNotFoundError": "kinform.testing.control_plane",
    "ControlPlaneOptions": "kinform.testing.control_plane",
    "ControlPlaneStartError": "kinform.testing.control_plane",
    "FakeFeed": "kinform.testing.fake_source",
    "FakeRecorder": "kinform.testing.fake_recorder",
    "FakeSource": "kinform.testing.fake_source",
    "FaultPlan": "kinform.testing.server",
    "Manifest": "kinform.testing._manifests",
    "Server": "kinform.testing.server",
    "ServerOptions": "kinform.testing.server",
    "TcpProxy": "kinform.testing.tcp_proxy",
    "VirtualClock": "kinform.testing.clock",
    "consistently": "kinform.testing.waiting",
    "eventually": "kinform.testing.waiting",
}

os.environ.setdefault("KINFORM_CACHE_MUTATION_DETECTOR", "1")

if not TYPE_CHECKING:  # a type checker that saw it would believe in every name

    def __getattr__(name: str) -> object:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_MODULES[name]), name)
