"""A server of documents, without a network: what is asked for is answered, raised, or held back until told."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from kinform.errors import NotFoundError, Status
from kinform.transport import Response

if TYPE_CHECKING:
    from collections.abc import Callable

ALL = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


def resource(plural: str, kind: str, *, namespaced: bool = True, **more: Any) -> dict[str, Any]:
    """A resource as aggregated discovery has it."""
    found = {
        "resource": plural,
        "responseKind": {"group": "", "version": "", "kind": kind},
        "scope": "Namespaced" if namespaced else "Cluster",
        "singularResource": kind.lower(),
        "verbs": [*ALL],
    }
    return {**found, **more}


def aggregated(groups: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """All of a root: by group and version the resources, or None where the server behind it is down."""
    items = []
    for group, versions in groups.items():
        listed = [
            {"version": version, "freshness": "Stale"}
            if resources is None
            else {"version": version, "freshness": "Current", "resources": resources}
            for version, resources in versions.items()
        ]
        items.append({"metadata": {"name": group} if group else {}, "versions": listed})
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


class Documents:
    """As a transport, as far as discovery needs one."""

    def __init__(self) -> None:
        self.answers: dict[str, object] = {}
        self.asked: list[tuple[str, str]] = []
        self.began = threading.Event()
        self.gate: threading.Event | None = None

    def serve(self, core: dict[str, Any], groups: dict[str, dict[str, Any]]) -> None:
        """Serves this by aggregated discovery."""
        self.answers["/api"] = aggregated({"": core})
        self.answers["/apis"] = aggregated(groups)

    def request(self, method: str, path: str, *, accept: str, timeout: float) -> Response:
        assert method == "GET"
        assert timeout == 32
        self.asked.append((path, accept))
        answer = self.answers.get(path)
        data = answer if isinstance(answer, bytes) else json.dumps(answer, default=str).encode()
        if path == "/apis":  # the last request of a discovery
            self.began.set()
            if self.gate is not None:
                assert self.gate.wait(10)
        if answer is None:
            raise NotFoundError(Status(code=404, reason="NotFound", message="page not found"), request=f"GET {path}")
        if isinstance(answer, Exception):
            raise answer
        return Response(200, {}, data)

    @property
    def rounds(self) -> int:
        """How many discoveries there were."""
        return sum(path == "/apis" for path, _ in self.asked)

    def __repr__(self) -> str:
        return "<documents>"


@pytest.fixture
def documents() -> Documents:
    return Documents()


@pytest.fixture
def make_resource() -> Callable[..., dict[str, Any]]:
    return resource
