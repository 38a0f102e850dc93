"""The arguments of ``Server`` as a mapping, for those who make one for others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from kinform.clock import Clock
    from kinform.meta import Resource
    from kinform.testing.server.fault_plan import FaultPlan
    from kinform.testing.server.resources import ServedResource

__all__ = ["ServerOptions"]


class ServerOptions(TypedDict, total=False):
    """``Server(**options)``; what each means is told there. ``kinform_server_options`` gives some to pytest."""

    resources: Iterable[Resource | ServedResource]
    openapi: Path | str | Mapping[str, object] | None
    strict: bool
    garbage_collection: bool
    watch_list: Literal["on", "off", "ignored"]
    history: int
    expired_watches: Literal["event", "http"]
    bookmark_interval: float
    freshness_timeout: float
    gzip: bool
    faults: FaultPlan | None
    version: str
    host: str
    port: int
    tls: bool
    token: str | None
    client_certificates: bool
    clock: Clock
