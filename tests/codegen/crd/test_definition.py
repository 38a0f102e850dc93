"""What a definition must be, and how complaints name file, definition and place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.codegen.crd.conftest import Loader

    Change = Callable[[dict[str, Any]], object]

NAMED = "crd.yaml, CustomResourceDefinition 'widgets.example.com'"


def complaint(load: Loader, widget: dict[str, Any], change: Change) -> SpecError:
    change(widget)
    with pytest.raises(SpecError) as caught:
        load(widget)
    assert caught.value.mend
    assert not caught.value.mend.startswith("check that the file is whole")
    return caught.value


def named(**names: object) -> Change:
    return lambda crd: crd["spec"]["names"].update(names)


def group(name: str) -> Change:
    return lambda crd: (crd["spec"].update(group=name), crd["metadata"].update(name=f"widgets.{name}"))


def plural(name: str) -> Change:
    return lambda crd: (crd["spec"]["names"].update(plural=name), crd["metadata"].update(name=f"{name}.example.com"))


def version(**members: object) -> Change:
    return lambda crd: crd["spec"]["versions"][0].update(members)


def versions(*names: str, served: bool = True) -> Change:
    def change(crd: dict[str, Any]) -> None:
        first = crd["spec"]["versions"][0]
        crd["spec"]["versions"] = [{**first, "name": name, "served": served} for name in names]

    return change


@pytest.mark.parametrize(
    ("change", "pointer", "problem", "mend"),
    [
        (lambda crd: crd.pop("spec"), "#", "has no spec", "give it spec"),
        (lambda crd: crd.update(spec=None), "#", "has no spec", "give it spec"),
        (lambda crd: crd.pop("apiVersion"), "#", "has no apiVersion", "say apiVersion: apiextensions.k8s.io/v1"),
        (
            lambda crd: crd.update(apiVersion="apiextensions.k8s.io/v1beta1"),
            "#/apiVersion",
            "apiextensions.k8s.io/v1beta1 is gone since Kubernetes v1.22",
            "convert it to v1, with a structural schema for each version",
        ),
        (
            lambda crd: crd.update(apiVersion="apiextensions.k8s.io/v2"),
            "#/apiVersion",
            "'apiextensions.k8s.io/v2' is unknown",
            "give a CustomResourceDefinition of apiextensions.k8s.io/v1",
        ),
        (lambda crd: crd["spec"].pop("group"), "#/spec", "has no group", "give it group"),
        (lambda crd: crd["spec"].pop("names"), "#/spec", "has no names", "give it names"),
        (lambda crd: crd["spec"]["names"].pop("plural"), "#/spec/names", "has no plural", "give it plural"),
        (lambda crd: crd["spec"]["names"].pop("kind"), "#/spec/names", "has no kind", "give it kind"),
        (lambda crd: crd["spec"].pop("scope"), "#/spec", "has no scope", "give it scope"),
        (
            lambda crd: crd["spec"].update(scope="cluster"),
            "#/spec/scope",
            "'cluster' is no scope",
            "say Namespaced or Cluster",
        ),
        (lambda crd: crd["spec"].update(scope=["a"]), "#/spec/scope", "['a'] is no scope", "say Namespaced or Cluster"),
        (lambda crd: crd["spec"].pop("versions"), "#/spec", "has no versions", "give it versions"),
        (lambda crd: crd["spec"].update(versions=[]), "#/spec/versions", "no version is served (there is none)", "say"),
        (
            versions("v1", "v2", served=False),
            "#/spec/versions",
            "no version is served (v1, v2)",
            "say served: true for one",
        ),
        (
            lambda crd: crd["spec"]["versions"][0].pop("served"),
            "#/spec/versions",
            "no version is served (v1)",
            "say served: true",
        ),
        (
            versions("v1", "v2", "v1"),
            "#/spec/versions/2/name",
            "the version 'v1' is there twice",
            "take one of the two",
        ),
        (
            lambda crd: crd["spec"]["versions"][0].pop("name"),
            "#/spec/versions/0",
            "has no name",
            "give it name",
        ),
        (
            lambda crd: crd["spec"]["versions"][0].pop("schema"),
            "#/spec/versions/0",
            "has no schema.openAPIV3Schema",
            "give it one; for any fields: {type: object, x-kubernetes-preserve-unknown-fields: true}",
        ),
        (version(schema={}), "#/spec/versions/0", "has no schema.openAPIV3Schema", "give it one"),
        (version(schema={"openAPIV3Schema": None}), "#/spec/versions/0", "has no schema.openAPIV3Schema", "give"),
        (version(selectableFields=[{}]), "#/spec/versions/0/selectableFields/0", "has no jsonPath", "give it jsonPath"),
        (
            lambda crd: crd["metadata"].update(name="gadgets.example.com"),
            "#/metadata/name",
            "is not widgets.example.com, as its plural and group demand",
            "mend the name, the plural or the group",
        ),
        (
            named(listKind="Widget"),
            "#/spec/names",
            "kind and listKind are both 'Widget'",
            "call the list WidgetList",
        ),
        (named(kind=True), "#/spec/names/kind", "is no text: YAML reads y, n, yes, no, on and off", "quote the name"),
    ],
)
def test_what_is_missing_or_wrong(  # noqa: PLR0917  (a row of the table)
    load: Loader, widget: dict[str, Any], change: Change, pointer: str, problem: str, mend: str
) -> None:
    error = complaint(load, widget, change)
    assert error.source.startswith("crd.yaml, CustomResourceDefinition '")
    assert error.pointer == pointer
    assert error.problem.startswith(problem)
    assert error.mend.startswith(mend)


@pytest.mark.parametrize(
    ("change", "source", "pointer"),
    [
        (lambda crd: crd.update(spec=[1]), NAMED, "#/spec"),
        (lambda crd: crd["metadata"].update(name=1), "crd.yaml", "#/metadata/name"),
        (lambda crd: crd["spec"].update(names="a"), NAMED, "#/spec/names"),
        (lambda crd: crd["spec"].update(versions={}), NAMED, "#/spec/versions"),
        (lambda crd: crd["spec"].update(versions=["v1"]), NAMED, "#/spec/versions/0"),
        (version(served="true"), NAMED, "#/spec/versions/0/served"),
        (version(schema=[]), NAMED, "#/spec/versions/0/schema"),
        (version(subresources="status"), NAMED, "#/spec/versions/0/subresources"),
        (version(selectableFields=".spec"), NAMED, "#/spec/versions/0/selectableFields"),
    ],
)
def test_what_is_of_another_type(
    load: Loader, widget: dict[str, Any], change: Change, source: str, pointer: str
) -> None:
    change(widget)
    with pytest.raises(SpecError, match="expected ") as caught:
        load(widget)
    assert (caught.value.source, caught.value.pointer) == (source, pointer)


@pytest.mark.parametrize("metadata", [None, "x", {}, {"name": None}])
def test_a_definition_without_a_name(load: Loader, widget: dict[str, Any], metadata: object) -> None:
    error = complaint(load, widget, lambda crd: crd.update(metadata=metadata))
    assert (error.source, error.pointer) == ("crd.yaml", "#")
    assert error.problem == "a CustomResourceDefinition without a name"
    assert error.mend == "give it metadata.name: <plural>.<group>"


CALL = "__import__('os').system('harm')"
HOSTILE = [
    "",
    " ",
    "a b",
    "a\n",
    CALL,
    f'"""\n{CALL}',
    "../up",
    "a/b",
    "a\0",
    "é",
    "_a",
    "-a",
    "a-",
    "a_b",
    "{{ a }}",
    "$ref",
]


@pytest.mark.parametrize(
    ("change", "pointer", "names"),
    [
        (group, "#/spec/group", ["example", "Example.com", "a..b", ".a", "a.", "1"]),
        (plural, "#/spec/names/plural", ["Widgets", "1s", "a.b"]),
        (lambda name: named(kind=name), "#/spec/names/kind", ["1W", "W.x", "\u212aelvin"]),
        (lambda name: named(listKind=name or "-"), "#/spec/names/listKind", ["1W", "W.x", "\u212aelvin"]),
        (lambda name: version(name=name), "#/spec/versions/0/name", ["V1", "1", "v1.1"]),
    ],
    ids=["group", "plural", "kind", "listKind", "version"],
)
def test_names_that_no_server_takes(
    load: Loader, widget: dict[str, Any], change: Callable[[str], Change], pointer: str, names: list[str]
) -> None:
    for name in [*HOSTILE, *names]:
        error = complaint(load, widget, change(name))
        assert error.pointer == pointer
        assert error.problem == f"{name or '-' if 'list' in pointer else name!r} is no name that the API server takes"
        wanted = "render the chart first" if "{{" in name else "give "
        assert error.mend.startswith(wanted)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (group("a." + "b" * 252), "…is longer than 253 characters"),
        (plural("a" * 64), "is longer than 63 characters"),
        (named(kind="A" * 64), "is longer than 63 characters"),
        (version(name="v" * 64), "is longer than 63 characters"),
    ],
)
def test_names_that_are_too_long(load: Loader, widget: dict[str, Any], change: Change, problem: str) -> None:
    error = complaint(load, widget, change)
    assert problem.removeprefix("…") in error.problem
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    "change",
    [
        group("1.2"), group("my-team.x-k8s.io"), group("a." + "b" * 63), plural("w-s"), named(kind="W-x"), named(kind="w"),
        named(listKind=""), named(listKind=None), version(name="v-1"), version(name="alpha"),
        version(subresources=None), version(selectableFields=None), lambda crd: crd["spec"].update(preserveUnknownFields=True),
    ],
)  # fmt: skip
def test_what_is_unusual_and_right(load: Loader, widget: dict[str, Any], change: Change) -> None:
    change(widget)
    assert load(widget)["paths"]


def test_versions_that_are_not_served_may_be_anything(load: Loader, widget: dict[str, Any]) -> None:
    widget["spec"]["versions"].append({"name": "v2", "served": False, "schema": {"openAPIV3Schema": {"type": "odd"}}})
    assert list(load(widget)["components"]["schemas"]) == ["com.example.v1.Widget", "com.example.v1.WidgetList"]


def test_complaints_name_the_document_and_the_place_in_a_list(load: Loader, widget: dict[str, Any]) -> None:
    widget["spec"]["scope"] = "none"
    with pytest.raises(SpecError) as caught:
        load("kind: Service\n---\napiVersion: v1\nkind: List\nitems:\n- kind: Service\n- " + str(widget) + "\n")
    assert caught.value.source == "crd.yaml, document 2, CustomResourceDefinition 'widgets.example.com'"
    assert caught.value.pointer == "#/items/1/spec/scope"
