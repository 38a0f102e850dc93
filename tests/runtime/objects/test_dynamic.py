"""An object of any kind: nothing is lost on the way, values say what they are, metadata is typed and a view."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform import (
    DynamicObject,
    ObjectKey,
    Resource,
    add_finalizer,
    controller_of,
    has_finalizer,
    object_key,
    owner_key,
    remove_finalizer,
)
from kinform.objects import OwnerReference

if TYPE_CHECKING:
    from collections.abc import Callable

WIDGETS = Resource("example.com", "v1", "widgets", "Widget", namespaced=True)
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
_objects = st.dictionaries(st.text(max_size=5).filter(lambda name: name != "metadata"), _json, max_size=4)


def widget(**fields: Any) -> DynamicObject:
    metadata = {"name": "w", "namespace": "shop", "uid": "u", "resourceVersion": "7", "generation": 2}
    return DynamicObject({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata, **fields})


# ---- nothing is lost


@given(tree=_objects, metadata=st.dictionaries(st.text(max_size=5), _json, max_size=3))
def test_what_is_read_is_written(tree: dict[str, Any], metadata: dict[str, Any]) -> None:
    obj = {**tree, "metadata": metadata}
    found = json.loads(DynamicObject.from_wire(json.dumps(obj).encode()).to_wire())
    assert found == obj
    assert list(found) == list(obj), "fields keep their order"


def test_numbers_keep_what_they_are() -> None:
    text = b'{"a":123456789012345678901234567890,"b":1.0,"c":1,"d":9007199254740993}'
    assert DynamicObject.from_wire(text).to_wire() == text


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[]", "Invalid JSON: Expected `object`, got `array`"),
        (b"{", "Invalid JSON: Input data was truncated"),
        (b"\xff", "Invalid JSON"),
        (b'{"a":"\xff"}', "Invalid JSON"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "nested too deeply"),
        (b'{"metadata":["secret"]}', "metadata: Input should be an object, not a list$"),
    ],
)
def test_what_is_no_object_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=f"DynamicObject: .*{said}"):
        DynamicObject.from_wire(data)


def test_any_mappings_and_sequences_are_taken_and_copied() -> None:
    labels: dict[str, str] = {"a": "b"}
    ports = (1, 2)
    obj = DynamicObject({"inner": widget(), "labels": labels, "ports": ports})
    obj["more"] = labels
    obj["owner"] = OwnerReference(api_version="v1", kind="Node")
    obj.set_nested_field("spec.ports", ports)
    assert dict(obj) == {
        "inner": dict(widget()),
        "labels": {"a": "b"},
        "ports": [1, 2],
        "more": {"a": "b"},
        "owner": {"apiVersion": "v1", "kind": "Node"},
        "spec": {"ports": [1, 2]},
    }
    labels["c"] = "d"
    assert obj.nested_map("labels") == obj.nested_map("more") == {"a": "b"}


def test_what_json_has_not_is_refused_at_once_or_when_written() -> None:
    wrong: Any = object()
    puts: list[Callable[[], object]] = [
        lambda: DynamicObject({"a": wrong}),
        lambda: DynamicObject({"a": [{"b": wrong}]}),
        lambda: widget().set_nested_field("a.b", wrong),
        lambda: widget().__setitem__("a", wrong),
    ]
    for put in puts:
        with pytest.raises(TypeError, match=r"^JSON has no object$"):
            put()
    for binary in (b"x", bytearray(b"x")):
        with pytest.raises(TypeError, match=r"^JSON has no byte"):
            DynamicObject({"a": binary})
    obj = widget(spec={})
    spec = obj.nested_map("spec")
    assert spec is not None
    spec["inner"] = widget()  # type: ignore[assignment]
    assert json.loads(obj.to_wire())["spec"] == {"inner": dict(widget())}
    spec["inner"] = wrong
    with pytest.raises(TypeError, match=r"^JSON has no object$"):
        obj.to_wire()


# ---- a mapping


def test_it_is_a_mapping() -> None:
    obj = widget(spec={"size": 3})
    assert list(obj) == ["apiVersion", "kind", "metadata", "spec"]
    assert len(obj) == 4
    assert obj["spec"] == {"size": 3}
    obj["spec"] = {"size": 4}
    assert obj.get("status") is None
    del obj["spec"]
    assert "spec" not in obj
    assert obj == widget()
    assert obj == dict(widget())
    with pytest.raises(KeyError):
        obj["spec"]


def test_copies_are_whole_and_apart() -> None:
    obj = widget(spec={"size": 3})
    for made in (copy.deepcopy(obj), pickle.loads(pickle.dumps(obj))):
        assert made == obj
        made.set_nested_field("spec.size", 4)
        assert obj.nested_int("spec.size") == 3


def test_its_representation_shows_no_content() -> None:
    obj = widget(data={"password": "hunter2"})
    assert repr(obj) == "<DynamicObject example.com/v1 Widget shop/w>"
    assert repr(obj.metadata) == "<DynamicMetadata with generation, name, namespace, resourceVersion, uid>"
    assert repr(DynamicObject()) == "<DynamicObject>"
    assert repr(DynamicObject().metadata) == "<DynamicMetadata with nothing>"
    assert repr(DynamicObject({"kind": "Node", "metadata": {"name": "n"}})) == "<DynamicObject Node n>"


# ---- what lies deeper

DEEP: dict[str, Any] = {
    "text": "x",
    "int": 3,
    "whole": 3.0,
    "float": 1.5,
    "bool": True,
    "list": [1],
    "map": {"a": 1},
    "null": None,
}
READERS: dict[str, tuple[Callable[[DynamicObject, str], object], set[str]]] = {
    "a string": (DynamicObject.nested_string, {"text"}),
    "an integer": (DynamicObject.nested_int, {"int", "whole"}),
    "a number": (DynamicObject.nested_float, {"int", "whole", "float"}),
    "a boolean": (DynamicObject.nested_bool, {"bool"}),
    "a list": (DynamicObject.nested_list, {"list"}),
    "an object": (DynamicObject.nested_map, {"map"}),
}


@pytest.mark.parametrize("wanted", READERS)
def test_a_value_is_what_it_is_asked_to_be_or_absent_or_an_error(wanted: str) -> None:
    read, fitting = READERS[wanted]
    obj = widget(spec={"deep": DEEP})
    for name, value in DEEP.items():
        path = f"spec.deep.{name}"
        if name in fitting:
            assert read(obj, path) == value
        elif value is None:
            assert read(obj, path) is None
        else:
            with pytest.raises(TypeError, match=rf"^spec\.deep\.{name} is (a|an) \w+, not {wanted}$"):
                read(obj, path)
    for absent in ("spec.deep.other", "spec.other.other", "spec.deep.null.other", "status"):
        assert read(obj, absent) is None


def test_integers_are_integers() -> None:
    found = widget(spec={"size": 3.0}).nested_int("spec.size")
    assert type(found) is int


def test_paths_do_not_lead_through_lists_or_text() -> None:
    obj = widget(spec={"items": [{"a": 1}], "text": "x"})
    with pytest.raises(TypeError, match=r"^spec\.items is a list: spec\.items\.a cannot lead through it$"):
        obj.nested_field("spec.items.a")
    with pytest.raises(TypeError, match=r"^spec\.text is a string: spec\.text\.a\.b cannot lead through it$"):
        obj.set_nested_field("spec.text.a.b", 1)
    with pytest.raises(ValueError, match="not a field path"):
        obj.nested_field("spec..a")


def test_values_are_put_and_taken_away() -> None:
    obj = widget(status=None)
    obj.set_nested_field("spec.template.size", 3)
    obj.set_nested_field("status.ready", value=True)
    obj.set_nested_field("metadata.annotations['example.com/owner']", "x")
    assert obj["spec"] == {"template": {"size": 3}}
    assert obj["status"] == {"ready": True}
    assert obj.metadata.annotations == {"example.com/owner": "x"}
    obj.remove_nested_field("spec.template.size")
    assert obj["spec"] == {"template": {}}
    for nothing in ("spec.template.size", "spec.other.size", "status.ready.more"):
        obj.remove_nested_field(nothing)
    obj.remove_nested_field("status")
    assert "status" not in obj


# ---- what every object has


def test_metadata_by_its_types() -> None:
    owners = [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "o", "controller": True, "new": "x"}]
    obj = widget()
    obj.set_nested_field("metadata.creationTimestamp", "2026-11-25T11:05:35Z")
    obj.set_nested_field("metadata.deletionTimestamp", "2026-11-25T11:05:36Z")
    obj.set_nested_field("metadata.deletionGracePeriodSeconds", 30)
    obj.set_nested_field("metadata.generateName", "w-")
    obj.set_nested_field("metadata.finalizers", ["a/b"])
    obj.set_nested_field("metadata.ownerReferences", owners)
    obj.set_nested_field("metadata.labels", {"app": "web"})
    metadata = obj.metadata
    assert (obj.api_version, obj.kind) == ("example.com/v1", "Widget")
    assert (metadata.name, metadata.namespace, metadata.uid, metadata.resource_version) == ("w", "shop", "u", "7")
    assert (metadata.generation, metadata.generate_name) == (2, "w-")
    assert metadata.creation_timestamp == datetime(2026, 11, 25, 11, 5, 35, tzinfo=UTC)
    assert metadata.deletion_timestamp == datetime(2026, 11, 25, 11, 5, 36, tzinfo=UTC)
    assert metadata.deletion_grace_period_seconds == 30
    assert list(metadata.finalizers) == ["a/b"]
    assert dict(metadata.labels) == {"app": "web"}
    assert object_key(obj) == ObjectKey("shop", "w")
    assert owner_key(obj, "Node") == ObjectKey("shop", "n")
    owner = controller_of(obj)
    assert owner is not None
    assert owner.uid == "o"


@pytest.mark.parametrize("obj", [DynamicObject(), DynamicObject({"metadata": None}), DynamicObject({"metadata": {}})])
def test_what_is_absent_or_null_is_zero(obj: DynamicObject) -> None:
    metadata = obj.metadata
    assert (obj.api_version, obj.kind) == ("", "")
    assert {metadata.name, metadata.namespace, metadata.uid, metadata.resource_version, metadata.generate_name} == {""}
    assert metadata.generation == 0
    assert metadata.creation_timestamp is metadata.deletion_timestamp is None
    assert metadata.deletion_grace_period_seconds is None
    assert not metadata.labels
    assert not metadata.annotations
    assert not metadata.finalizers
    assert not metadata.owner_references
    assert obj.to_wire() in {b"{}", b'{"metadata":null}', b'{"metadata":{}}'}, "reading leaves no traces"


def test_metadata_is_written_into_the_object() -> None:
    obj = DynamicObject()
    obj.api_version, obj.kind = "example.com/v1", "Widget"
    metadata = obj.metadata
    metadata.name, metadata.namespace, metadata.generate_name, metadata.resource_version = "w", "shop", "w-", "8"
    metadata.labels["app"] = "web"
    metadata.annotations = {"a": "b"}
    metadata.annotations["c"] = "d"
    metadata.finalizers = ["x/y"]
    metadata.owner_references = [OwnerReference(api_version="v1", kind="Node", name="n", uid="u", controller=True)]
    assert dict(obj) == {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {
            "name": "w",
            "namespace": "shop",
            "generateName": "w-",
            "resourceVersion": "8",
            "labels": {"app": "web"},
            "annotations": {"a": "b", "c": "d"},
            "finalizers": ["x/y"],
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u", "controller": True}],
        },
    }
    assert "cannot be lost" not in metadata.labels
    del metadata.annotations["a"]
    assert metadata.finalizers == ["x/y"]
    assert repr(metadata.finalizers) == "['x/y']"
    assert repr(metadata.annotations) == "{'c': 'd'}"
    metadata.labels = {}
    metadata.finalizers = []
    metadata.owner_references = ()
    metadata.generate_name = metadata.resource_version = ""
    assert obj["metadata"] == {"name": "w", "namespace": "shop", "annotations": {"c": "d"}}


def test_finalizers_are_a_list_to_work_on() -> None:
    obj = DynamicObject()
    finalizers = obj.metadata.finalizers
    assert add_finalizer(obj, "a")
    assert add_finalizer(obj, "b")
    assert not add_finalizer(obj, "b")
    finalizers[0] = "c"
    finalizers.insert(0, "d")
    assert finalizers == obj.metadata.finalizers == ["d", "c", "b"]
    assert finalizers[1:] == ["c", "b"]
    del finalizers[0]
    assert obj["metadata"] == {"finalizers": ["c", "b"]}
    assert remove_finalizer(obj, "b")
    assert remove_finalizer(obj, "c")
    assert obj["metadata"] == {}, "Go leaves out an empty list, too"
    assert not has_finalizer(obj, "c")
    del finalizers[:]
    with pytest.raises(TypeError, match="unhashable"):
        hash(finalizers)


@pytest.mark.parametrize(
    ("name", "wrong", "said"),
    [
        ("name", 1, "metadata.name is a number, not a string"),
        ("generation", "x", "metadata.generation is a string, not an integer"),
        ("generation", True, "metadata.generation is a boolean, not an integer"),
        ("labels", ["x"], "metadata.labels is a list, not an object"),
        ("labels", {"a": 1}, r"metadata.labels\['a'\] is a number, not a string"),
        ("finalizers", {}, "metadata.finalizers is an object, not a list"),
        ("finalizers", [{}], r"metadata.finalizers\[0\] is an object, not a string"),
        ("owner_references", [1], "metadata.ownerReferences: Expected `object`, got `int`"),
        ("creation_timestamp", False, "metadata.creationTimestamp is a boolean, not a string"),
    ],
)
def test_what_has_another_type_is_said(name: str, wrong: Any, said: str) -> None:
    wire = {"owner_references": "ownerReferences", "creation_timestamp": "creationTimestamp"}.get(name, name)
    obj = DynamicObject({"metadata": {wire: wrong}})
    with pytest.raises(TypeError, match=f"^{said}"):
        dict(getattr(obj.metadata, name))


def test_metadata_that_is_none_is_said() -> None:
    obj = DynamicObject({"metadata": "x", "apiVersion": 1})
    with pytest.raises(TypeError, match=r"^metadata is a string, not an object$"):
        obj.metadata.name
    with pytest.raises(TypeError, match=r"^metadata is a string, not an object$"):
        obj.metadata.labels["a"] = "b"
    with pytest.raises(TypeError, match=r"^apiVersion is a number"):
        obj.api_version
    with pytest.raises(ValueError, match="a time as in RFC 3339"):
        DynamicObject({"metadata": {"creationTimestamp": "today"}}).metadata.creation_timestamp


def test_a_new_object_of_a_resource() -> None:
    obj = DynamicObject.new(WIDGETS, "w", "shop")
    assert dict(obj) == {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": "w", "namespace": "shop"},
    }
    assert DynamicObject.new(NODES, "n")["metadata"] == {"name": "n"}
    with pytest.raises(ValueError, match="cluster-scoped"):
        DynamicObject.new(NODES, "n", "shop")
