from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen.models.prepare import prepare
from kinform_codegen.spec import values
from kinform_codegen.spec.values import EXTENSION, ZEROS, add_value_facts, nearest, read_facts
from kinform_codegen.spec.version import KubernetesVersion

if TYPE_CHECKING:
    from pathlib import Path

V = KubernetesVersion
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
DEPLOYMENT = "io.k8s.api.apps.v1.DeploymentSpec"


def without_facts(document: dict[str, Any]) -> dict[str, Any]:
    for schema in document["components"]["schemas"].values():
        schema.pop(EXTENSION, None)
    return document


def test_the_nearest_version_comes_first() -> None:
    known = [V(1, 30), V(1, 37)]
    assert nearest(V(1, 30), known) == [V(1, 30), V(1, 37)]
    assert nearest(V(1, 36), known) == [V(1, 37), V(1, 30)]
    assert nearest(V(1, 40), known) == [V(1, 37), V(1, 30)]
    assert nearest(V(1, 31), [V(1, 30), V(1, 32)]) == [V(1, 30), V(1, 32)]
    assert nearest(None, known) == [V(1, 37), V(1, 30)]


def test_a_document_with_facts_of_its_own_is_left_alone(small_document: dict[str, Any]) -> None:
    before = repr(small_document)
    assert add_value_facts(small_document, V(1, 30)) is None
    assert repr(small_document) == before


def test_facts_are_taken_by_the_names_of_schema_and_field() -> None:
    document: dict[str, Any] = {
        "components": {
            "schemas": {
                META: {"properties": {name: {} for name in ("name", "uid", "deletionGracePeriodSeconds", "unheardOf")}},
                DEPLOYMENT: {"properties": {"replicas": {}, "paused": {}, "strategy": {}}},
                "com.example.v1.Widget": {"properties": {"name": {}}},
            },
        },
    }
    assert add_value_facts(document, V(1, 30)) == V(1, 30)
    schemas = document["components"]["schemas"]
    assert schemas[META][EXTENSION] == ["name", "uid"]
    assert schemas[DEPLOYMENT][EXTENSION] == ["paused", "strategy"]
    assert EXTENSION not in schemas["com.example.v1.Widget"]


def test_required_fields_and_containers_are_not_listed() -> None:
    document: dict[str, Any] = {
        "components": {
            "schemas": {
                META: {
                    "properties": {"name": {}, "labels": {"additionalProperties": {}}, "finalizers": {"type": "array"}},
                    "required": ["name"],
                },
            },
        },
    }
    add_value_facts(document, None)
    assert EXTENSION not in document["components"]["schemas"][META]


@pytest.mark.parametrize("version", ["v1.30", "v1.37"])
def test_taking_the_facts_away_and_back_changes_nothing(repository: Path, version: str) -> None:
    """What a swagger.json of the same version gets is what the captured one has."""
    document = json.loads((repository / "openapi" / f"{version}.json").read_bytes())
    wanted = {
        name: schema[EXTENSION] for name, schema in document["components"]["schemas"].items() if EXTENSION in schema
    }
    add_value_facts(without_facts(document), KubernetesVersion.find(version))
    got = {name: schema[EXTENSION] for name, schema in document["components"]["schemas"].items() if EXTENSION in schema}
    extra = {name: set(got[name]) - set(wanted.get(name, ())) for name in got}
    assert [name for name, fields in wanted.items() if set(fields) - set(got.get(name, ()))] == []
    # Fields with a zero as default, which are never absent, may come in addition.
    schemas = document["components"]["schemas"]
    assert all(schemas[name]["properties"][field]["default"] in ZEROS for name in extra for field in extra[name])


@pytest.mark.parametrize("version", ["v1.30", "v1.37"])
def test_models_of_a_cluster_are_those_of_the_bundled_spec(repository: Path, version: str) -> None:
    """A pointer with a default, such as ``replicas`` of ReplicationControllerSpec, stays one."""
    document = json.loads((repository / "openapi" / f"{version}.json").read_bytes())
    wanted = prepare(document)
    add_value_facts(without_facts(document), KubernetesVersion.find(version))
    got = prepare(document)
    assert got.facts == wanted.facts
    assert got.schemas == wanted.schemas
    assert wanted.facts["core.v1.ReplicationControllerSpec"].members["replicas"].zero == "None"


def test_a_field_that_the_nearest_version_lacks_is_looked_up_in_the_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text('{"components": {"schemas": {"S": {"properties": {"a": {}, "b": {}}, "x-kinform-values": ["a"]}}}}')
    new.write_text(
        '{"components": {"schemas": {"S": {"properties": {"a": {}, "b": {}, "c": {}, "d": {"default": ""}, "e": {"default": 1}},'
        ' "required": ["b"], "x-kinform-values": ["c"]}}}}'
    )
    assert read_facts(new) == {"S": {"a": False, "b": True, "c": True, "d": True, "e": False}}
    monkeypatch.setattr(values, "bundled_versions", lambda: {V(1, 30): old, V(1, 37): new})
    document: dict[str, Any] = {"components": {"schemas": {"S": {"properties": {name: {} for name in "abcde"}}}}}
    add_value_facts(document, V(1, 31))
    assert document["components"]["schemas"]["S"][EXTENSION] == ["a", "c", "d"]


def test_without_any_bundled_spec_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "bundled_versions", dict)
    document: dict[str, Any] = {"components": {"schemas": {META: {"properties": {"name": {}}}}}}
    assert add_value_facts(document, V(1, 30)) is None
    assert EXTENSION not in document["components"]["schemas"][META]
