"""One suite for three: what ``Server`` and ``FakeClientset`` of ``kinform.testing`` do is what a kube-apiserver does.

Each test runs against all of them, by raw requests, over HTTP where there is any, and works in a namespace of its own.
Where they differ from a kube-apiserver by design, the test says so with ``api.is_box``, and docs/testing.md names the
difference.
"""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlencode

import pytest

from kinform.meta import Resource
from kinform.testing import ControlPlane, ControlPlaneOptions, Server
from kinform.transport import AnsweringClient, Request
from kinform_k8s.testing import FakeClientset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]


def core(plural: str, kind: str, *, namespaced: bool = True) -> Resource:
    return Resource(group="", version="v1", plural=plural, kind=kind, namespaced=namespaced)


RESOURCES = (
    core("configmaps", "ConfigMap"),
    core("pods", "Pod"),
    core("services", "Service"),
    core("events", "Event"),
    core("nodes", "Node", namespaced=False),
    core("namespaces", "Namespace", namespaced=False),
    Resource(group="apps", version="v1", plural="deployments", kind="Deployment", namespaced=True),
    Resource(group="policy", version="v1", plural="poddisruptionbudgets", kind="PodDisruptionBudget", namespaced=True),
    Resource(group="coordination.k8s.io", version="v1", plural="leases", kind="Lease", namespaced=True),
    Resource(
        group="apiextensions.k8s.io",
        version="v1",
        plural="customresourcedefinitions",
        kind="CustomResourceDefinition",
        namespaced=False,
    ),
)

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


class Answer(NamedTuple):
    """An answer to a request."""

    code: int
    json: Any

    @property
    def metadata(self) -> Any:
        return self.json["metadata"]

    @property
    def revision(self) -> str:
        revision: str = self.json["metadata"]["resourceVersion"]
        return revision

    @property
    def names(self) -> list[str]:
        return [item["metadata"]["name"] for item in self.json["items"]]

    @property
    def refusal(self) -> tuple[int, str, list[tuple[str, str]]]:
        """Code, reason, and the reason and field of each cause."""
        assert self.json["kind"] == "Status", self.json
        assert self.json["status"] == "Failure"
        assert self.json["code"] == self.code
        causes = self.json.get("details", {}).get("causes", [])
        return self.code, self.json.get("reason", ""), [(c.get("reason", ""), c.get("field", "")) for c in causes]


class Reply(Protocol):
    """The answer to one request of a line."""

    @property
    def status(self) -> int: ...
    def read1(self) -> bytes: ...
    def close(self) -> None: ...


class Line(Protocol):
    """The way to a server: over HTTP, or none."""

    def ask(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> Reply: ...


class HttpLine:
    def __init__(self, server: Server | ControlPlane) -> None:
        client: Any = server.client()
        self.url: str = client.configuration.host
        self._pool: Any = client.rest_client.pool_manager
        self.authority: str = client.configuration.ssl_ca_cert
        self._credentials: dict[str, str] = {}
        client.update_params_for_auth(self._credentials, [], ["BearerToken"], "", "", None)

    def ask(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> Reply:
        reply: Reply = self._pool.request(
            method,
            f"{self.url}{target}",
            body=body,
            headers={**headers, **self._credentials},
            preload_content=False,
            retries=False,
            timeout=10 if "watch=" in target else 20,
        )
        return reply


class FakeReply(NamedTuple):
    status: int
    read1: Callable[[], bytes]
    close: Callable[[], None]


class FakeLine:
    def __init__(self, fake: FakeClientset) -> None:
        client = fake.client()
        assert isinstance(client, AnsweringClient)
        self._client = client

    def ask(self, method: str, target: str, headers: dict[str, str], body: bytes | None) -> Reply:
        lower = {name.lower(): value for name, value in headers.items()}
        request = Request(method, target, lower, body, method, connect_timeout=1, silence=1, keep=True)
        answer = self._client.answer(request, ())
        return FakeReply(answer.status, answer.read, answer.close)


class Watch:
    """An open watch, read line by line. Over HTTP it gives up after 10 s of silence."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.code: int = reply.status
        self._lines = self._read()

    def _read(self) -> Iterator[bytes]:
        rest = b""
        while data := self.reply.read1():
            *lines, rest = (rest + data).split(b"\n")
            yield from lines

    def event(self) -> Any:
        return json.loads(next(self._lines))

    def next(self) -> tuple[str, str]:
        """The type and name of the next event that is no plain bookmark."""
        while True:
            event = self.event()
            if event["type"] != "BOOKMARK":
                return event["type"], event["object"]["metadata"].get("name", "")

    def take(self, count: int) -> list[str]:
        return [" ".join(self.next()) for _ in range(count)]

    def ended(self) -> bool:
        return not list(self._lines)

    def close(self) -> None:
        self.reply.close()


class Api:
    """Requests to one of the servers, in a namespace of this test's own."""

    def __init__(self, server: Server | FakeClientset | ControlPlane) -> None:
        self.is_box = not isinstance(server, ControlPlane)
        self.namespace = f"t-{uuid.uuid4().hex[:10]}"
        self.line: Line = FakeLine(server) if isinstance(server, FakeClientset) else HttpLine(server)
        self._open: list[Watch] = []
        self.core = f"/api/v1/namespaces/{self.namespace}"
        self.maps = f"{self.core}/configmaps"
        self.pods = f"{self.core}/pods"
        self.deployments = f"/apis/apps/v1/namespaces/{self.namespace}/deployments"
        self.leases = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases"

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        media: str = "application/json",
        accept: str = "application/json",
        **query: object,
    ) -> Answer:
        """One request; trailing underscores of parameters go (``continue_``)."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Accept": accept, "User-Agent": "contract/1.0", "Content-Type": media}
        reply = self.line.ask(method, _target(path, query), headers, data)
        text = b"".join(iter(reply.read1, b""))
        reply.close()
        try:
            return Answer(reply.status, json.loads(text))
        except ValueError:
            return Answer(reply.status, text.decode())

    def get(self, path: str, **query: object) -> Answer:
        return self.call("GET", path, **query)  # type: ignore[arg-type]

    def post(self, path: str, body: Any, **query: object) -> Answer:
        return self.call("POST", path, body, **query)  # type: ignore[arg-type]

    def put(self, path: str, body: Any, **query: object) -> Answer:
        return self.call("PUT", path, body, **query)  # type: ignore[arg-type]

    def patch(self, path: str, body: Any, media: str = MERGE, **query: object) -> Answer:
        return self.call("PATCH", path, body, media=media, **query)  # type: ignore[arg-type]

    def apply(self, path: str, body: Any, manager: str = "", **query: object) -> Answer:
        if manager:
            query["fieldManager"] = manager
        return self.patch(path, body, APPLY, **query)

    def delete(self, path: str, body: Any = None, **query: object) -> Answer:
        return self.call("DELETE", path, body, **query)  # type: ignore[arg-type]

    def watch(self, path: str, *, accept: str = "application/json", **query: object) -> Watch:
        target = _target(path, {"watch": "true", "timeoutSeconds": 30, **query})
        self._open.append(Watch(self.line.ask("GET", target, {"Accept": accept}, None)))
        return self._open[-1]

    def eventually(self, path: str, code: int) -> Answer:
        """The answer, once its code is this one: the real server's controllers take a moment."""
        deadline = time.monotonic() + 20
        while True:
            answer = self.get(path)
            if answer.code == code:
                return answer
            assert time.monotonic() < deadline, answer
            time.sleep(0.05)

    def close(self) -> None:
        for watch in self._open:
            watch.close()


def _target(path: str, query: dict[str, object]) -> str:
    given = {name.rstrip("_"): value for name, value in query.items()}
    return f"{path}?{urlencode(given)}" if given else path


@pytest.fixture(scope="module")  # not longer: other tests see to it that no server's thread is left
def box() -> Iterator[Server]:
    spec = ROOT / "openapi" / "v1.37.json"
    with Server(RESOURCES, strict=True, garbage_collection=True, openapi=spec, tls=True, token="contract") as server:
        yield server  # over TLS, as the real one


@pytest.fixture(scope="module")
def fake() -> FakeClientset:
    return FakeClientset(strict=True, garbage_collection=True, openapi=ROOT / "openapi" / "v1.37.json")


@pytest.fixture(scope="session")
def kinform_control_plane_options() -> ControlPlaneOptions:
    return {"version": "v1.37"}


@pytest.fixture(scope="session")
def real(kinform_control_plane: ControlPlane) -> ControlPlane:
    return kinform_control_plane


REAL = pytest.param("real", marks=[pytest.mark.real_server, pytest.mark.timeout(300)])


@pytest.fixture(params=["box", "fake", REAL])
def api(request: pytest.FixtureRequest) -> Iterator[Api]:
    """Each of the servers in turn."""
    api = Api(request.getfixturevalue(request.param))
    made = api.post("/api/v1/namespaces", {"metadata": {"name": api.namespace}})
    assert made.code == 201, made
    yield api
    api.close()
