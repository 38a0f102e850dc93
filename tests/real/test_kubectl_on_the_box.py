"""The real kubectl works on the API server in a box: what it discovers, asks, sends and expects is there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import skip_for_want_of

from kinform.meta import Resource
from kinform.testing import ControlPlaneNotFoundError, Server
from kinform.testing.control_plane import find_binaries

if TYPE_CHECKING:
    from collections.abc import Iterator

SPEC = Path(__file__).parents[2] / "openapi" / "v1.37.json"

RESOURCES = [
    Resource(group="", version="v1", plural="configmaps", kind="ConfigMap", namespaced=True),
    Resource(group="", version="v1", plural="events", kind="Event", namespaced=True),
    Resource(group="", version="v1", plural="pods", kind="Pod", namespaced=True),
    Resource(group="apps", version="v1", plural="deployments", kind="Deployment", namespaced=True),
    Resource(group="apps", version="v1", plural="replicasets", kind="ReplicaSet", namespaced=True),
]

WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "additionalPrinterColumns": [{"name": "Size", "type": "integer", "jsonPath": ".spec.size"}],
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "description": "What is wanted.",
                                "properties": {
                                    "size": {"type": "integer", "minimum": 1, "description": "How large."},
                                },
                            }
                        },
                    }
                },
            }
        ],
    },
}


class Kubectl:
    """kubectl, told where the box is."""

    def __init__(self, path: Path, kubeconfig: Path) -> None:
        self._command = [str(path), "--kubeconfig", str(kubeconfig), "--cache-dir", str(kubeconfig.parent / "cache")]

    def run(self, *arguments: str, body: Any = None) -> subprocess.CompletedProcess[str]:
        text = None if body is None else json.dumps(body)
        command = [*self._command, *arguments]
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)

    def __call__(self, *arguments: str, body: Any = None) -> str:
        done = self.run(*arguments, body=body)
        assert done.returncode == 0, (arguments, done.stdout, done.stderr)
        assert "Warning" not in done.stderr, done.stderr
        return done.stdout

    def started(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen([*self._command, *arguments], stdout=subprocess.PIPE, text=True)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(RESOURCES, openapi=SPEC, strict=True) as server:
        server.install(WIDGETS)
        yield server


@pytest.fixture
def kubectl(server: Server, tmp_path: Path) -> Kubectl:
    try:
        path = find_binaries("v1.37").kubectl
    except ControlPlaneNotFoundError as error:
        skip_for_want_of(str(error))
    if path is None:
        skip_for_want_of("no kubectl on this machine")
    config = tmp_path / "kubeconfig"
    config.write_text(server.kubeconfig())
    return Kubectl(path, config)


def deployment(image: str = "a", replicas: int = 1) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": image}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def config_map(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"x": "1"}}


def widget(size: int) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": size}}


def test_what_there_is(kubectl: Kubectl) -> None:
    listed = kubectl("api-resources", "--no-headers").splitlines()
    assert [line.split()[:2] for line in listed if "example.com" in line] == [["widgets", "wd"]]
    assert "apps/v1" in kubectl("api-versions").splitlines()
    assert "Server Version: v1.37.0" in kubectl("version")
    assert "condition met" in kubectl("wait", "--for=condition=Established", "crd/widgets.example.com", "--timeout=5s")


def test_create_get_describe_delete(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", body=config_map("a"))
    assert kubectl("get", "cm", "a", "-o", "jsonpath={.data.x}") == "1"
    assert "a" in kubectl("get", "cm")
    assert "x:\n----\n1" in kubectl("describe", "cm", "a")
    kubectl("label", "cm", "a", "color=red")
    kubectl("annotate", "cm", "a", "example.com/note=hi")
    assert kubectl("get", "cm", "-l", "color=red", "-o", "name") == "configmap/a\n"
    assert kubectl("delete", "cm", "a") == 'configmap "a" deleted from default namespace\n'
    assert "NotFound" in kubectl.run("get", "cm", "a").stderr


def test_client_side_apply(kubectl: Kubectl, server: Server) -> None:
    assert kubectl("apply", "-f", "-", body=deployment()) == "deployment.apps/web created\n"
    assert kubectl("apply", "-f", "-", body=deployment()) == "deployment.apps/web unchanged\n"
    assert kubectl("apply", "-f", "-", body=deployment("b")) == "deployment.apps/web configured\n"
    (found,) = server.objects(RESOURCES[3])
    assert found["spec"]["template"]["spec"]["containers"] == [{"name": "main", "image": "b"}]  # type: ignore[index, call-overload]
    assert "Image:" in kubectl("describe", "deploy", "web")
    difference = kubectl.run("diff", "-f", "-", body=deployment("c"))
    assert (difference.returncode, "image: c" in difference.stdout) == (1, True)


def test_server_side_apply(kubectl: Kubectl) -> None:
    command = ("apply", "--server-side", "-f", "-")
    assert kubectl(*command, "--field-manager=one", body=deployment()) == "deployment.apps/web serverside-applied\n"
    refused = kubectl.run(*command, "--field-manager=two", body=deployment("b"))
    assert refused.returncode == 1
    assert 'conflict with "one": .spec.template.spec.containers[name="main"].image' in refused.stderr
    kubectl(*command, "--field-manager=two", "--force-conflicts", body=deployment("b"))
    shown = kubectl("get", "deploy", "web", "-o", "json", "--show-managed-fields")
    assert {entry["manager"] for entry in json.loads(shown)["metadata"]["managedFields"]} == {"one", "two"}


def test_patch_and_scale(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", body=deployment())
    kubectl(
        "patch", "deploy", "web", "-p", '{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"z"}]}}}}'
    )
    kubectl("patch", "deploy", "web", "--type=merge", "-p", '{"metadata":{"labels":{"a":"b"}}}')
    kubectl("patch", "deploy", "web", "--type=json", "-p", '[{"op":"add","path":"/metadata/labels/c","value":"d"}]')
    kubectl("patch", "deploy", "web", "--subresource=status", "--type=merge", "-p", '{"status":{"replicas":1}}')
    kubectl("scale", "deploy", "web", "--replicas=5")
    kubectl("set", "image", "deploy/web", "main=y")
    found = json.loads(kubectl("get", "deploy", "web", "-o", "json"))
    assert found["metadata"]["labels"] == {"a": "b", "c": "d"}
    assert (found["spec"]["replicas"], found["status"]["replicas"]) == (5, 1)
    assert found["spec"]["template"]["spec"]["containers"] == [{"name": "main", "image": "y"}]


def test_custom_resources(kubectl: Kubectl) -> None:
    assert kubectl("apply", "-f", "-", body=widget(3)) == "widget.example.com/w created\n"
    assert kubectl("apply", "-f", "-", body=widget(4)) == "widget.example.com/w configured\n"
    assert kubectl("get", "wd", "w", "-o", "jsonpath={.spec.size}") == "4"
    assert kubectl("get", "wd").split() == ["NAME", "SIZE", "w", "4"]
    invalid = kubectl.run("apply", "-f", "-", body=widget(0))
    assert "spec.size in body should be greater than or equal to 1" in invalid.stderr
    unknown = kubectl.run("apply", "-f", "-", body={**widget(4), "more": 1})
    assert 'strict decoding error: unknown field "more"' in unknown.stderr
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", body=widget(5))
    kubectl("delete", "crd", "widgets.example.com")
    assert "could not find the requested resource" in kubectl.run("get", "wd").stderr


def test_explain(kubectl: Kubectl) -> None:
    assert "How large." in kubectl("explain", "widgets.spec.size")
    explained = kubectl("explain", "deployment.spec.template.spec.containers")
    assert "livenessProbe" in explained


def test_watch(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", body=config_map("a"))
    process = kubectl.started("get", "cm", "--watch", "-o", "name")
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "configmap/a\n"
        kubectl("create", "-f", "-", body=config_map("b"))
        assert process.stdout.readline() == "configmap/b\n"
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def test_namespaces(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", body={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    kubectl("-n", "shop", "create", "-f", "-", body=config_map("a"))
    assert kubectl("get", "cm", "-A", "-o", "name") == "configmap/a\n"
    assert "shop" in kubectl("get", "ns")
