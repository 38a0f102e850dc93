"""The arguments of ``ControlPlane`` as a mapping, for those who make one for others."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["ControlPlaneOptions"]


class ControlPlaneOptions(TypedDict, total=False):
    """``ControlPlane(**options)``; what each means is told there. ``kinform_control_plane_options`` gives some."""

    version: str | None
    kube_apiserver: Path | None
    etcd: Path | None
    kubectl: Path | None
    all_apis: bool
    feature_gates: Mapping[str, bool] | None
    apiserver_flags: Mapping[str, str] | None
    etcd_flags: Mapping[str, str] | None
    directory: Path | None
    start_timeout: float | None
    stop_timeout: float | None
    attach_output: bool | None
    use_existing_cluster: bool | None
