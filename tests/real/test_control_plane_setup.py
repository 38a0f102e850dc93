"""What a test sets up on a control plane: definitions, users, webhooks; an existing cluster in its place; and a crash."""

from __future__ import annotations

import http.server
import json
import os
import select
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kinform.errors import BadRequestError, ForbiddenError, NotFoundError
from kinform.testing import ControlPlane, ControlPlaneError, eventually
from kinform.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
WIDGETS = ROOT / "examples" / "widgets.yaml"
WIDGETS_PATH = "/apis/example.com/v1/namespaces/default/widgets"
WIDGET = {
    "apiVersion": "example.com/v1",
    "kind": "Widget",
    "metadata": {"name": "w"},
    "spec": {"size": 1, "color": "red"},
}


@pytest.fixture
def transport(control_plane: ControlPlane) -> Iterator[Transport]:
    made = Transport(control_plane.client())
    yield made
    made.close()


def definition(plural: str, **names: str) -> dict[str, Any]:
    version = {"name": "v1", "served": True, "storage": True}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.kit.example.com", "creationTimestamp": None},
        "spec": {
            "group": "kit.example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": plural.title(), **names},
            "versions": [
                {**version, "schema": schema},
                {"name": "v2", "served": False, "storage": False, "schema": schema},
            ],
        },
        "status": {"storedVersions": []},
    }


# ---- definitions


def test_definitions_are_served_when_they_are_installed(control_plane: ControlPlane, transport: Transport) -> None:
    control_plane.install(WIDGETS, definition("gadgets"), definition("gears"))
    try:
        assert transport.request("POST", WIDGETS_PATH, body=json.dumps(WIDGET).encode()).status == 201
        for plural in ("gadgets", "gears"):
            assert transport.request("GET", f"/apis/kit.example.com/v1/{plural}").status == 200
        control_plane.install(WIDGETS)  # again: as it is
        control_plane.uninstall(WIDGETS, definition("gears"))
        with pytest.raises(NotFoundError):
            transport.request("GET", WIDGETS_PATH)
        assert transport.request("GET", "/apis/kit.example.com/v1/gadgets").status == 200
    finally:
        control_plane.uninstall(WIDGETS, definition("gadgets"), definition("gears"))


def test_definitions_that_are_refused(control_plane: ControlPlane) -> None:
    wrong = definition("gadgets")
    wrong["spec"]["scope"] = "Everywhere"
    with pytest.raises(ControlPlaneError, match=r"CustomResourceDefinition cannot be applied: .*spec.scope"):
        control_plane.install(wrong)
    control_plane.install(definition("gadgets"))
    try:
        with pytest.raises(ControlPlaneError, match=r"names of gears.kit.example.com are not accepted: .*Gadgets"):
            control_plane.install(definition("gears", kind="Gadgets"))
    finally:
        control_plane.uninstall(definition("gadgets"), definition("gears"))


def test_a_finalizer_keeps_a_definition(control_plane_v1_37: ControlPlane) -> None:
    control_plane_v1_37.install(WIDGETS)
    held = {**WIDGET, "metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    patch = [{"op": "remove", "path": "/metadata/finalizers"}]
    with Transport(control_plane_v1_37.client()) as transport:
        transport.request("POST", WIDGETS_PATH, body=json.dumps(held).encode())
        with pytest.raises(ControlPlaneError, match=r"widgets.example.com is still there \(.*\) after 0.5 s"):
            control_plane_v1_37.uninstall(WIDGETS, timeout=0.5)
        transport.request(
            "PATCH", f"{WIDGETS_PATH}/held", body=json.dumps(patch).encode(), content_type="application/json-patch+json"
        )
    control_plane_v1_37.uninstall(WIDGETS)


# ---- users


@pytest.mark.parametrize("namespace", ["default", ""])
def test_rules_count_when_the_user_is_there(control_plane: ControlPlane, namespace: str) -> None:
    name = f"kit-{namespace or 'everywhere'}"
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]
    with Transport(control_plane.client(control_plane.add_user(name, rules=rules, namespace=namespace))) as user:  # type: ignore[arg-type]
        assert user.request("GET", "/api/v1/namespaces/default/configmaps").status == 200
        with pytest.raises(ForbiddenError):
            user.request("GET", "/api/v1/namespaces/default/secrets")
        if namespace:
            with pytest.raises(ForbiddenError):
                user.request("GET", "/api/v1/configmaps")
        else:
            assert user.request("GET", "/api/v1/configmaps").status == 200


def test_later_rules_replace_the_first(control_plane: ControlPlane) -> None:
    control_plane.add_user("kit-twice", rules=[{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}])
    config = control_plane.add_user(
        "kit-twice", rules=[{"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["get"]}]
    )
    with Transport(control_plane.client(config)) as user:
        with pytest.raises(NotFoundError):
            user.request("GET", "/apis/apps/v1/namespaces/default/deployments/none/scale")
        eventually(lambda: _forbidden(user, "/metrics"))


def _forbidden(user: Transport, path: str) -> bool:
    try:
        user.request("GET", path)
    except ForbiddenError:
        return True
    return False


# ---- webhooks


class _Denies(http.server.BaseHTTPRequestHandler):
    """Lets nothing pass that is labelled so."""

    asked: list[str]

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(self.path)
        request = review["request"]
        said = {"uid": request["uid"], "allowed": False, "status": {"message": "not on my watch"}}
        body = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": said}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


def test_a_webhook_on_a_local_port(control_plane: ControlPlane, transport: Transport, tmp_path: Path) -> None:
    manifest = tmp_path / "webhooks.yaml"
    manifest.write_text(
        textwrap.dedent("""\
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingWebhookConfiguration
        metadata:
          name: kit
          creationTimestamp: null
        webhooks:
          - name: kit.example.com
            admissionReviewVersions: [v1]
            sideEffects: None
            clientConfig: {service: {name: webhooks, namespace: system, path: /validate-config-maps}}
            objectSelector: {matchLabels: {kit: denied}}
            rules: [{apiGroups: [""], apiVersions: [v1], resources: [configmaps], operations: [CREATE]}]
        """)
    )
    path, asked = "/api/v1/namespaces/default/configmaps", list[str]()
    serving = control_plane.install_webhooks(manifest)
    handler = type("Handler", (_Denies,), {"asked": asked})
    server = http.server.ThreadingHTTPServer((serving.host, serving.port), handler)
    server.socket = serving.ssl_context().wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:

        def denied() -> str:
            body = {"metadata": {"generateName": "kit-", "labels": {"kit": "denied"}}}
            with pytest.raises(BadRequestError, match="not on my watch") as caught:
                transport.request("POST", path, body=json.dumps(body).encode())
            return str(caught.value)

        # The API server learns of the configuration in its own time.
        assert "kit.example.com" in eventually(denied)
        assert {each.partition("?")[0] for each in asked} == {"/validate-config-maps"}
        body = {"metadata": {"generateName": "kit-"}}
        assert transport.request("POST", path, body=json.dumps(body).encode()).status == 201
    finally:
        transport.request("DELETE", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/kit")
        server.shutdown()
        server.server_close()
        thread.join()
    with pytest.raises(ValueError, match="there is no MutatingWebhookConfiguration"):
        control_plane.install_webhooks(WIDGETS)


# ---- a cluster that is there


def test_an_existing_cluster(control_plane_v1_37: ControlPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USE_EXISTING_CLUSTER", "true")
    monkeypatch.setenv("KUBECONFIG", str(control_plane_v1_37.kubeconfig))
    control_plane_v1_37.install(definition("gears"))
    try:
        with ControlPlane() as cluster:
            assert (cluster.url, cluster.version) == (control_plane_v1_37.url, control_plane_v1_37.version)
            assert cluster.kubeconfig == control_plane_v1_37.kubeconfig
            cluster.install(definition("gadgets"), definition("gears"))
            with Transport(cluster.client()) as transport:
                assert transport.request("GET", "/apis/kit.example.com/v1/gadgets").status == 200
            assert json.loads(cluster.get("/version"))["gitVersion"] == cluster.version
            for forbidden in (cluster.restart_apiserver, cluster.compact, lambda: cluster.add_user("a")):
                with pytest.raises(
                    ControlPlaneError, match="takes servers of our own, and this is an existing cluster"
                ):
                    forbidden()
        assert json.loads(control_plane_v1_37.get("/apis/kit.example.com/v1/gears"))["items"] == []
        with pytest.raises(ControlPlaneError, match="404"):  # what it made new went with it
            control_plane_v1_37.get("/apis/kit.example.com/v1/gadgets")
    finally:
        control_plane_v1_37.uninstall(definition("gadgets"), definition("gears"))


# ---- crashes


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux's pidfd_open")
def test_a_killed_test_leaves_neither_servers_nor_files(control_plane_v1_37: ControlPlane, tmp_path: Path) -> None:
    program = """
        import sys
        from kinform.testing import ControlPlane
        from kinform.transport import Transport

        plane = ControlPlane(sys.argv[1])
        plane.start()
        plane.install(sys.argv[2])
        with Transport(plane.client(plane.add_user("somebody"))):
            sys.stdout.write(f"{plane.directory}\\n")
            sys.stdout.flush()
            sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(program), control_plane_v1_37.version, str(WIDGETS)]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdout is not None
        folder = process.stdout.readline().strip()
        handles = {pid: os.pidfd_open(pid) for pid in _processes_of(folder)}  # etcd, kube-apiserver and the watchdog
        process.send_signal(signal.SIGKILL)
    try:
        assert len(handles) == 3
        for pid, handle in handles.items():
            assert select.select([handle], [], [], 60.0)[0], f"{pid} outlives the process that started it"
    finally:
        for handle in handles.values():
            os.close(handle)
    assert list(scratch.iterdir()) == []


def _processes_of(folder: str) -> list[int]:
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if folder in line:
            found.append(int(path.parent.name))
    return found
