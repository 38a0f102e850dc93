"""Keys, owners, and the paths of resources."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform.meta import ObjectKey, Resource, controller_of, object_key, owner_key

PODS = Resource("", "v1", "pods", "Pod", namespaced=True)
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
WIDGETS = Resource("example.com", "v1beta1", "widgets", "Widget", namespaced=True)


@pytest.mark.scenario("L03")
@given(st.text("abc/", max_size=8))
def test_a_key_is_read_back_from_its_text(text: str) -> None:
    """Two slashes are none; a leading one, of an object without namespace, is not written again."""
    if text.count("/") > 1:
        with pytest.raises(ValueError, match="is not an object key"):
            ObjectKey.parse(text)
    else:
        key = ObjectKey.parse(text)
        assert str(key) == text.removeprefix("/")
        assert ObjectKey.parse(str(key)) == key


def test_keys_are_values() -> None:
    assert ObjectKey("shop", "a") == ("shop", "a")
    assert len({ObjectKey("shop", "a"), ObjectKey("shop", "a"), ObjectKey("", "a")}) == 2
    assert [str(ObjectKey("shop", "a")), str(ObjectKey("", "a"))] == ["shop/a", "a"]


def _owned(*owners: tuple[str, str, bool | None]) -> Any:
    references = [SimpleNamespace(kind=kind, name=name, controller=controller) for kind, name, controller in owners]
    return SimpleNamespace(metadata=SimpleNamespace(name="a", namespace="shop", owner_references=references))


def test_the_controlling_owner_is_the_one_that_says_so() -> None:
    obj = _owned(("Node", "n1", None), ("ReplicaSet", "rs", True), ("Job", "j", False))
    assert object_key(obj) == ObjectKey("shop", "a")
    controller = controller_of(obj)
    assert controller is not None
    assert controller.name == "rs"
    assert owner_key(obj, "ReplicaSet") == ObjectKey("shop", "rs")
    assert owner_key(obj, "Job") is None, "it owns, but does not control"
    assert controller_of(_owned(("Job", "j", False))) is None
    assert owner_key(_owned(), "ReplicaSet") is None


def test_paths() -> None:
    assert PODS.path() == "/api/v1/pods"
    assert PODS.path("shop", "a", "log") == "/api/v1/namespaces/shop/pods/a/log"
    assert NODES.path(name="n 1") == "/api/v1/nodes/n%201"
    assert WIDGETS.path("shop") == "/apis/example.com/v1beta1/namespaces/shop/widgets"
    assert [str(PODS), str(WIDGETS)] == ["pods/v1", "widgets.example.com/v1beta1"]
    assert [PODS.api_version, WIDGETS.api_version] == ["v1", "example.com/v1beta1"]
    with pytest.raises(ValueError, match="cluster-scoped"):
        NODES.path("shop")


@pytest.mark.parametrize("segment", ["..", ".", "a/b", "%2e%2e", "a%2Fb"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_no_segment_leaves_its_place(segment: str, place: int) -> None:
    segments = ["shop", "a", "log"]
    segments[place] = segment
    with pytest.raises(ValueError, match="cannot be part of a path"):
        PODS.path(*segments)
