"""Credentials that change while informers run, at API servers that refuse the old ones.

The watches are made to end every other second, since a server asks for credentials only when a request begins.
"""

from __future__ import annotations

import itertools
import json
import os
import stat
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from kinform import ObjectKey, SharedInformer, UnauthorizedError, connect
from kinform.transport import Transport
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.authentication.v1 import BoundObjectReference, TokenRequest, TokenRequestSpec
from kinform_k8s.models.core.v1 import ConfigMap, Secret, ServiceAccount
from kinform_k8s.models.meta.v1 import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.real.informers.conftest import Seen, Sources

    from kinform.testing import ControlPlane

TIMEOUT = 40.0
SHORT_WATCHES = (2, 3)
"""Seconds; ``ReflectorOptions.watch_timeout``."""

PLUGIN = """#!{python}
import datetime, json, pathlib
with open({calls!r}, "a") as calls:
    calls.write("called\\n")
expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=3)
status = {{
    "token": pathlib.Path({token!r}).read_text(),
    "expirationTimestamp": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
}}
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}}))
"""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@dataclass(frozen=True)
class Robot:
    """A service account that may read its namespace; each of its tokens is bound to a secret, and dies with it."""

    control_plane: ControlPlane
    clientset: Clientset
    namespace: str

    def issue(self, name: str) -> str:
        core = self.clientset.core_v1()
        secret = core.secrets(self.namespace).create(Secret(metadata=ObjectMeta(name=name)))
        bound = BoundObjectReference(kind="Secret", api_version="v1", name=name, uid=secret.metadata.uid)
        request = TokenRequest(spec=TokenRequestSpec(bound_object_ref=bound, expiration_seconds=3600))
        return core.service_accounts(self.namespace).create_token("robot", request).status.token

    def revoke(self, name: str, token: str, folder: Path) -> None:
        """Blocks until the server refuses it: for some seconds more it trusts what it has seen."""
        self.clientset.core_v1().secrets(self.namespace).delete(name)
        path = folder / f"kubeconfig-{name}"
        self.write_kubeconfig(path, {"token": token})
        with Transport(self.control_plane.client(path)) as transport:
            deadline = time.monotonic() + TIMEOUT
            while not is_refused(transport, self.namespace):
                assert time.monotonic() < deadline, "a token without its secret is still accepted"
                time.sleep(0.2)

    def write_kubeconfig(self, path: Path, user: dict[str, object]) -> None:
        config = json.loads(self.control_plane.kubeconfig.read_bytes())
        config["users"][0]["user"] = user
        replace_file(path, json.dumps(config))


def is_refused(transport: Transport, namespace: str) -> bool:
    try:
        transport.request("GET", f"/api/v1/namespaces/{namespace}/configmaps")
    except UnauthorizedError:
        return True
    return False


def allow_reading(control_plane: ControlPlane, namespace: str, who: str) -> None:
    where = f"--namespace={namespace}"
    control_plane.kubectl("create", "role", "robot", "--verb=list,watch", "--resource=configmaps", where)
    control_plane.kubectl("create", "rolebinding", "robot", "--role=robot", who, where)


def replace_file(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.touch(mode=0o700)
    new.write_text(text)
    os.replace(new, path)  # noqa: PTH105  (as a kubelet does)


@pytest.fixture
def robot(control_plane: ControlPlane, clientset: Clientset, namespace: str) -> Robot:
    clientset.core_v1().service_accounts(namespace).create(ServiceAccount(metadata=ObjectMeta(name="robot")))
    allow_reading(control_plane, namespace, f"--serviceaccount={namespace}:robot")
    return Robot(control_plane, clientset, namespace)


@dataclass(frozen=True)
class Follower:
    """A factory that reads the config maps of a namespace with the credentials of a kubeconfig."""

    factory: SharedInformerFactory
    clientset: Clientset
    namespace: str
    seen: Seen

    @property
    def watches(self) -> int:
        return sum(each.watches for each in self.informer.statistics().watches.values())

    @property
    def informer(self) -> SharedInformer[ConfigMap]:
        return self.factory.core().v1().config_maps().informer()

    def start(self) -> None:
        self.factory.on_error(self.seen.error)
        self.informer.add_handler(self.seen.event)
        self.factory.start()
        self.factory.wait_for_cache_sync(TIMEOUT)

    def must_go_on(self) -> None:
        """Blocks until a watch that began after this moment has brought what was made after it."""
        deadline = time.monotonic() + TIMEOUT
        before = self.watches
        while self.watches < before + 2 or not self.informer.statistics().connected:
            assert time.monotonic() < deadline, self.informer.statistics()
            time.sleep(0.1)
        made = (
            self.clientset.core_v1()
            .config_maps(self.namespace)
            .create(ConfigMap(metadata=ObjectMeta(generate_name="after-")))
        )
        self.seen.wait_for(
            lambda: ("ADDED", ObjectKey(self.namespace, made.metadata.name)) in self.seen.events, TIMEOUT
        )


@pytest.fixture
def follow(
    clientset: Clientset, namespace: str, seen: Seen, make_sources: type[Sources]
) -> Iterator[Callable[[Path], Follower]]:
    with ExitStack() as stack:

        def make(kubeconfig: Path) -> Follower:
            factory = SharedInformerFactory(
                partial(connect, config_file=str(kubeconfig)),
                namespace=namespace,
                source_factory=make_sources(watch_timeout=SHORT_WATCHES),
            )
            stack.callback(factory.stop)
            follower = Follower(factory, clientset, namespace, seen)
            follower.start()
            return follower

        yield make


def test_a_token_that_was_replaced_before_it_is_revoked_is_no_error(
    robot: Robot, follow: Callable[[Path], Follower], seen: Seen, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    old = robot.issue("old")
    robot.write_kubeconfig(kubeconfig, {"token": old})
    follower = follow(kubeconfig)
    robot.write_kubeconfig(kubeconfig, {"token": robot.issue("new")})
    robot.revoke("old", old, tmp_path)
    follower.must_go_on()
    assert seen.reasons() == set()
    assert follower.factory.transport.generation == 2


def test_a_token_that_is_replaced_after_it_was_revoked_is_waited_for(
    robot: Robot, follow: Callable[[Path], Follower], seen: Seen, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    old = robot.issue("old")
    robot.write_kubeconfig(kubeconfig, {"token": old})
    follower = follow(kubeconfig)
    robot.revoke("old", old, tmp_path)
    seen.wait_for(lambda: "unauthorized" in seen.reasons(), TIMEOUT)
    assert isinstance(follower.informer.last_error, UnauthorizedError)
    assert old not in str(seen.errors)
    robot.write_kubeconfig(kubeconfig, {"token": robot.issue("new")})
    follower.must_go_on()
    assert seen.reasons() == {"unauthorized"}
    assert follower.informer.statistics().restarts["unauthorized"] >= 1


def test_a_plugin_that_hands_out_short_lived_tokens(
    robot: Robot, follow: Callable[[Path], Follower], seen: Seen, tmp_path: Path
) -> None:
    kubeconfig, token, plugin, calls = (tmp_path / name for name in ("kubeconfig", "token", "plugin", "calls"))
    names = ["first", "second", "third"]
    tokens = {name: robot.issue(name) for name in names}
    replace_file(token, tokens["first"])
    plugin.write_text(PLUGIN.format(python=sys.executable, calls=str(calls), token=str(token)))
    plugin.chmod(stat.S_IRWXU)
    robot.write_kubeconfig(
        kubeconfig,
        {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": str(plugin),
                "interactiveMode": "Never",
            }
        },
    )
    follower = follow(kubeconfig)
    for before, after in itertools.pairwise(names):
        replace_file(token, tokens[after])
        robot.revoke(before, tokens[before], tmp_path)
        follower.must_go_on()
    assert seen.reasons() == set()
    assert len(calls.read_text().splitlines()) >= len(names)


def test_a_client_certificate_that_expires(
    control_plane: ControlPlane,
    follow: Callable[[Path], Follower],
    seen: Seen,
    namespace: str,
    tmp_path: Path,
) -> None:
    user = f"robot-{namespace}"
    allow_reading(control_plane, namespace, f"--user={user}")
    lifetime = timedelta(seconds=8)
    kubeconfig = control_plane.add_user(user, lifetime=lifetime)
    old = tmp_path / "kubeconfig"
    old.write_bytes(kubeconfig.read_bytes())
    with Transport(control_plane.client(old)) as transport:
        follower = follow(kubeconfig)
        assert not is_refused(transport, namespace)
        control_plane.add_user(user)
        deadline = time.monotonic() + lifetime.total_seconds() + TIMEOUT
        while not is_refused(transport, namespace):
            assert time.monotonic() < deadline, "an expired certificate is still accepted"
            time.sleep(0.2)
    follower.must_go_on()
    assert seen.reasons() == set()
    assert follower.factory.transport.generation == 2
