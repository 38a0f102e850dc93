from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen.errors import SpecError
from kinform_codegen.spec.load import load_spec, parse_spec
from kinform_codegen.spec.resources import find_resources
from kinform_codegen.spec.version import KubernetesVersion

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.codegen.spec.conftest import WebServer


def complaint(call: Callable[[], object]) -> SpecError:
    with pytest.raises(SpecError) as caught:
        call()
    error = caught.value
    # Whatever it is about: it names the source and the place, and says how to mend it.
    assert error.source in str(error)
    assert f" {error.pointer}: " in str(error)
    assert error.mend
    assert f"mend: {error.mend}" in str(error)
    return error


def test_reads_a_file(small_path: Path) -> None:
    spec = load_spec(str(small_path))
    assert spec.version == KubernetesVersion(1, 30)
    assert spec.source == str(small_path)
    assert "io.k8s.api.core.v1.Pod" in spec.document["components"]["schemas"]  # type: ignore[index]


def test_reads_a_url(web: WebServer, small_document: dict[str, Any]) -> None:
    web.answers["/release-1.31/spec.json"] = (200, {**small_document, "info": {"title": "x", "version": "unversioned"}})
    spec = load_spec(f"{web.url}/release-1.31/spec.json")
    assert spec.version == KubernetesVersion(1, 31)
    assert len(find_resources(spec).typed) == 5


def test_a_bundled_spec_has_a_short_name(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_spec("v1.30").document == load_spec(str(repository / "openapi/v1.30.json")).document


@pytest.mark.parametrize(
    ("title", "source", "version"),
    [
        ("v1.30.14", "spec.json", KubernetesVersion(1, 30)),
        ("v1.37.2+k3s1", "spec.json", KubernetesVersion(1, 37)),
        ("unversioned", "swagger-v1.36.json", KubernetesVersion(1, 36)),
        ("unversioned", "https://host/kubernetes/release-1.29/swagger.json", KubernetesVersion(1, 29)),
        ("v1.30.14", "swagger-v1.36.json", KubernetesVersion(1, 30)),
        ("unversioned", "http://10.1.30.4/swagger.json", None),
        ("unversioned", "swagger.json", None),
    ],
)
def test_the_version_is_the_document_s_word_or_its_name_s(
    small_document: dict[str, Any], title: str, source: str, version: KubernetesVersion | None
) -> None:
    small_document["info"]["version"] = title
    assert parse_spec(json.dumps(small_document).encode(), source).version == version


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    missing = tmp_path / "nothing.json"
    error = complaint(lambda: load_spec(str(missing)))
    assert "cannot be read: No such file" in error.problem
    assert "v1.30" in error.mend


def test_a_folder(tmp_path: Path) -> None:
    assert "cannot be read" in complaint(lambda: load_spec(str(tmp_path))).problem


@pytest.mark.parametrize("data", [b"", b"{", b"openapi: 3.0.0\n", b'{"a": "\xff"}'])
def test_not_json(data: bytes) -> None:
    assert "is not JSON" in complaint(lambda: parse_spec(data, "spec.json")).problem


@pytest.mark.parametrize("document", [[], "text", None, 3])
def test_json_but_no_document(document: object) -> None:
    error = complaint(lambda: parse_spec(json.dumps(document).encode(), "spec.json"))
    assert "is not OpenAPI" in error.problem


def test_an_object_that_is_not_openapi() -> None:
    error = complaint(lambda: parse_spec(b'{"kind": "Pod"}', "spec.json"))
    assert "neither 'openapi' nor 'swagger'" in error.problem
    assert error.pointer == "#"


def test_the_index_and_a_crd_are_recognised() -> None:
    index = b'{"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1?hash=1"}}}'
    assert "--cluster" in complaint(lambda: parse_spec(index, "spec.json")).mend
    crd = b'{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}'
    assert "CustomResourceDefinition" in complaint(lambda: parse_spec(crd, "spec.json")).mend


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"openapi": "4.0.0"}, "#/openapi"),
        ({"openapi": 3}, "#/openapi"),
        ({"swagger": "1.2"}, "#/swagger"),
        ({"swagger": 2.0}, "#/swagger"),
    ],
)
def test_an_unknown_version(document: object, pointer: str) -> None:
    error = complaint(lambda: parse_spec(json.dumps(document).encode(), "spec.json"))
    assert "unknown" in error.problem
    assert error.pointer == pointer


@pytest.mark.parametrize("key", ["paths", "components"])
def test_a_document_without_its_parts(small_document: dict[str, Any], key: str) -> None:
    del small_document[key]
    assert key in complaint(lambda: parse_spec(json.dumps(small_document).encode(), "spec.json")).problem


def test_a_part_of_the_wrong_type(small_document: dict[str, Any]) -> None:
    small_document["paths"]["/api/v1/nodes"]["get"]["parameters"] = "all"
    spec = parse_spec(json.dumps(small_document).encode(), "spec.json")
    error = complaint(lambda: find_resources(spec))
    assert error.pointer == "#/paths/~1api~1v1~1nodes/get/parameters"
    assert "expected an array, found the string 'all'" in error.problem


def test_a_reference_to_nothing(small_document: dict[str, Any]) -> None:
    pod = small_document["components"]["schemas"]["io.k8s.api.core.v1.Pod"]
    pod["properties"]["spec"] = {"$ref": "#/components/schemas/io.k8s.api.core.v1.PodSpek"}
    error = complaint(lambda: parse_spec(json.dumps(small_document).encode(), "spec.json"))
    assert error.pointer == "#/components/schemas/io.k8s.api.core.v1.Pod/properties/spec/$ref"
    assert "PodSpek' points to nothing" in error.problem


@pytest.mark.parametrize(
    ("spoil", "pointer", "problem"),
    [
        ({"properties": {"x": "str"}}, "/properties/x", "expected an object, found the string 'str'"),
        ({"properties": []}, "/properties", "expected an object, found an array"),
        ({"properties": {"x": {"items": None}}}, "/properties/x/items", "expected an object, found null"),
        ({"allOf": {}}, "/allOf", "expected an array, found an object"),
        ({"additionalProperties": {"anyOf": [3]}}, "/additionalProperties/anyOf/0", "expected an object, found 3"),
        ({"properties": {"x": {"$ref": "#/paths"}}}, "/properties/x/$ref", "leads to what is no schema of its own"),
    ],
)
def test_what_is_no_schema(small_document: dict[str, Any], spoil: dict[str, Any], pointer: str, problem: str) -> None:
    name = "io.k8s.api.core.v1.PodSpec"
    small_document["components"]["schemas"][name] = spoil
    error = complaint(lambda: parse_spec(json.dumps(small_document).encode(), "spec.json"))
    assert error.pointer == f"#/components/schemas/{name}{pointer}"
    assert problem in error.problem


def test_properties_may_be_called_like_keywords(small_document: dict[str, Any]) -> None:
    words = ("properties", "items", "allOf", "$ref", "additionalProperties")
    shape = {"properties": {word: {"type": "string"} for word in words}, "additionalProperties": True}
    small_document["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"] = shape
    parse_spec(json.dumps(small_document).encode(), "spec.json")


def test_a_reference_out_of_the_document(small_document: dict[str, Any]) -> None:
    pod = small_document["components"]["schemas"]["io.k8s.api.core.v1.Pod"]
    pod["properties"]["spec"] = {"$ref": "other.json#/PodSpec"}
    error = complaint(lambda: parse_spec(json.dumps(small_document).encode(), "spec.json"))
    assert "points out of the document" in error.problem


def test_a_property_may_be_called_ref(small_document: dict[str, Any]) -> None:
    pod = small_document["components"]["schemas"]["io.k8s.api.core.v1.Pod"]
    pod["properties"]["$ref"] = {"type": "string"}
    parse_spec(json.dumps(small_document).encode(), "spec.json")


def test_a_url_that_answers_with_an_error(web: WebServer) -> None:
    web.answers["/spec.json"] = (403, {"message": "no"})
    error = complaint(lambda: load_spec(f"{web.url}/spec.json"))
    assert "HTTP 403" in error.problem
    assert "--cluster" in error.mend


def test_a_url_where_nobody_listens(web: WebServer) -> None:
    web.close()
    assert "cannot be read" in complaint(lambda: load_spec(f"{web.url}/spec.json")).problem


@pytest.mark.parametrize(
    ("data", "mend"), [(b"  ", "is empty"), (b"\n<!DOCTYPE html>", "this is HTML"), (b"openapi: 3.0.0", "yq -o=json")]
)
def test_what_is_not_json_is_told_by_its_looks(data: bytes, mend: str) -> None:
    assert mend in complaint(lambda: parse_spec(data, "spec.json")).mend


def test_a_byte_order_mark_does_no_harm(small_path: Path) -> None:
    data = small_path.read_bytes()
    assert parse_spec(b"\xef\xbb\xbf" + data, "spec.json").document == parse_spec(data, "spec.json").document
