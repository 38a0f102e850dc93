"""Secrets planted everywhere, and everything that kinform says searched for them."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import sys
import traceback
import urllib.request
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
import urllib3
from prometheus_client import CollectorRegistry

from kinform import index
from kinform.errors import KinformError
from kinform.events import EventRecorder
from kinform.health import HealthServer
from kinform.metrics import Metrics
from kinform.objects import DynamicObject
from kinform.testing import Server
from kinform.testing.server import Refuse, Reply, resources_in
from kinform.transport import Transport, connect
from kinform.wire import Decoder, Entry, FrameSplitter
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.authentication.v1 import TokenRequest, TokenReview
from kinform_k8s.models.core.v1 import ConfigMap, Secret
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.resources.core import v1 as core_v1

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.runtime.transport.conftest import FakeApiClient, MakeTransport, Peer, Request, Serve

    from kinform.informer import ErrorReport

TOKEN: Final = "c4n4ry-t0k3n"
PASSWORD: Final = "c4n4ry-p4ssw0rd"
PROXY_PASSWORD: Final = "c4n4ry-pr0xy"
DATA: Final = "c4n4ry-d4t4"
CANARIES: Final = (
    *(TOKEN, PASSWORD, PROXY_PASSWORD, DATA),
    *(
        base64.b64encode(text.encode()).decode().rstrip("=")
        for text in (TOKEN, DATA, f"me:{PASSWORD}", f"me:{PROXY_PASSWORD}")
    ),
)
LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


def assert_silent(said: str) -> None:
    for canary in CANARIES:
        assert canary not in said, f"{canary} in …{said[max(0, said.find(canary) - 300) : said.find(canary) + 60]}"


def whole(error: BaseException) -> str:
    """All that a traceback shows of an error, its causes included, and what it is made of."""
    return "".join(traceback.format_exception(error)) + repr(error) + repr(error.args)


@dataclass
class Heard:
    """Everything that was said."""

    texts: list[str] = field(default_factory=list)

    def add(self, *things: object) -> None:
        self.texts += [f"{thing!r} {thing}" for thing in things]

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        with pytest.raises(Exception) as caught:
            yield
        self.texts.append(whole(caught.value))

    @property
    def all(self) -> str:
        return "\n".join(self.texts)


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[Heard]:
    """Collects what a test hands it, all logs down to DEBUG, and what is printed; then looks through it."""
    found = Heard()
    caplog.set_level(0)
    yield found
    out, err = capfd.readouterr()
    records = "".join(f"{record.getMessage()} {record.args!r} {record.exc_text}\n" for record in caplog.records)
    assert_silent(found.all)
    assert_silent(caplog.text + records)
    assert_silent(out + err)
    assert found.texts


def secret(name: str = "s") -> dict[str, Any]:
    data = {"password": base64.b64encode(DATA.encode()).decode()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "annotations": {LAST_APPLIED: json.dumps({"kind": "Secret", "data": data})},
        },
        "type": "Opaque",
        "data": data,
        "stringData": {"more": DATA},
    }


# ---- models


def _models() -> list[tuple[str, Any, dict[str, Any]]]:
    token = {"metadata": {"name": "a"}, "spec": {"token": TOKEN}, "status": {"authenticated": True}}
    return [
        ("Secret", Secret, secret()),
        ("TokenRequest", TokenRequest, {"metadata": {"name": "a"}, "status": {"token": TOKEN}}),
        ("TokenReview", TokenReview, token),
        (
            "ConfigMap",
            ConfigMap,
            {"metadata": {"name": "a", "annotations": {LAST_APPLIED: json.dumps({"data": {"x": DATA}})}}},
        ),
        ("DynamicObject", DynamicObject, secret()),
    ]


MODELS: Final = _models()


@pytest.mark.parametrize(("model", "body"), [each[1:] for each in MODELS], ids=[each[0] for each in MODELS])
def test_models_show_no_secrets(heard: Heard, model: Any, body: dict[str, Any]) -> None:
    read = model.from_wire(json.dumps(body).encode())
    assert any(canary in read.to_wire().decode() for canary in CANARIES)
    heard.add(read, [read], {"a": read}, f"{read:}", f"{read!s:>9}")


@pytest.mark.parametrize(("model", "body"), [each[1:] for each in MODELS[:4]], ids=[each[0] for each in MODELS[:4]])
def test_errors_of_models_show_no_secrets(heard: Heard, model: Any, body: dict[str, Any]) -> None:
    """Each field in turn with a value that it cannot hold."""
    count = 0
    for path in _leaves(body):
        for bad in ([TOKEN], {"x": [DATA]}, DATA):
            broken = json.loads(json.dumps(body))
            parent = broken
            for step in path[:-1]:
                parent = parent[step]
            parent[path[-1]] = bad
            try:
                model.from_wire(json.dumps(broken).encode())
            except ValueError as error:
                heard.texts.append(whole(error))
                count += 1
            heard.texts.append("tried")
    for text in (json.dumps(body)[:-9], json.dumps(body) + DATA, f'{{"metadata": "{DATA}', f'"{TOKEN}"'):
        with heard.failing():
            model.from_wire(text.encode())
    assert count > 3
    with heard.failing():
        model(metadata=TOKEN)
    with heard.failing():
        model(metadata=ObjectMeta(name="a"), password=PASSWORD)


def _leaves(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if not isinstance(value, dict):
        return [at]
    return [*([at] if at else []), *(path for name, below in value.items() for path in _leaves(below, (*at, name)))]


# ---- the cache


def test_entries_and_their_errors_show_no_secrets(heard: Heard) -> None:
    resource = core_v1.SECRETS
    decoder = Decoder(resource)

    def transform(obj: Any) -> Any:
        raise ValueError("no")

    good = json.dumps({"type": "ADDED", "object": secret()}).encode()
    event: Any = decoder.event(good)
    assert isinstance(event.entry, Entry)
    heard.add(event.entry, event, Decoder(resource, transform).event(good))
    bad = secret()
    bad["metadata"]["labels"] = {"a": [TOKEN]}
    heard.add(decoder.event(json.dumps({"type": "ADDED", "object": bad}).encode()))
    heard.add(decoder.page(json.dumps({"items": [bad, secret(), DATA], "metadata": {}}).encode()))
    piece = json.dumps({"apiVersion": "v1", "data": {"password": DATA}}).encode()
    for text in (piece, piece[30:], piece[:-1], b"[%b]" % piece, b'{"type":"ERROR","object":%b}' % piece):
        for read in (decoder.event, decoder.page, FrameSplitter().feed):
            try:
                heard.add(type(read(text)))
            except KinformError as error:
                heard.texts.append(whole(error))
    ended: Any = decoder.event(b'{"type":"ERROR","object":%b}' % piece)
    heard.add(ended)
    heard.texts.append(whole(ended.error))
    bad = secret() | {"metadata": TOKEN}
    poison: Any = decoder.event(json.dumps({"type": "MODIFIED", "object": bad}).encode())
    heard.add(poison)
    heard.texts.append(whole(poison.error))


# ---- a whole program


class ListenError(Exception):
    """Raised by the test's own functions."""


def test_a_program_that_meets_all_kinds_of_trouble(heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    metrics = Metrics(CollectorRegistry())
    with (
        Server(resources_in("kinform_k8s.resources"), tls=True, token=TOKEN) as server,
        HealthServer(0, metrics=metrics.render) as health,
    ):
        for name in ("a", "b"):
            server.put(secret(name))
        api = server.client()
        client = Transport(api, user_agent="program/1")
        factory = SharedInformerFactory(client)
        errors: list[ErrorReport] = []
        factory.on_error(errors.append)
        secrets = factory.core().v1().secrets()
        informer = secrets.informer()
        raised: list[object] = []

        def broken(obj: Secret) -> list[str]:
            raise ListenError("an index")

        def handler(*objects: object) -> None:
            raised.extend(objects)
            raise ListenError("a handler")

        informer.add_index(index("broken", broken))
        informer.add_event_handler(on_add=handler, on_update=handler, on_delete=handler)
        metrics.add_factory(factory)
        metrics.add_transport(client)
        recorder = EventRecorder(client, component="program")
        piece = json.dumps({"apiVersion": "v1", "data": {"password": DATA}}).encode()
        for effect in (Refuse(403), Reply(200, piece[30:])):
            server.fault_next("*/secrets", effect)
        with factory:
            factory.wait_for_cache_sync(timeout=40)
            found = secrets.lister().list()
            heard.add(found, [*found], secrets.lister(), informer, factory, informer.statistics(), factory.statistics())
            some = secrets.lister().secrets("shop").get("a")
            recorder.event(some, "Warning", "Failed", "it failed")
            api_client = Clientset(client).core_v1().secrets("shop")
            heard.add(api_client, api_client.get("a"), api_client.list(), api_client.list_all())
            calls: list[Callable[[], object]] = [
                lambda: api_client.get("none"),
                lambda: api_client.create(Secret.from_wire(json.dumps(secret("a")).encode())),
                lambda: api_client.update(
                    Secret.from_wire(
                        json.dumps(
                            secret("a") | {"metadata": {"name": "a", "namespace": "shop", "resourceVersion": "1"}}
                        ).encode()
                    )
                ),
                lambda: api_client.patch("a", {"metadata": {"labels": {"a": {"b": DATA}}}}),
            ]
            for call in calls:
                with heard.failing():
                    call()
            server.fault_next("*", Refuse(401))
            with heard.failing():
                api_client.get("a")
            server.fault_next("*/secrets/a", Reply(200, json.dumps(secret("a") | {"data": DATA}).encode()))
            with heard.failing():
                api_client.get("a")
            server.disconnect_watches()
            for path in ("metrics", "healthz?verbose", "readyz?verbose", "readyz/ping"):
                with urllib.request.urlopen(f"http://127.0.0.1:{health.port}/{path}") as answer:
                    heard.texts.append(answer.read().decode())
            recorder.stop()
        heard.add(client, client.statistics(), api, recorder, recorder.statistics(), health, metrics)
        heard.add(*errors, *raised)
        heard.texts += [whole(report.exception) for report in errors]
        heard.add(server, *(request for request in server.requests if request.fault is None))
        assert raised
        assert {type(report.exception).__name__ for report in errors} >= {"ListenError", "ForbiddenError", "FrameError"}
        assert not any("authorization" in request.headers for request in server.requests)
        client.close()


# ---- credentials


@pytest.mark.parametrize(
    "url", [f"https://me:{PASSWORD}@cluster.invalid:6443/base", f"https://cluster.invalid/?token={TOKEN}#{TOKEN}"]
)
def test_addresses_with_credentials_in_them(heard: Heard, api_client: type[FakeApiClient], url: str) -> None:
    with Transport(api_client(url, token=TOKEN)) as client:
        heard.add(client, client.host, client.statistics(), client.another())
        metrics = Metrics(CollectorRegistry())
        metrics.add_transport(client)
        with heard.failing():
            client.request("GET", "/api", timeout=2)
        heard.texts.append(metrics.render("")[1].decode())
        factory = SharedInformerFactory(client)
        heard.add(factory, factory.core().v1().pods().informer(), factory.statistics())


def test_proxies_with_credentials(
    heard: Heard, serve: Serve, transport: MakeTransport, api_client: type[FakeApiClient]
) -> None:
    def refuse(peer: Peer, request: Request) -> bool:
        peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        return False

    proxy = serve(refuse)
    headers = urllib3.make_headers(proxy_basic_auth=f"me:{PROXY_PASSWORD}")
    for url in (proxy.url.replace("//", f"//me:{PROXY_PASSWORD}@"), f"http://me:{PROXY_PASSWORD}@proxy.invalid:1"):
        manager = urllib3.ProxyManager(url, proxy_headers=headers)
        for host in ("https://cluster.invalid", "http://cluster.invalid"):
            client = transport(api_client(host, token=TOKEN, manager=manager))
            heard.add(client, client.statistics())
            with heard.failing():
                client.request("GET", "/api", timeout=2)


def test_a_kubeconfig_full_of_credentials(heard: Heard, tmp_path: Path, serve: Serve) -> None:
    server = serve(lambda peer, request: peer.respond(b"no", "403 Forbidden"))
    plugin = tmp_path / "plugin"
    plugin.write_text(
        f'#!{sys.executable}\nprint(\'\'\'{{"apiVersion": "client.authentication.k8s.io/v1",'
        f' "kind": "ExecCredential", "status": {{"token": "{TOKEN}"}}}}\'\'\')\n'
    )
    plugin.chmod(0o700)
    users: list[dict[str, object]] = [
        {"token": TOKEN},
        {"username": "me", "password": PASSWORD},
        {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": str(plugin),
                "env": [{"name": "SECRET", "value": PASSWORD}],
                "args": ["--password", PASSWORD],
                "interactiveMode": "Never",
            }
        },
    ]
    for user in users:
        config = tmp_path / "config"
        config.write_text(
            json.dumps(
                {
                    "current-context": "a",
                    "clusters": [{"name": "a", "cluster": {"server": server.url}}],
                    "users": [{"name": "a", "user": user}],
                    "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
                }
            )
        )
        source: Callable[[], Any] = partial(connect, config_file=str(config))
        with Transport(source) as client:
            heard.add(connect(config_file=str(config)), client, client.statistics())
            with heard.failing():
                client.request("GET", "/api")
    assert [request.headers.get("authorization", "")[:6].lower() for request in server.requests] == [
        "bearer",
        "basic ",
        "bearer",
    ]


def test_logs_of_the_server_in_a_box(heard: Heard) -> None:
    logging.getLogger("kinform.testing").setLevel(logging.DEBUG)
    with Server([core_v1.SECRETS], tls=True, token=TOKEN, client_certificates=True) as server:
        heard.add(server, server.url)
        assert TOKEN in server.kubeconfig()
        with Transport(server.client()) as client:
            client.request("POST", "/api/v1/namespaces/shop/secrets", body=json.dumps(secret()).encode())
            heard.add(server.requests, *server.requests, server.watches)
