from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen.errors import SpecError
from kinform_codegen.spec.load import parse_spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform_codegen.spec.load import Spec


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


def test_what_is_nested_beyond_reason_is_an_error_that_names_the_place(
    small_document: dict[str, Any], as_spec: Callable[[object], Spec]
) -> None:
    properties = small_document["components"]["schemas"]["com.example.v1.Cluster"]["properties"]
    properties["deep"] = nested(130)
    as_spec(small_document)
    properties["deep"] = nested(150)
    with pytest.raises(SpecError) as caught:
        as_spec(small_document)
    assert "nested more deeply" in caught.value.problem
    assert caught.value.pointer.startswith("#/components/schemas/com.example.v1.Cluster/properties/deep/items/items/")


def test_what_no_decoder_takes_is_an_error_too() -> None:
    with pytest.raises(SpecError, match="nested more deeply"):
        parse_spec(b'{"openapi": "3.0.0", "paths": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "spec.json")
