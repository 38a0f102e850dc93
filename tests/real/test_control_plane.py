"""ControlPlane with real servers: that they serve what the tests rely on."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from kinform.errors import ExpiredError, ForbiddenError, InvalidError, KinformError, NotFoundError, TransportError
from kinform.testing import ControlPlane, ControlPlaneError
from kinform.transport import Abort, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


def _config_map(name: str) -> bytes:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}).encode()


def _create(transport: Transport, name: str) -> str:
    """Make a ConfigMap; returns its resourceVersion."""
    answer = json.loads(transport.request("POST", _CONFIG_MAPS, body=_config_map(name)).body)
    return str(answer["metadata"]["resourceVersion"])


def _watch(transport: Transport, *query: tuple[str, str]) -> list[dict[str, object]]:
    """The events of a watch that the server ends after a second."""
    stream = transport.open(
        _CONFIG_MAPS, query=[("watch", "1"), ("timeoutSeconds", "1"), *query], abort=Abort(), read_timeout=30.0
    )
    try:
        body = b"".join(iter(stream.read, b""))
    finally:
        stream.close()
    return [json.loads(line) for line in body.splitlines()]


def _codes(events: Sequence[dict[str, object]]) -> list[object]:
    return [event["object"]["code"] for event in events if event["type"] == "ERROR"]  # type: ignore[index]


@pytest.fixture
def transport(control_plane: ControlPlane) -> Iterator[Transport]:
    made = Transport(control_plane.client())
    yield made
    made.close()


def test_serves_the_version_that_it_says(control_plane: ControlPlane) -> None:
    assert json.loads(control_plane.get("/version"))["gitVersion"] == control_plane.version


def test_v1_30_has_no_streaming_lists(control_plane_v1_30: ControlPlane) -> None:
    transport = Transport(control_plane_v1_30.client())
    with pytest.raises(InvalidError, match="sendInitialEvents"):
        _watch(
            transport,
            ("sendInitialEvents", "true"),
            ("resourceVersionMatch", "NotOlderThan"),
            ("allowWatchBookmarks", "true"),
        )
    transport.close()


def test_v1_37_has_streaming_lists(control_plane_v1_37: ControlPlane) -> None:
    transport = Transport(control_plane_v1_37.client())
    events = _watch(
        transport,
        ("sendInitialEvents", "true"),
        ("resourceVersionMatch", "NotOlderThan"),
        ("allowWatchBookmarks", "true"),
    )
    transport.close()
    assert '"k8s.io/initial-events-end": "true"' in json.dumps(events)


def test_a_user_may_do_what_rbac_gives(control_plane: ControlPlane) -> None:
    kubeconfig = control_plane.add_user("reader", ["readers"])
    transport = Transport(control_plane.client(kubeconfig))
    with pytest.raises(ForbiddenError, match='User "reader"'):
        transport.request("GET", _CONFIG_MAPS)
    control_plane.kubectl("create", "role", "reader", "--verb=list", "--resource=configmaps")
    control_plane.kubectl("create", "rolebinding", "reader", "--role=reader", "--group=readers")
    assert transport.request("GET", _CONFIG_MAPS).status == 200
    transport.close()


def test_client_ignores_a_proxy_of_the_environment(
    control_plane: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    transport = Transport(control_plane.client())
    assert transport.request("GET", "/version").status == 200
    transport.close()


def test_objects_survive_a_restart_and_old_watches_do_not(control_plane: ControlPlane) -> None:
    with _own(control_plane) as own:
        transport = Transport(own.client())
        first = _create(transport, "first")
        _create(transport, "second")
        url = own.url
        own.restart_apiserver()
        assert own.url == url
        assert _codes(_watch(transport, ("resourceVersion", first))) == [410]
        names = [item["metadata"]["name"] for item in json.loads(transport.request("GET", _CONFIG_MAPS).body)["items"]]
        assert {"first", "second"} <= set(names)
        own.stop_apiserver(graceful=False)
        with pytest.raises(KinformError):
            transport.request("GET", "/version")
        own.start_apiserver()
        assert transport.request("GET", "/version").status == 200
        transport.close()


def test_compaction_without_watch_cache_gives_410(control_plane: ControlPlane) -> None:
    with _own(control_plane, {"watch-cache": "false"}) as own:
        transport = Transport(own.client())
        first = _create(transport, "first")
        _create(transport, "second")
        page = json.loads(transport.request("GET", _CONFIG_MAPS, query=[("limit", "1")]).body)
        assert _codes(_watch(transport, ("resourceVersion", first))) == []
        _create(transport, "third")
        assert own.compact() > int(first)
        assert _codes(_watch(transport, ("resourceVersion", first))) == [410]
        with pytest.raises(ExpiredError):
            transport.request("GET", _CONFIG_MAPS, query=[("limit", "1"), ("continue", page["metadata"]["continue"])])
        transport.close()


def test_extra_flags_replace_ours(control_plane: ControlPlane) -> None:
    with _own(control_plane, {"--runtime_config": "apps/v1=false"}) as own:
        transport = Transport(own.client())
        with pytest.raises(NotFoundError):
            transport.request("GET", "/apis/apps/v1")
        transport.close()


def _own(like: ControlPlane, flags: dict[str, str] | None = None) -> ControlPlane:
    """A control plane of the test's own, of the same version as the shared one."""
    return ControlPlane(like.version, apiserver_flags=flags)


def test_etcd_comes_back_with_its_data(control_plane_v1_37: ControlPlane) -> None:
    with (
        ControlPlane(control_plane_v1_37.version) as own,
        Transport(own.client()) as transport,
    ):
        _create(transport, "before")
        etcd = own.etcd_url
        for graceful in (True, False):
            own.stop_etcd(graceful=graceful)
            with pytest.raises(ControlPlaneError):
                own.compact()
            with pytest.raises(ControlPlaneError, match="etcd does not run"):
                own.freeze_etcd()
            own.start_etcd()
            own.start_etcd()
            own.wait_until_ready()
            assert own.etcd_url == etcd
            names = [each["metadata"]["name"] for each in json.loads(own.get(_CONFIG_MAPS))["items"]]
            assert "before" in names
    with pytest.raises(ControlPlaneError, match="not started"):
        own.start_etcd()


def test_what_is_frozen_says_nothing_until_it_thaws(control_plane_v1_37: ControlPlane) -> None:
    """Requests wait, and are answered after the thaw: none is lost, and none refused."""
    with (
        ControlPlane(control_plane_v1_37.version) as own,
        Transport(own.client()) as transport,
        ThreadPoolExecutor() as pool,
    ):
        for name, freeze, thaw in (
            ("apiserver", own.freeze_apiserver, own.thaw_apiserver),
            ("etcd", own.freeze_etcd, own.thaw_etcd),
        ):
            freeze()
            waiting = pool.submit(_create, transport, f"while-{name}-was-frozen")
            with pytest.raises(TransportError, match="no bytes"):
                transport.request("POST", _CONFIG_MAPS, body=_config_map(f"{name}-1"), timeout=0.5)
            assert not waiting.done()
            thaw()
            assert waiting.result(30.0)
            own.wait_until_ready()
        with Transport(own.client(port=own.port)) as other:
            assert _create(other, "by-that-port")
        own.freeze_apiserver()
        own.freeze_etcd()
        began = time.monotonic()
        own.stop()
        assert time.monotonic() - began < 15.0  # the time that the API server drains, not that after which it is killed
