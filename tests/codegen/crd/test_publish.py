"""The document: what find_resources makes of it, names of schemas, and what the generator makes of all that is nasty."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen.crd import load_crds
from kinform_codegen.generate import generate
from kinform_codegen.progress import Progress
from kinform_codegen.spec.load import finished_spec
from kinform_codegen.spec.resources import ApiResource, Subresource, find_resources
from kinform_codegen.spec.shared import add_shared_schemas

if TYPE_CHECKING:
    from pathlib import Path

    from tests.codegen.crd.conftest import Loader

    from kinform_codegen.spec.load import Spec

VERBS = frozenset({"list", "watch", "get", "create", "update", "patch", "delete", "deletecollection"})
SCALE = "io.k8s.api.autoscaling.v1.Scale"
NASTY = "com.example.my-company.odd-group"


def spec_of(document: dict[str, Any]) -> Spec:
    """The specification, as the generator's other rooms get it."""
    add_shared_schemas(document)
    return finished_spec(document, "crds")


def test_a_namespaced_resource(load: Loader, widget: dict[str, Any]) -> None:
    document = load(widget)
    assert list(document) == ["openapi", "info", "paths", "components"]
    assert list(document["paths"]) == [
        "/apis/example.com/v1/namespaces/{namespace}/widgets",
        "/apis/example.com/v1/namespaces/{namespace}/widgets/{name}",
        "/apis/example.com/v1/widgets",
    ]
    assert find_resources(spec_of(document)).typed == [
        ApiResource(
            "example.com", "v1", "widgets", "Widget", namespaced=True, schema="com.example.v1.Widget", verbs=VERBS,
            subresources=(), path="/apis/example.com/v1/namespaces/{namespace}/widgets",
        )
    ]  # fmt: skip


def test_a_cluster_scoped_resource(load: Loader, widget: dict[str, Any]) -> None:
    widget["spec"]["scope"] = "Cluster"
    document = load(widget)
    assert list(document["paths"]) == ["/apis/example.com/v1/widgets", "/apis/example.com/v1/widgets/{name}"]
    (resource,) = find_resources(spec_of(document)).typed
    assert not resource.namespaced
    assert resource.verbs == VERBS


@pytest.mark.parametrize("scope", ["Namespaced", "Cluster"])
def test_subresources(load: Loader, widget: dict[str, Any], scope: str) -> None:
    widget["spec"]["scope"] = scope
    widget["spec"]["versions"][0]["subresources"] = {
        "status": {},
        "scale": {"specReplicasPath": ".spec.size", "statusReplicasPath": ".status.size"},
    }
    (resource,) = find_resources(spec_of(load(widget))).typed
    own = "com.example.v1.Widget"
    assert resource.subresources == (
        Subresource("scale", "get", None, SCALE),
        Subresource("scale", "patch", None, SCALE),
        Subresource("scale", "update", SCALE, SCALE),
        Subresource("status", "get", None, own),
        Subresource("status", "patch", None, own),
        Subresource("status", "update", own, own),
    )
    widget["spec"]["versions"][0]["subresources"] = {"status": None, "scale": None}
    assert find_resources(spec_of(load(widget))).typed[0].subresources == ()


def test_operations(load: Loader, widget: dict[str, Any]) -> None:
    paths = load(widget)["paths"]
    collection = paths["/apis/example.com/v1/namespaces/{namespace}/widgets"]
    item = paths["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]
    assert {method: collection[method]["x-kubernetes-action"] for method in ("get", "post", "delete")} == {
        "get": "list", "post": "post", "delete": "deletecollection",
    }  # fmt: skip
    assert {method: item[method]["x-kubernetes-action"] for method in ("get", "put", "patch", "delete")} == {
        "get": "get", "put": "put", "patch": "patch", "delete": "delete",
    }  # fmt: skip
    kind = {"group": "example.com", "version": "v1", "kind": "Widget"}
    for operation in [each for path in (collection, item) for key, each in path.items() if key != "parameters"]:
        assert operation["x-kubernetes-group-version-kind"] == kind
    assert [parameter["name"] for parameter in item["parameters"]] == ["name", "namespace"]
    assert collection["get"]["parameters"][0]["name"] == "watch"
    assert item["patch"]["requestBody"]["content"].keys() == {
        "application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json",
    }  # fmt: skip
    assert "required" not in item["delete"]["requestBody"]
    assert collection["post"]["responses"].keys() == {"200", "201", "202"}


def test_references_lead_out_of_the_document_to_shared_schemas_only(data: Path) -> None:
    document = load_crds([str(data / "nasty.yaml")])
    text = json.dumps(document)
    schemas: Any = document["components"]
    names = {part.split('"')[0] for part in text.split('"$ref": "#/components/schemas/')[1:]}
    meta = "io.k8s.apimachinery.pkg.apis.meta.v1."
    assert names - schemas["schemas"].keys() == {
        SCALE, *(meta + name for name in ("ObjectMeta", "ListMeta", "DeleteOptions", "Status", "Patch")),
    }  # fmt: skip


def test_names_of_schemas(data: Path) -> None:
    document: Any = load_crds([str(data / "nasty.yaml")])
    schemas = document["components"]["schemas"]
    # v1alpha1 is not served. A list kind of its own keeps its name, and the dashes of the group stay.
    assert list(schemas) == [
        f"{NASTY}.v1.Contraption", f"{NASTY}.v1.ContraptionList", f"{NASTY}.v1.Gizmo-X", f"{NASTY}.v1.GizmoCollection",
        f"{NASTY}.v1beta1.Contraption", f"{NASTY}.v1beta1.ContraptionList",
        f"{NASTY}.v2alpha1.Gizmo-X", f"{NASTY}.v2alpha1.GizmoCollection",
    ]  # fmt: skip
    group = "odd-group.my-company.example.com"
    for schema, kind in (("Gizmo-X", "Gizmo-X"), ("GizmoCollection", "GizmoCollection")):
        assert schemas[f"{NASTY}.v1.{schema}"]["x-kubernetes-group-version-kind"] == [
            {"group": group, "version": "v1", "kind": kind}
        ]
    listed = schemas[f"{NASTY}.v1.GizmoCollection"]
    assert listed["description"] == "GizmoCollection is a list of Gizmo-X"
    assert listed["properties"]["items"]["items"] == {"$ref": f"#/components/schemas/{NASTY}.v1.Gizmo-X"}


def test_selectable_fields(data: Path) -> None:
    document: Any = load_crds([str(data / "nasty.yaml")])
    for kind in ("Contraption", "ContraptionList"):
        schema = document["components"]["schemas"][f"{NASTY}.v1.{kind}"]
        assert schema["x-kubernetes-selectable-fields"] == [{"fieldPath": "spec.mode"}]


def test_versions_are_resources_of_their_own(data: Path) -> None:
    found = find_resources(spec_of(load_crds([str(data / "nasty.yaml")])))
    assert not found.untyped
    assert [(each.plural, each.version, each.kind, each.namespaced) for each in found.typed] == [
        ("contraptions", "v1", "Contraption", True),
        ("gizmos", "v1", "Gizmo-X", False),
        ("contraptions", "v1beta1", "Contraption", True),
        ("gizmos", "v2alpha1", "Gizmo-X", False),
    ]
    subresources = {(each.plural, each.version): {sub.name for sub in each.subresources} for each in found.typed}
    assert subresources == {
        ("contraptions", "v1"): {"status", "scale"},
        ("contraptions", "v1beta1"): set(),
        ("gizmos", "v1"): {"status"},
        ("gizmos", "v2alpha1"): set(),
    }
    assert all(each.cacheable for each in found.typed)


def test_descriptions_become_docstrings(data: Path) -> None:
    files = generate(spec_of(load_crds([str(data / "nasty.yaml")])), Progress(io.StringIO())).files
    (source,) = (
        text.decode() for path, text in files.items() if "/models/" in path and b"class ContraptionSpec(" in text
    )
    for text in ("Contraption holds what a generator can stumble over.", "Deep inside.", "What is wanted.", "What is."):
        assert text in source


def test_the_same_definitions_give_the_same_document(load: Loader, data: Path, tmp_path: Path) -> None:
    text = (data / "nasty.yaml").read_text()
    turned = "---\n".join(reversed(text.split("---\n")))
    (tmp_path / "turned.yaml").write_text(turned)
    first, second = load_crds([str(data / "nasty.yaml")]), load_crds([str(tmp_path / "turned.yaml")])
    assert json.dumps(first) == json.dumps(second)
