from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen.errors import SpecError
from kinform_codegen.spec.load import load_spec
from kinform_codegen.spec.resources import ApiResource, find_resources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kinform_codegen.spec.load import Spec

    AsSpec = Callable[[object], Spec]


def by_plural(spec: Spec) -> dict[str, ApiResource]:
    return {resource.plural: resource for resource in find_resources(spec).typed}


def test_verbs_scope_and_kind_come_from_the_paths(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    found = by_plural(as_spec(small_document))
    assert sorted(found) == ["clusters", "componentstatuses", "nodes", "pods", "tokenreviews"]
    pods = found["pods"]
    assert (pods.group, pods.version, pods.kind, pods.namespaced) == ("", "v1", "Pod", True)
    assert pods.schema == "io.k8s.api.core.v1.Pod"
    assert pods.verbs == {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}
    assert not found["nodes"].namespaced
    assert found["tokenreviews"].verbs == {"create"}
    assert found["clusters"].group == "example.com"


def test_only_what_can_be_listed_and_watched_is_cacheable(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    found = by_plural(as_spec(small_document))
    # The list of component statuses has the watch parameter, as all lists have; its /watch/ path is missing.
    assert found["componentstatuses"].verbs == {"get", "list"}
    assert {plural for plural, resource in found.items() if resource.cacheable} == {"pods", "nodes", "clusters"}


def test_custom_resources_have_no_watch_paths_and_are_watched(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    assert by_plural(as_spec(small_document))["clusters"].cacheable
    # A read-only aggregated API (metrics) has no watch paths either, and no watch.
    for path in [path for path in small_document["paths"] if "example.com" in path]:
        for method in ("post", "put", "patch", "delete"):
            small_document["paths"][path].pop(method, None)
    assert not by_plural(as_spec(small_document))["clusters"].cacheable


def test_typed_subresources_stay_and_untyped_ones_go(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    pods = by_plural(as_spec(small_document))["pods"]
    assert [(each.name, each.verb) for each in pods.subresources] == [
        ("ephemeralcontainers", "get"),
        ("ephemeralcontainers", "patch"),
        ("ephemeralcontainers", "update"),
        ("eviction", "create"),
        ("status", "get"),
        ("status", "patch"),
        ("status", "update"),
    ]
    eviction = next(each for each in pods.subresources if each.name == "eviction")
    assert (eviction.body, eviction.response) == ("io.k8s.api.policy.v1.Eviction",) * 2


def test_two_kinds_of_one_resource_are_an_error(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    operation = small_document["paths"]["/api/v1/nodes/{name}"]["put"]
    operation["x-kubernetes-group-version-kind"]["kind"] = "Knot"
    with pytest.raises(SpecError) as caught:
        find_resources(as_spec(small_document))
    assert "'Knot'" in caught.value.problem
    assert "'Node'" in caught.value.problem
    assert caught.value.pointer == "#/paths/~1api~1v1~1nodes~1{name}/put/x-kubernetes-group-version-kind/kind"


def test_names_that_could_break_out_of_the_code_are_an_error(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    paths = small_document["paths"]
    paths['/apis/evil.io/v1/"+exit()+"'] = paths["/api/v1/nodes"]
    with pytest.raises(SpecError, match="no name of a resource"):
        find_resources(as_spec(small_document))


def test_untyped_resources_are_told(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    small_document["paths"]["/apis/metrics.io/v1/things"] = {
        "get": {"responses": {"200": {"description": "OK", "content": {"application/json": {"schema": {}}}}}},
    }
    found = find_resources(as_spec(small_document))
    assert found.untyped == ["/apis/metrics.io/v1/things"]
    assert all(resource.plural != "things" for resource in found.typed)


def test_no_resource_at_all(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    small_document["paths"] = {"/version/": {"get": {"responses": {}}}}
    with pytest.raises(SpecError, match="describes no resource"):
        find_resources(as_spec(small_document))


@pytest.mark.parametrize(("version", "listable", "cacheable"), [("v1.30", 71, 70), ("v1.37", 93, 92)])
def test_the_kinds_of_the_bundled_specs(repository: Path, version: str, listable: int, cacheable: int) -> None:
    found = find_resources(load_spec(str(repository / "openapi" / f"{version}.json"))).typed
    assert sum("list" in resource.verbs for resource in found) == listable
    assert sum(resource.cacheable for resource in found) == cacheable
    not_watched = [resource.kind for resource in found if "list" in resource.verbs and not resource.cacheable]
    assert not_watched == ["ComponentStatus"]


def test_orders_are_what_can_only_be_posted_and_has_no_status(repository: Path) -> None:
    """Binding and Eviction: the server answers them with a Status, though every specification says otherwise."""
    for version in ("v1.30", "v1.37"):
        found = find_resources(load_spec(str(repository / "openapi" / f"{version}.json"))).typed
        assert [each.kind for each in found if not each.kept] == ["Binding"]
        orders = [(each.kind, sub.name) for each in found for sub in each.subresources if not sub.answered]
        assert orders == [("Pod", "binding"), ("Pod", "eviction")]
        posted = {sub.name for each in found for sub in each.subresources if sub.verb == "create"}
        assert posted == {"binding", "eviction", "token"}


@pytest.mark.parametrize(
    "name", ['x", Pod), __import__("os").system("x"), ("', "x y", 'a"', "ä", "\\", "\n", "", "{{ 7*7 }}", "'", "a\x00"]
)
def test_a_subresource_s_name_cannot_break_out_either(
    small_document: dict[str, Any], as_spec: AsSpec, name: str
) -> None:
    paths = small_document["paths"]
    paths[f"/api/v1/namespaces/{{namespace}}/pods/{{name}}/{name}x y"] = paths["/api/v1/nodes/{name}"]
    with pytest.raises(SpecError, match="no name of a resource"):
        find_resources(as_spec(small_document))
