from __future__ import annotations

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform_codegen.naming import (
    class_name,
    constant_name,
    group_folder,
    group_folders,
    module_name_for_kind,
    plural_accessor,
    python_name,
    snake_case,
    split_words,
    version_folder,
)


@pytest.mark.parametrize(
    ("wire", "python"),
    [
        ("nodeName", "node_name"),
        ("podIP", "pod_ip"),
        ("podIPs", "pod_ips"),
        ("podCIDRs", "pod_cidrs"),
        ("clusterIPs", "cluster_ips"),
        ("nonResourceURLs", "non_resource_urls"),
        ("targetWWNs", "target_wwns"),
        ("openAPIV3Schema", "open_api_v3_schema"),
        ("serverAddressByClientCIDRs", "server_address_by_client_cidrs"),
        ("stubPKCS10Request", "stub_pkcs10_request"),
        ("currentCPUUtilizationPercentage", "current_cpu_utilization_percentage"),
        ("setHostnameAsFQDN", "set_hostname_as_fqdn"),
        ("fieldsV1", "fields_v1"),
        ("scaleIO", "scale_io"),
        ("x-kubernetes-embedded-resource", "x_kubernetes_embedded_resource"),
        ("$ref", "ref"),
        ("IPv4Address", "ipv4_address"),
        ("v1beta1", "v1beta1"),
        ("sha256sum", "sha256sum"),
        ("foo_bar", "foo_bar"),
        ("EC2Instance", "ec2_instance"),
    ],
)
def test_fields_are_split_at_their_words(wire: str, python: str) -> None:
    assert snake_case(wire) == python


@pytest.mark.parametrize(
    ("kind", "module"),
    [
        ("Pod", "pod"),
        ("ReplicaSet", "replica_set"),
        ("APIService", "api_service"),
        ("CSIDriver", "csi_driver"),
        ("IPAddress", "ip_address"),
        ("ServiceCIDR", "service_cidr"),
        ("Endpoints", "endpoints"),
        ("Import", "import_"),
    ],
)
def test_modules_are_named_after_the_kind(kind: str, module: str) -> None:
    assert module_name_for_kind(kind) == module


@pytest.mark.parametrize(
    ("plural", "kind", "accessor"),
    [
        ("pods", "Pod", "pods"),
        ("replicasets", "ReplicaSet", "replica_sets"),
        ("endpoints", "Endpoints", "endpoints"),
        ("endpointslices", "EndpointSlice", "endpoint_slices"),
        ("ingresses", "Ingress", "ingresses"),
        ("ingressclasses", "IngressClass", "ingress_classes"),
        ("networkpolicies", "NetworkPolicy", "network_policies"),
        ("csistoragecapacities", "CSIStorageCapacity", "csi_storage_capacities"),
        ("servicecidrs", "ServiceCIDR", "service_cidrs"),
        ("apiservices", "APIService", "api_services"),
        ("componentstatuses", "ComponentStatus", "component_statuses"),
        ("resourceclaimparameters", "ResourceClaimParameters", "resource_claim_parameters"),
        # Plural and kind that do not go together: the plural stays as the API has it.
        ("pods", "PodMetrics", "pods"),
        ("whatever", "NetworkPolicy", "whatever"),
        ("networkthings", "NetworkPolicy", "networkthings"),
        ("alertmanager-configs", "AlertmanagerConfig", "alertmanager_configs"),
    ],
)
def test_plurals_get_their_word_borders_from_the_kind(plural: str, kind: str, accessor: str) -> None:
    assert plural_accessor(plural, kind) == accessor


def test_keywords_and_reserved_names_get_an_underscore() -> None:
    assert python_name("from") == "from_"
    assert python_name("keys", reserved={"keys"}) == "keys_"
    assert python_name("keys") == "keys"
    assert python_name("1st") == "_1st"


def test_groups_and_versions_that_begin_with_a_digit() -> None:
    """Classes are called after them, and the class generator renames modules that begin with an underscore."""
    assert group_folder("3scale.net") == "group_3scale"
    assert group_folder("-x") == "group_x"
    assert version_folder("1") == "v1"


def test_classes_keep_the_kind() -> None:
    assert class_name("CSIDriver") == "CSIDriver"
    assert class_name("my-kind") == "Mykind"
    assert class_name("__class__") == "Class__"
    assert constant_name("replica_sets") == "REPLICA_SETS"
    assert version_folder("v1beta1") == "v1beta1"


@pytest.mark.parametrize(
    ("group", "folder"),
    [
        ("", "core"),
        ("apps", "apps"),
        ("rbac.authorization.k8s.io", "rbac"),
        ("networking.k8s.io", "networking"),
        ("internal.apiserver.k8s.io", "internal"),
        ("cert-manager.io", "cert_manager"),
    ],
)
def test_groups_take_their_first_label(group: str, folder: str) -> None:
    assert group_folder(group) == folder


def test_groups_of_one_first_label_are_told_apart() -> None:
    folders = group_folders(
        ["", "policy", "networking.k8s.io", "networking.istio.io", "policy.a.io", "x.a.io", "x.b.io", "meta.a.io"],
    )
    assert folders == {
        "": "core",
        "policy": "policy",
        "networking.k8s.io": "networking",
        "networking.istio.io": "networking_istio_io",
        "policy.a.io": "policy_a_io",
        "x.a.io": "x_a_io",
        "x.b.io": "x_b_io",
        "meta.a.io": "meta_a_io",
    }


def test_a_custom_group_never_renames_a_built_in_one() -> None:
    built_in = ["", "apps", "networking.k8s.io", "events.k8s.io"]
    alone = group_folders(built_in)
    for custom in ("networking.istio.io", "events.a.io", "core.a.io", "apps.a.io"):
        together = group_folders([*built_in, custom])
        assert {group: together[group] for group in built_in} == alone


def test_built_in_groups_never_rename_a_custom_one() -> None:
    """A package of custom resources alone has the same modules as one with the built-in kinds."""
    built_in = ["", "apps", "policy", "networking.k8s.io", "events.k8s.io", "internal.apiserver.k8s.io"]
    custom = ["networking.istio.io", "events.a.io", "core.a.io", "policy.a.io", "internal.a.io", "x.a.io"]
    assert group_folders(custom).items() <= group_folders([*built_in, *custom]).items()


@given(st.text(alphabet="abcXYZ019_-$.", min_size=1, max_size=20))
def test_words_lose_no_letter(name: str) -> None:
    letters = "".join(char for char in name if char.isalnum())
    assert "".join(split_words(name)) == letters


@given(st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,19}", fullmatch=True))
def test_every_kind_gives_names_that_python_takes(kind: str) -> None:
    for name in (module_name_for_kind(kind), class_name(kind), python_name(plural_accessor(kind.lower(), kind))):
        assert name.isidentifier()
        assert not keyword.iskeyword(name)


@given(st.lists(st.from_regex(r"[ab]{1,2}([.-][ab]){0,2}(\.k8s\.io)?", fullmatch=True), unique=True))
def test_no_two_groups_share_a_folder(groups: list[str]) -> None:
    folders = group_folders(groups)
    assert len(set(folders.values())) == len(groups)
