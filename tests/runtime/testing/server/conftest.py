"""Raw HTTP to the server in a box: no client of ours stands between a test and what the server says."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest

from kinform.meta import Resource
from kinform.testing.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PODS = Resource(group="", version="v1", plural="pods", kind="Pod", namespaced=True)
CONFIG_MAPS = Resource(group="", version="v1", plural="configmaps", kind="ConfigMap", namespaced=True)
NODES = Resource(group="", version="v1", plural="nodes", kind="Node", namespaced=False)
NAMESPACES = Resource(group="", version="v1", plural="namespaces", kind="Namespace", namespaced=False)
DEPLOYMENTS = Resource(group="apps", version="v1", plural="deployments", kind="Deployment", namespaced=True)
LEASES = Resource(group="coordination.k8s.io", version="v1", plural="leases", kind="Lease", namespaced=True)
ROLES = Resource(group="rbac.authorization.k8s.io", version="v1", plural="roles", kind="Role", namespaced=True)
WIDGETS = Resource(group="example.com", version="v1", plural="widgets", kind="Widget", namespaced=True)
OLD_WIDGETS = Resource(group="example.com", version="v1beta1", plural="widgets", kind="Widget", namespaced=True)

RESOURCES = (PODS, CONFIG_MAPS, NODES, NAMESPACES, DEPLOYMENTS, LEASES, ROLES, WIDGETS, OLD_WIDGETS)


class Answer(NamedTuple):
    """An answer to a request."""

    code: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def names(self) -> list[str]:
        """The names of a list's items."""
        return [item["metadata"]["name"] for item in self.json["items"]]

    @property
    def revision(self) -> str:
        """The resourceVersion of the object or list."""
        revision: str = self.json["metadata"]["resourceVersion"]
        return revision


class Watch:
    """An open watch, read line by line. Gives up after 10 s of silence."""

    def __init__(self, connection: http.client.HTTPConnection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self.response = response

    def event(self) -> Any:
        """The next event."""
        line = self.response.readline()
        assert line.endswith(b"\n"), line
        return json.loads(line)

    def next(self) -> tuple[str, str, str]:
        """The next event's type, its object's name and resourceVersion."""
        event = self.event()
        metadata = event["object"]["metadata"]
        return event["type"], metadata.get("name", ""), metadata.get("resourceVersion", "")

    def types(self, count: int) -> list[str]:
        """The types and names of the next events."""
        return [" ".join(self.next()[:2]).strip() for _ in range(count)]

    def ended(self) -> bool:
        """Whether the stream ends here, cleanly."""
        return self.response.read() == b""

    def close(self) -> None:
        self.response.close()
        self._connection.close()


class Api:
    """Requests to a server; ``server`` is the server itself."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._address = urlsplit(server.url).netloc
        config = json.loads(server.kubeconfig())
        authority = config["clusters"][0]["cluster"].get("certificate-authority-data")
        self._tls = ssl.create_default_context(cadata=base64.b64decode(authority).decode()) if authority else None
        self.token: str | None = config["users"][0]["user"].get("token")
        self._open: list[Watch] = []

    def connect(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._address, timeout=10)
        return http.client.HTTPSConnection(self._address, timeout=10, context=self._tls)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        **query: object,
    ) -> Answer:
        """One request; trailing underscores of parameters go (``continue_``)."""
        connection = self.connect()
        try:
            connection.request(method, *self._request(path, body, content_type, accept, query))
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def _request(
        self, path: str, body: Any, content_type: str, accept: str, query: dict[str, object]
    ) -> tuple[str, bytes | None, dict[str, str]]:
        if query:
            path += "?" + urlencode({name.rstrip("_"): value for name, value in query.items()})
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Accept": accept}
        if data is not None:
            headers["Content-Type"] = content_type
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        return path, data, headers

    def get(self, path: str, **query: object) -> Answer:
        return self.call("GET", path, **query)  # type: ignore[arg-type]

    def post(self, path: str, body: Any, **query: object) -> Answer:
        return self.call("POST", path, body, **query)  # type: ignore[arg-type]

    def put(self, path: str, body: Any, **query: object) -> Answer:
        return self.call("PUT", path, body, **query)  # type: ignore[arg-type]

    def merge(self, path: str, body: Any, **query: object) -> Answer:
        return self.call("PATCH", path, body, content_type="application/merge-patch+json", **query)  # type: ignore[arg-type]

    def delete(self, path: str, body: Any = None, **query: object) -> Answer:
        return self.call("DELETE", path, body, **query)  # type: ignore[arg-type]

    def watch(self, path: str, *, accept: str = "application/json", **query: object) -> Watch:
        """An open watch; the fixture closes it."""
        connection = self.connect()
        connection.request("GET", *self._request(path, None, "", accept, {"watch": "true", **query}))
        watch = Watch(connection, connection.getresponse())
        self._open.append(watch)
        return watch

    def stream(self, path: str, **query: object) -> Watch:
        """A streaming list."""
        asked = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
        return self.watch(path, accept="application/json", **{**asked, **query})

    def close(self) -> None:
        for watch in self._open:
            watch.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Api]]:
    """Starts servers; afterwards nothing of them may be left."""
    apis: list[Api] = []

    def start(**options: Any) -> Api:
        options.setdefault("resources", RESOURCES)
        server = Server(**options)
        server.start()
        apis.append(Api(server))
        return apis[-1]

    yield start
    for api in apis:
        api.close()
        api.server.stop()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("kinform-server")]


@pytest.fixture
def api(serve: Callable[..., Api]) -> Api:
    """A server as it is by default."""
    return serve()


@pytest.fixture
def pod() -> Callable[..., dict[str, Any]]:
    """Makes pods."""

    def make(
        name: str, *, namespace: str = "shop", labels: dict[str, str] | None = None, **spec: Any
    ) -> dict[str, Any]:
        metadata = {"name": name, "namespace": namespace, "labels": labels or {}}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}

    return make
