"""The files of openapi/: what they promise, and that the programs which make them again are of the same version."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen.capture import VALUES_EXTENSION, layout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSIONS = ["v1.30", "v1.37"]


@pytest.fixture(scope="session", params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def text(repository: Path, version: str) -> str:
    return (repository / "openapi" / f"{version}.json").read_text()


@pytest.fixture(scope="session")
def spec(text: str) -> Any:
    return json.loads(text)


def operations(spec: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in spec["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield path, operation


def kinds(spec: Any, *actions: str) -> set[tuple[str, str, str]]:
    found = (
        o["x-kubernetes-group-version-kind"] for _, o in operations(spec) if o.get("x-kubernetes-action") in actions
    )
    return {(kind["group"], kind["version"], kind["kind"]) for kind in found}


def test_every_kind_is_there(spec: Any, version: str) -> None:
    listed, watched = kinds(spec, "list"), kinds(spec, "watchlist")
    assert (len(listed), len(watched)) == {"v1.30": (71, 70), "v1.37": (93, 92)}[version]
    assert listed - watched == {("", "v1", "ComponentStatus")}


def test_no_texts(spec: Any) -> None:
    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, member in value.items():
                if key == "description" and isinstance(member, str):
                    yield member
                yield from texts(member)
        elif isinstance(value, list):
            for member in value:
                yield from texts(member)

    assert set(texts(spec)) == {""}


def test_small_enough_to_keep_and_laid_out_as_capture_does(spec: Any, text: str) -> None:
    assert len(text) < 4_000_000
    assert layout(spec) == text


def test_every_reference_leads_somewhere(spec: Any, text: str) -> None:
    names = set(re.findall(r'"\$ref":"#/components/schemas/([^"]+)"', text))
    assert names
    assert names <= spec["components"]["schemas"].keys()
    assert text.count('"$ref":"') == text.count('"$ref":"#/components/schemas/')


def test_value_fields_are_optional_properties_and_neither_lists_nor_maps(spec: Any) -> None:
    for name, schema in spec["components"]["schemas"].items():
        values = schema.get(VALUES_EXTENSION, [])
        assert values == sorted(set(values)), name
        for value in values:
            assert value in schema["properties"], (name, value)
            assert value not in schema.get("required", []), (name, value)
            held = schema["properties"][value]
            assert held.get("type") != "array", (name, value)
            assert "additionalProperties" not in held, (name, value)


def test_structs_that_are_never_absent_are_values(spec: Any) -> None:
    """``default: {}`` is what OpenAPI itself tells of structs held by value; Go must say the same."""
    for name, schema in spec["components"]["schemas"].items():
        for key, held in schema.get("properties", {}).items():
            if held.get("default") == {} and key not in schema.get("required", []):
                assert key in schema[VALUES_EXTENSION], (name, key)


@pytest.mark.parametrize(
    ("schema", "values", "pointers"),
    [
        ("io.k8s.api.core.v1.PodSpec", {"nodeName", "hostNetwork", "restartPolicy"}, {"priority", "affinity"}),
        ("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", {"name", "creationTimestamp"}, {"deletionTimestamp"}),
        ("io.k8s.api.apps.v1.DeploymentSpec", {"paused", "strategy"}, {"replicas", "progressDeadlineSeconds"}),
        (
            "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps",
            {"type", "$schema"},
            {"$ref", "maximum"},
        ),
        ("io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec", {"caBundle"}, {"service"}),
    ],
)
def test_value_fields_are_those_of_go(spec: Any, schema: str, values: set[str], pointers: set[str]) -> None:
    found = spec["components"]["schemas"][schema]
    assert values <= set(found[VALUES_EXTENSION])
    assert not pointers & set(found[VALUES_EXTENSION])
    assert pointers <= found["properties"].keys()


def test_all_sources_are_of_one_version(repository: Path, spec: Any, version: str) -> None:
    """The specification, the API server that CI builds and the Go types it reads: one patch release of Kubernetes."""
    minor, patch = re.fullmatch(r"v1\.(\d+)\.(\d+)", spec["info"]["version"]).groups()  # type: ignore[union-attr]
    assert version == f"v1.{minor}"
    server = (repository / "tests" / "controlplane" / f"kubernetes-{version}" / "go.mod").read_text()
    assert f"require k8s.io/kubernetes v1.{minor}.{patch}\n" in server
    types = (repository / "openapi" / "gotypes" / ("v1.30.mod" if version == "v1.30" else "go.mod")).read_text()
    found = re.findall(
        r"^\s*k8s\.io/(?:api|client-go|apimachinery|kube-aggregator|apiextensions-apiserver) (\S+)", types, re.MULTILINE
    )
    assert found == [f"v0.{minor}.{patch}"] * 5
