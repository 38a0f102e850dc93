from __future__ import annotations

import pytest

from kinform_codegen.errors import SpecError
from kinform_codegen.spec.merge import merge_documents

GVK = "x-kubernetes-group-version-kind"


def document(schemas: dict[str, object], *paths: str) -> dict[str, object]:
    return {
        "info": {"title": "Kubernetes", "version": "v1.30.0"},
        "paths": {path: {} for path in paths},
        "components": {"schemas": schemas},
    }


def test_paths_and_schemas_are_joined() -> None:
    merged = merge_documents([("api/v1", document({"A": {}}, "/a")), ("apis/b/v1", document({"B": {}}, "/b"))], "x")
    assert merged["paths"] == {"/a": {}, "/b": {}}
    assert merged["components"] == {"schemas": {"A": {}, "B": {}}}
    assert merged["info"] == {"title": "Kubernetes", "version": "v1.30.0"}


def test_the_kinds_of_shared_schemas_are_joined_and_else_the_first_word_counts() -> None:
    core, apps = {"group": "", "kind": "DeleteOptions"}, {"group": "apps", "kind": "DeleteOptions"}
    merged = merge_documents(
        [
            ("api/v1", document({"D": {"type": "object", GVK: [core]}, "M": {"a": 1}})),
            ("apis/apps/v1", document({"D": {"type": "object", GVK: [apps, core]}, "M": {"a": 2}})),
        ],
        "x",
    )
    assert merged["components"] == {"schemas": {"D": {"type": "object", GVK: [core, apps]}, "M": {"a": 1}}}


def test_a_part_that_is_no_document_is_named() -> None:
    with pytest.raises(SpecError) as caught:
        merge_documents([("apis/b/v1", [])], "cluster")
    assert caught.value.pointer == "#/apis~1b~1v1"
