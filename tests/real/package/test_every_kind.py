"""Every kind that a real server lets one list and watch has a generated informer that does so without an error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kinform.testing.control_plane import minor_version

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kinform.testing import ControlPlane

KINDS = {"v1.30": 70, "v1.37": 92}
STREAMS = {"v1.30": False, "v1.37": True}
# The kinds of which a server without a cluster has objects of its own.
NEVER_EMPTY = {
    "/api/v1/namespaces",
    "/api/v1/services",
    "/apis/apiregistration.k8s.io/v1/apiservices",
    "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas",
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "/apis/scheduling.k8s.io/v1/priorityclasses",
}


def discover(control_plane: ControlPlane) -> dict[str, str]:
    """The kinds that can be listed and watched, by path, as the server's discovery has them."""

    def read(path: str) -> Any:
        return json.loads(control_plane.get(path))

    groups = ["/api/v1"]
    groups += [f"/apis/{version['groupVersion']}" for group in read("/apis")["groups"] for version in group["versions"]]
    return {
        f"{group}/{resource['name']}": resource["kind"]
        for group in groups
        for resource in read(group)["resources"]
        if {"list", "watch"} <= set(resource["verbs"])
    }


def test_every_kind_is_listed_and_watched(
    control_plane: ControlPlane, package: Path, run_program: Callable[..., Any]
) -> None:
    report = run_program("every_kind", package, str(control_plane.kubeconfig))
    assert report["failures"] == []
    assert report["kinds"] == discover(control_plane)
    minor = minor_version(control_plane.version)
    assert len(report["kinds"]) == KINDS.get(minor, len(report["kinds"]))
    # Every watch ended by its own time-out and was resumed: no other kind of restart, and no fetch but the first.
    assert report["fetches"] == dict.fromkeys(report["kinds"], 1)
    streams = STREAMS.get(minor, report["fetched"] == ["streaming"])
    assert report["fetched"] == ["streaming" if streams else "listing"]
    assert report["restarts"] == (["closed"] if streams else ["closed", "streaming-unsupported"])
    # The objects that the server makes for itself were read as models and compared.
    assert {path for path, count in report["objects"].items() if count} >= NEVER_EMPTY
