from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen.errors import SpecError
from kinform_codegen.settings import Selection
from kinform_codegen.spec.cluster import load_cluster
from kinform_codegen.spec.resources import find_resources
from kinform_codegen.spec.select import select
from kinform_codegen.spec.version import KubernetesVersion

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.codegen.spec.conftest import WebServer

pytestmark = pytest.mark.usefixtures("kubeconfig")

FORBIDDEN = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "not you"}


def complaint(call: Callable[[], object]) -> SpecError:
    with pytest.raises(SpecError) as caught:
        call()
    return caught.value


def parts_of(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The document, cut by group and version as the API server does."""
    parts: dict[str, dict[str, Any]] = {}
    for path, item in document["paths"].items():
        words = path.strip("/").split("/")
        name = "/".join(words[:2] if words[0] == "api" else words[:3])
        part = parts.setdefault(name, {**document, "paths": {}})
        part["paths"][path] = item
    return parts


@pytest.fixture
def parts(web: WebServer, small_document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The small document as a cluster serves it, in parts."""
    parts = parts_of(small_document)
    serve_index(web, list(parts))
    for name, part in parts.items():
        web.answers[f"/openapi/v3/{name}"] = (200, part)
    return parts


def serve_index(web: WebServer, names: list[str]) -> None:
    index = {name: {"serverRelativeURL": f"/openapi/v3/{name}?hash=1%2B2"} for name in names}
    web.answers["/openapi/v3"] = (200, {"paths": index})


def announce(web: WebServer, *group_versions: str) -> None:
    groups = [
        {"name": name.partition("/")[0], "versions": [{"groupVersion": name, "version": name.partition("/")[2]}]}
        for name in group_versions
    ]
    web.answers["/apis"] = (200, {"kind": "APIGroupList", "groups": groups})


@pytest.mark.usefixtures("parts")
def test_it_is_read_from_its_index_and_merged(small_document: dict[str, Any]) -> None:
    spec = load_cluster()
    assert spec.version == KubernetesVersion(1, 30)
    assert spec.document["components"] == {"schemas": small_document["components"]["schemas"]}
    assert len(find_resources(spec).typed) == 5
    assert spec.notes == ()
    # The context is named where it was given.
    assert load_cluster("production").source == "cluster (context production)"


def test_without_v3_it_is_read_by_v2(web: WebServer, small_document: dict[str, Any]) -> None:
    web.answers["/openapi/v2"] = (200, small_document)
    assert len(find_resources(load_cluster()).typed) == 5
    assert web.requests[:2] == ["/openapi/v3", "/openapi/v2"]


def test_where_v3_is_forbidden_v2_may_not_be(web: WebServer, small_document: dict[str, Any]) -> None:
    web.answers["/openapi/v3"] = (403, FORBIDDEN)
    web.answers["/openapi/v2"] = (200, small_document)
    assert len(find_resources(load_cluster()).typed) == 5


def test_a_cluster_that_refuses_says_what_is_needed(web: WebServer) -> None:
    web.answers["/openapi/v3"] = web.answers["/openapi/v2"] = (403, FORBIDDEN)
    error = complaint(load_cluster)
    assert "not you" in error.problem
    assert "/openapi/v3/*" in error.mend
    assert "system:discovery" in error.mend


def test_a_context_that_is_not_there() -> None:
    error = complaint(lambda: load_cluster("nowhere"))
    assert error.source == "cluster (context nowhere)"
    assert "nowhere" in error.problem


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((403, FORBIDDEN), "403 not you"),
        ((503, {"kind": "Status", "code": 503, "message": "service unavailable"}), "503 service unavailable"),
        ((200, b"oops"), "is not JSON"),
        ((200, {"openapi": "3.0.0", "paths": {}}), "holds no paths"),
    ],
)
def test_a_group_that_cannot_be_had_is_told_and_left_out(
    web: WebServer, parts: dict[str, dict[str, Any]], answer: tuple[int, object], why: str
) -> None:
    serve_index(web, [*parts, "apis/metrics.k8s.io/v1beta1"])
    web.answers["/openapi/v3/apis/metrics.k8s.io/v1beta1"] = answer
    spec = load_cluster()
    assert len(find_resources(spec).typed) == 5
    (note,) = spec.notes
    assert note.startswith("metrics.k8s.io/v1beta1 is left out: ")
    assert why in note


def test_a_group_with_a_reference_to_nothing_spoils_no_other(web: WebServer, parts: dict[str, dict[str, Any]]) -> None:
    broken = {
        "openapi": "3.0.0",
        "paths": {"/apis/a.io/v1/things": {"get": {"responses": {"200": {"$ref": "#/components/schemas/gone"}}}}},
        "components": {"schemas": {"here": {"type": "object"}}},
    }
    serve_index(web, [*parts, "apis/a.io/v1"])
    web.answers["/openapi/v3/apis/a.io/v1"] = (200, broken)
    spec = load_cluster()
    assert len(find_resources(spec).typed) == 5
    assert "points to nothing" in spec.notes[0]


def test_where_nothing_can_be_had_it_is_an_error_that_names_all(web: WebServer) -> None:
    serve_index(web, ["api/v1", "apis/apps/v1"])
    for name in ("api/v1", "apis/apps/v1"):
        web.answers[f"/openapi/v3/{name}"] = (403, FORBIDDEN)
    error = complaint(load_cluster)
    assert "core/v1: " in error.problem
    assert "apps/v1: " in error.problem
    assert "not you" in error.problem


def test_what_is_announced_and_not_described_is_told(web: WebServer, parts: dict[str, dict[str, Any]]) -> None:
    served = [name.removeprefix("apis/") for name in parts if name.startswith("apis/")]
    announce(web, *served, "metrics.k8s.io/v1beta1")
    (note,) = load_cluster().notes
    assert note.startswith("metrics.k8s.io/v1beta1 is left out: the cluster announces it")


@pytest.mark.usefixtures("parts")
def test_only_the_groups_that_are_asked_for_are_read(web: WebServer) -> None:
    announce(web, "metrics.k8s.io/v1beta1")
    spec = load_cluster(groups=["core"])
    assert {resource.group for resource in find_resources(spec).typed} == {""}
    assert not [path for path in web.requests if path.startswith("/openapi/v3/apis/")]
    assert spec.notes == ()


def test_the_models_of_discovery_are_read_too_save_where_groups_are_chosen(
    web: WebServer, parts: dict[str, dict[str, Any]]
) -> None:
    serve_index(web, [*parts, "apis"])
    info = {"type": "object", "properties": {"name": {"type": "string"}}}
    document = {"openapi": "3.0.0", "paths": {"/apis/": {"get": {}}}, "components": {"schemas": {"APIGroup": info}}}
    web.answers["/openapi/v3/apis"] = (200, document)
    components: Any = load_cluster().document["components"]
    assert components["schemas"]["APIGroup"] == info
    web.requests.clear()
    load_cluster(groups=["core"])
    assert [path for path in web.requests if path.startswith("/openapi/v3/")] == ["/openapi/v3/api/v1"]


@pytest.mark.usefixtures("parts")
def test_a_group_that_is_not_there() -> None:
    error = complaint(lambda: load_cluster(groups=["example.org"]))
    assert "describes no group of example.org" in error.problem
    assert "kubectl api-versions" in error.mend


def test_a_group_that_is_asked_for_and_down_is_told_with_its_reason(web: WebServer, parts: dict[str, Any]) -> None:
    announce(web, "down.example.com/v1")
    spec = load_cluster(groups=["core", "down.example.com"])
    assert [*spec.left_out] == ["down.example.com/v1"]
    found = find_resources(spec).typed
    assert select(found, Selection(groups=("core", "down.example.com")), spec.left_out) == found
    assert select(found, Selection(include=("core", "down.*/v1")), spec.left_out) == found
    error = complaint(lambda: load_cluster(groups=["down.example.com"]))
    assert "the cluster announces it" in error.problem
