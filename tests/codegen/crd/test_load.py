"""Several definitions: lists, doublets, clashes, and what is passed over."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen.crd import load_crds
from kinform_codegen.errors import SpecError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.codegen.crd.conftest import Loader

WIDGETS = ["com.example.v1.Widget", "com.example.v1.WidgetList"]


def schemas(document: dict[str, Any]) -> list[str]:
    return list(document["components"]["schemas"])


def stream(*documents: object) -> str:
    return "\n---\n".join(json.dumps(each) for each in documents)


def gadget(widget: dict[str, Any]) -> dict[str, Any]:
    text = json.dumps(widget).replace("widget", "gadget").replace("Widget", "Gadget")
    changed: dict[str, Any] = json.loads(text)
    return changed


def test_other_documents_are_passed_over(load: Loader, widget: dict[str, Any]) -> None:
    other = {**gadget(widget), "apiVersion": "example.org/v1"}  # somebody else's kind of that name
    values: list[object] = [
        None,
        {"kind": "Service"},
        {"a": 1},
        [widget],
        "text",
        other,
        {"kind": ["a"]},
        {"kind": None},
    ]
    assert schemas(load(stream(*values, widget))) == WIDGETS


@pytest.mark.parametrize("kind", ["List", "CustomResourceDefinitionList"])
def test_lists_are_unpacked(load: Loader, widget: dict[str, Any], kind: str) -> None:
    items = [widget, {"kind": "Service"}, {"kind": "List", "items": [gadget(widget)]}]
    if kind != "List":
        items.pop()
    document = load({"apiVersion": "v1", "kind": kind, "items": items})
    assert schemas(document)[-2:] == WIDGETS
    assert len(schemas(document)) == (4 if kind == "List" else 2)


def test_a_list_as_the_api_server_sends_it(load: Loader, widget: dict[str, Any]) -> None:
    bare = {key: value for key, value in widget.items() if key not in {"apiVersion", "kind"}}
    listed = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinitionList", "items": [bare]}
    assert schemas(load(listed)) == WIDGETS
    with pytest.raises(SpecError, match="v1beta1 is gone"):
        load({**listed, "apiVersion": "apiextensions.k8s.io/v1beta1"})


def test_what_kubectl_get_adds_is_no_difference(load: Loader, widget: dict[str, Any]) -> None:
    applied = copy.deepcopy(widget)
    applied["metadata"] |= {"uid": "u", "annotations": {"a": "b"}, "managedFields": [{}]}
    applied["spec"] |= {"conversion": {"strategy": "None"}}
    applied["spec"]["names"] |= {"listKind": "WidgetList"}
    applied["status"] = {"acceptedNames": {"kind": "Widget"}}
    assert schemas(load(stream(widget, applied, widget))) == WIDGETS


def test_two_that_differ_are_named_both(load: Loader, widget: dict[str, Any], tmp_path: Path) -> None:
    changed = copy.deepcopy(widget)
    changed["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["description"] = "Other."
    (tmp_path / "other.yaml").write_text(stream({"kind": "Service"}, {"kind": "List", "items": [changed]}))
    load(widget)
    with pytest.raises(SpecError) as caught:
        load_crds(["other.yaml", "crd.yaml"])
    assert str(caught.value) == (
        "crd.yaml: #: defines widgets.example.com otherwise than other.yaml, document 2: #/items/0\n"
        "  mend: give one of the two"
    )


@pytest.mark.parametrize("names", [{"kind": "Widget"}, {"kind": "WidgetList"}, {"listKind": "WidgetList"}])
def test_two_that_want_one_schema_are_named_both(load: Loader, widget: dict[str, Any], names: dict[str, str]) -> None:
    other = gadget(widget)
    other["spec"]["names"] |= names
    with pytest.raises(SpecError) as caught:
        load(stream(other, widget))
    assert caught.value.source == "crd.yaml, document 2"
    assert "widgets.example.com wants the schema com.example.v1.Widget" in caught.value.problem
    assert caught.value.problem.endswith("which is that of gadgets.example.com in crd.yaml, document 1")
    assert caught.value.mend == "rename the kind or the listKind of one of the two"


def test_a_schema_of_kubernetes_cannot_be_had(load: Loader, widget: dict[str, Any]) -> None:
    group = "meta.apis.pkg.apimachinery.k8s.io"
    widget["spec"] |= {"group": group, "names": {"plural": "widgets", "kind": "ObjectMeta"}}
    widget["metadata"]["name"] = f"widgets.{group}"
    with pytest.raises(
        SpecError, match=r"wants the schema io\.k8s\.\S+\.meta\.v1\.ObjectMeta, which is Kubernetes' own"
    ):
        load(widget)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "holds no CustomResourceDefinition: it is empty, or comments only"),
        ("# nothing\n---\n# nothing\n", "holds no CustomResourceDefinition: it is empty, or comments only"),
        ("kind: List\nitems: []\n", "holds no CustomResourceDefinition: it is empty, or comments only"),
        ("kind: List\nitems:\n", "holds no CustomResourceDefinition: it is empty, or comments only"),
        ("a: 1\n", "holds no CustomResourceDefinition, but an object without a kind"),
        ("some text\n", "holds no CustomResourceDefinition, but text"),
        ("- a\n", "holds no CustomResourceDefinition, but a list"),
        ("kind: Service\n---\nkind: List\nitems: [{kind: Service}, {kind: Secret}]\n",
         "holds no CustomResourceDefinition, but kind Service (2 times), kind Secret"),
        ("\n---\n".join(f"kind: K{n}" for n in range(9)),
         "holds no CustomResourceDefinition, but kind K0, kind K1, kind K2, kind K3, kind K4 and 4 more"),
        ("kind: " + "K" * 1000, f"holds no CustomResourceDefinition, but kind {'K' * 60}"),
    ],
)  # fmt: skip
def test_a_file_without_definitions(load: Loader, content: str, problem: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(content)
    assert (caught.value.source, caught.value.problem) == ("crd.yaml", problem)
    assert caught.value.mend == "give a file with a CustomResourceDefinition, kind and all"


@pytest.mark.parametrize("content", [{"openapi": "3.0.0", "paths": {}}, {"swagger": "2.0"}])
def test_openapi_is_told(load: Loader, content: object) -> None:
    with pytest.raises(SpecError) as caught:
        load(content, "openapi.json")
    assert caught.value.problem == "holds no CustomResourceDefinition, but OpenAPI"
    assert caught.value.mend == "give OpenAPI with --openapi"


def test_each_location_must_hold_some(load: Loader, widget: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text("kind: Service")
    load(widget)
    with pytest.raises(SpecError, match=r"service\.yaml: #: holds no CustomResourceDefinition"):
        load_crds(["crd.yaml", "service.yaml"])


def test_items_that_are_none(load: Loader) -> None:
    with pytest.raises(SpecError, match="#/items: expected an array"):
        load({"kind": "List", "items": "a"})
    with pytest.raises(SpecError, match="#/items/0: expected an object"):
        load({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinitionList", "items": [1]})
