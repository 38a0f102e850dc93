"""Custom resources at real API servers: what these publish becomes models, which take all that these hold."""

from __future__ import annotations

import importlib
import json
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.codegen.models.features import DEFAULTS, FEATURES

from kinform.testing import ControlPlane
from kinform_codegen.models import generate_models

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = "structural.example.com"
PATH = f"/apis/{GROUP}/v1/widgets"
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"widgets.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Cluster",
        "names": {"plural": "widgets", "kind": "Widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {name: feature.schema for name, feature in FEATURES.items()},
                            },
                            "defaults": {"type": "object", "properties": DEFAULTS},
                        },
                    },
                },
            },
        ],
    },
}


@pytest.fixture(scope="module")
def server(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """A server of the module's own, of each version, that has Widgets."""
    with ControlPlane(control_plane.version) as own:
        own.kubectl("create", "--filename", "-", input=json.dumps(DEFINITION))
        own.kubectl("wait", "--for", "condition=established", f"crd/widgets.{GROUP}")
        yield own


def published(server: ControlPlane) -> dict[str, object]:
    """The group's OpenAPI document, which the server makes some time after the resources."""
    pause, deadline = threading.Event(), time.monotonic() + 60
    while time.monotonic() < deadline:
        paths = json.loads(server.kubectl("get", "--raw", "/openapi/v3"))["paths"]
        if f"apis/{GROUP}/v1" in paths:
            document: dict[str, Any] = json.loads(
                server.kubectl("get", "--raw", paths[f"apis/{GROUP}/v1"]["serverRelativeURL"])
            )
            if any(name.endswith(".Widget") for name in document["components"]["schemas"]):
                return document
        pause.wait(0.2)
    raise AssertionError(f"the server publishes no OpenAPI of {GROUP}")


@pytest.fixture(scope="module")
def widget(server: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The model of Widgets, made from what the server publishes."""
    document = published(server)
    package = f"structural_{server.version.replace('.', '_')}"
    root = tmp_path_factory.mktemp("models")
    for path, text in generate_models(document, package=package).files.items():
        file = root / package / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (root / package / "__init__.py").touch()
    sys.path.insert(0, str(root))
    yield importlib.import_module(f"{package}.models.structural.v1").Widget
    sys.path.remove(str(root))


def objects(server: ControlPlane) -> dict[str, Any]:
    """All Widgets as the server writes them, by name."""
    return {each["metadata"]["name"]: each for each in json.loads(server.kubectl("get", "--raw", PATH))["items"]}


def send(server: ControlPlane, verb: str, bodies: list[Any]) -> None:
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": bodies})
    server.kubectl(verb, "--validate=ignore", "--filename", "-", input=listed)


def body(name: str, **fields: object) -> dict[str, Any]:
    return {"apiVersion": f"{GROUP}/v1", "kind": "Widget", "metadata": {"name": name}, **fields}


def test_what_a_server_takes_goes_through_the_model_unchanged(server: ControlPlane, widget: Any) -> None:
    values = [(name, value) for name, feature in FEATURES.items() for value in feature.values]
    send(server, "create", [body(f"w{at}", spec={name: value}) for at, (name, value) in enumerate(values)])
    held = objects(server)
    written = []
    for at, (name, _) in enumerate(values):
        read = widget.from_wire(json.dumps(held[f"w{at}"]).encode())
        assert read.spec.model_extra == {}, name
        written.append(json.loads(read.to_wire()))
        assert json.dumps(written[-1], sort_keys=True) == json.dumps(held[f"w{at}"], sort_keys=True)
    send(server, "replace", written)
    assert objects(server) == held  # with their resourceVersions: the server saw no change


def test_absence_reads_as_what_the_server_fills_in(server: ControlPlane, widget: Any) -> None:
    nulls = dict.fromkeys(name for name, schema in DEFAULTS.items() if not schema.get("nullable"))
    send(server, "create", [body("absent", defaults={}), body("null", defaults=nulls)])
    held = objects(server)
    assert held["null"]["defaults"] == held["absent"]["defaults"]
    filled = widget.from_wire(json.dumps(held["absent"]).encode()).defaults
    empty = widget.from_wire(json.dumps(body("a", defaults={})).encode()).defaults
    assert empty.to_wire() == b"{}"
    for attribute in set(type(empty).model_fields) - {"when", "struct", "list_", "maybe_list"}:
        assert getattr(empty, attribute) == getattr(filled, attribute), attribute
    # what no default is told of
    assert (empty.when, empty.list_, empty.maybe_list, empty.struct.a) == (None, [], [], "b")
