from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kinform.factory import InformerFactory
from kinform.lister import ClusterLister, NamespacedLister
from kinform_codegen.errors import SpecError
from kinform_codegen.plan import FACTORY_NAMES, LISTER_NAMES, PackagePlan, ResourcePlan, make_plan
from kinform_codegen.revision import OUTPUT_REVISION
from kinform_codegen.spec.resources import find_resources

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform_codegen.spec.load import Spec

    AsSpec = Callable[[object], Spec]


def plan_of(spec: Spec) -> PackagePlan:
    return make_plan(spec, find_resources(spec).typed, package="kinform_k8s")


def resource(plan: PackagePlan, plural: str) -> ResourcePlan:
    return next(each for each in plan.resources if each.api.plural == plural)


def renamed(document: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """The document with a text replaced everywhere."""
    changed: dict[str, Any] = json.loads(json.dumps(document).replace(old, new))
    return changed


def test_names_of_a_resource(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    pods = resource(plan_of(as_spec(small_document)), "pods")
    assert (pods.accessor, pods.constant, pods.module, pods.kind_class) == ("pods", "PODS", "pod", "Pod")
    assert (pods.client_class, pods.informer_class) == ("PodClient", "PodInformer")
    assert (pods.lister_class, pods.namespace_lister_class) == ("PodLister", "PodNamespaceLister")


def test_subresources_take_their_word_borders_from_the_fields(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    pods = resource(plan_of(as_spec(small_document)), "pods")
    assert [each.method for each in pods.subresources] == [
        "get_ephemeral_containers",
        "patch_ephemeral_containers",
        "update_ephemeral_containers",
        "create_eviction",
    ]
    assert pods.subresources[-1].body_parameter == "eviction"


def test_names_of_groups_and_versions(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    plan = plan_of(as_spec(small_document))
    assert [(group.accessor, group.class_prefix) for group in plan.groups] == [
        ("authentication", "Authentication"),
        ("core", "Core"),
        ("example", "Example"),
    ]
    assert [(gv.clientset_accessor, gv.class_prefix, gv.module) for gv in plan.group_versions] == [
        ("authentication_v1", "AuthenticationV1", "authentication.v1"),
        ("core_v1", "CoreV1", "core.v1"),
        ("example_v1", "ExampleV1", "example.v1"),
    ]
    # Nothing to follow in authentication: no informers, no accessor.
    assert [group.folder for group in plan.groups if group.cacheable_versions] == ["core", "example"]


def test_the_version_follows_kubernetes(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    assert plan_of(as_spec(small_document)).version == f"1.30.{OUTPUT_REVISION}"
    small_document["info"]["version"] = "unversioned"
    plan = plan_of(as_spec(small_document))
    assert (plan.version, plan.origin) == ("0.0.0", "Kubernetes")


def test_names_that_the_runtime_has_get_an_underscore(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    document = renamed(renamed(small_document, "clusters", "keys"), '"Cluster"', '"Key"')
    keys = resource(plan_of(as_spec(document)), "keys")
    assert (keys.accessor, keys.namespace_accessor) == ("keys", "keys_")
    document = renamed(small_document, "example.com", "start.com")
    assert [group.accessor for group in plan_of(as_spec(document)).groups] == ["authentication", "core", "start_"]


def test_no_public_name_of_the_runtime_is_forgotten() -> None:
    assert {name for name in dir(InformerFactory) if not name.startswith("_")} <= FACTORY_NAMES
    assert {name for name in dir(ClusterLister) + dir(NamespacedLister) if not name.startswith("_")} <= LISTER_NAMES


@pytest.mark.parametrize(("kind", "what"), [("Pod", "class"), ("POD", "module")])
def test_two_kinds_that_want_one_name(small_document: dict[str, Any], as_spec: AsSpec, kind: str, what: str) -> None:
    document = renamed(small_document, '"kind": "Node"', f'"kind": "{kind}"')
    with pytest.raises(SpecError) as caught:
        plan_of(as_spec(document))
    error = caught.value
    assert f"kinds {kind!r} (/api/v1/nodes) and 'Pod' (/api/v1/namespaces/{{namespace}}/pods)" in error.problem
    assert what in error.problem
    assert error.pointer == "#/paths/~1api~1v1~1namespaces~1{namespace}~1pods"
    assert "--exclude core/v1/pods" in error.mend
