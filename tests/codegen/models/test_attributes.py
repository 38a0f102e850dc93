"""Names of attributes."""

from __future__ import annotations

import itertools
import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform.model import Model
from kinform_codegen.models.attributes import RESERVED, attribute_names


@pytest.mark.parametrize(
    ("wire", "attribute"),
    [
        ("nodeName", "node_name"),
        ("podIPs", "pod_ips"),
        ("clusterIPs", "cluster_ips"),
        ("podCIDRs", "pod_cidrs"),
        ("fieldsV1", "fields_v1"),
        ("openAPIV3Schema", "open_api_v3_schema"),
        ("from", "from_"),
        ("continue", "continue_"),
        ("except", "except_"),
        ("not", "not_"),
        ("schema", "schema_"),
        ("$schema", "schema_"),
        ("$ref", "ref"),
        ("x-kubernetes-preserve-unknown-fields", "x_kubernetes_preserve_unknown_fields"),
        ("int", "int_"),
        ("bool", "bool_"),
        ("type", "type"),
        ("copy", "copy_"),
        ("toWire", "to_wire_"),
        ("modelConfig", "model_config_"),
        ("modelName", "model_name"),
        ("5xx", "field_5xx"),
        ("_private", "private"),
        ("-", "field"),
        ("größe", "größe"),
    ],
)
def test_a_wire_name_in_python(wire: str, attribute: str) -> None:
    assert attribute_names([wire]) == {wire: attribute}


def test_no_name_of_the_base_class_is_free() -> None:
    public = {name for name in dir(Model) if not name.startswith("_")} | set(dir(Model())) - set(dir(object))
    assert {name for name in public if not name.startswith("_")} <= RESERVED


@pytest.mark.parametrize(
    "names",
    [
        {"fooBar": "foo_bar", "foo_bar": "foo_bar_"},
        {"fooBar": "foo_bar", "foo-bar": "foo_bar_", "foo_bar": "foo_bar__"},
        {"schema": "schema_", "$schema": "schema__"},
        {"podIPs": "pod_ips", "podIps": "pod_ips_"},
    ],
)
def test_names_that_clash_do_not_depend_on_their_order(names: dict[str, str]) -> None:
    for order in itertools.permutations(names):
        assert attribute_names(order) == names


@given(st.sets(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=8))
def test_any_names_become_different_usable_attributes(wire: set[str]) -> None:
    names = attribute_names(wire)
    assert names.keys() == wire
    assert len(set(names.values())) == len(wire)
    for name in names.values():
        assert name.isidentifier()
        assert not keyword.iskeyword(name)
        assert name[0] != "_"
        assert name not in RESERVED
