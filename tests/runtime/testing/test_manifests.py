"""Objects and definitions from files, folders, models and mappings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kinform.testing._manifests import definitions_in, objects_in
from kinform_k8s.models.core.v1 import ConfigMap
from kinform_k8s.models.meta.v1 import ObjectMeta

if TYPE_CHECKING:
    from pathlib import Path


def definition(name: str) -> dict[str, Any]:
    return {"kind": "CustomResourceDefinition", "metadata": {"name": name}}


def names(objects: Any) -> list[str]:
    return [each["metadata"]["name"] for each in objects]


def test_folders_files_documents_and_lists(tmp_path: Path) -> None:
    (tmp_path / "bases").mkdir()
    (tmp_path / "bases" / "a.yaml").write_text(
        "---\n" + "---\n".join(json.dumps(definition(n)) + "\n" for n in "ab") + "---\n"
    )
    (tmp_path / "c.json").write_text(json.dumps({"kind": "List", "items": [definition("c"), {"kind": "Namespace"}]}))
    (tmp_path / "d.yml").write_text(
        "kind: CustomResourceDefinition\nmetadata: {name: d, since: 2024-01-02T03:04:05Z}\n"
    )
    (tmp_path / "README.md").write_text("nothing of ours")
    found = definitions_in([tmp_path, str(tmp_path / "c.json"), definition("e")])
    assert names(found) == ["a", "b", "c", "d", "c", "e"]
    assert found[3]["metadata"] == {"name": "d", "since": "2024-01-02T03:04:05Z"}, "times are text, as in JSON"


def test_models() -> None:
    (found,) = objects_in([ConfigMap(metadata=ObjectMeta(name="a"))])
    assert (found["kind"], found["metadata"]) == ("ConfigMap", {"name": "a"})


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", "{", "a.json is no JSON: "),
        ("a.yaml", "a: [", "a.yaml is no YAML: "),
        ("a.yaml", "kind: A\n---\n- 1\n", "a.yaml: document 2 is no object, but list"),
        ("a.yaml", "kind: A\n", "there is no CustomResourceDefinition in .*a.yaml"),
        ("a.yaml", "", "there is no CustomResourceDefinition in .*a.yaml"),
    ],
)
def test_what_holds_no_definitions(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=said):
        definitions_in([tmp_path / name])


def test_what_is_no_definition() -> None:
    with pytest.raises(ValueError, match="there is no CustomResourceDefinition in an object of kind 'Namespace'"):
        definitions_in([{"kind": "Namespace"}])
