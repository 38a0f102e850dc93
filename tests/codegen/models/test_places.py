"""Where schemas go."""

from __future__ import annotations

import random
from typing import Any

from kinform_codegen.models.places import Place, assign_places
from kinform_codegen.spec.references import GVK


def kind(group: str, version: str, name: str) -> dict[str, Any]:
    return {"type": "object", GVK: [{"group": group, "version": version, "kind": name}]}


SCHEMAS: dict[str, dict[str, Any]] = {
    "io.k8s.api.core.v1.Pod": kind("", "v1", "Pod"),
    "io.k8s.api.core.v1.PodSpec": {},
    "io.k8s.api.apiserverinternal.v1alpha1.StorageVersion": kind(
        "internal.apiserver.k8s.io", "v1alpha1", "StorageVersion"
    ),
    "io.k8s.api.apiserverinternal.v1alpha1.StorageVersionSpec": {},
    "io.k8s.api.lonely.v1.Part": {},
    "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": {},
    "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions": {
        GVK: [{"group": "apps", "version": "v1", "kind": "DeleteOptions"}, {"group": "", "version": "v1"}]
    },
    "io.k8s.apimachinery.pkg.version.Info": {},
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps": {},
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition": kind(
        "apiextensions.k8s.io", "v1", "CustomResourceDefinition"
    ),
    "io.istio.networking.v1.Gateway": kind("networking.istio.io", "v1", "Gateway"),
    "io.k8s.networking.gateway.v1.Gateway": kind("gateway.networking.k8s.io", "v1", "Gateway"),
    "io.k8s.api.networking.v1.Ingress": kind("networking.k8s.io", "v1", "Ingress"),
    "com.example.v1.Model": kind("example.com", "v1", "Model"),
    "com.example.v1.widget": kind("example.com", "v1", "widget"),
    "com.example.v1.Widget": kind("example.com", "v1", "Widget"),
}


def test_schemas_go_where_their_group_and_version_are() -> None:
    places = assign_places(SCHEMAS, ["/apis/apps/v1/", "/api/v1/"])
    assert places == {
        "io.k8s.api.core.v1.Pod": Place("core", "v1", "Pod"),
        "io.k8s.api.core.v1.PodSpec": Place("core", "v1", "PodSpec"),
        "io.k8s.api.apiserverinternal.v1alpha1.StorageVersion": Place("internal", "v1alpha1", "StorageVersion"),
        "io.k8s.api.apiserverinternal.v1alpha1.StorageVersionSpec": Place("internal", "v1alpha1", "StorageVersionSpec"),
        "io.k8s.api.lonely.v1.Part": Place("lonely", "v1", "Part"),
        "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": Place("meta", "v1", "ObjectMeta"),
        "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions": Place("meta", "v1", "DeleteOptions"),
        "io.k8s.apimachinery.pkg.version.Info": Place("meta", "v1", "Info"),
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps": Place(
            "apiextensions", "v1", "JSONSchemaProps"
        ),
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition": Place(
            "apiextensions", "v1", "CustomResourceDefinition"
        ),
        "io.istio.networking.v1.Gateway": Place("networking_istio_io", "v1", "Gateway"),
        "io.k8s.networking.gateway.v1.Gateway": Place("gateway", "v1", "Gateway"),
        "io.k8s.api.networking.v1.Ingress": Place("networking", "v1", "Ingress"),
        # Model is what generated modules import; of two classes of one name the first by schema keeps it.
        "com.example.v1.Model": Place("example", "v1", "Model_"),
        "com.example.v1.Widget": Place("example", "v1", "Widget"),
        "com.example.v1.widget": Place("example", "v1", "Widget_"),
    }


def test_places_do_not_depend_on_the_order_of_schemas() -> None:
    expected = assign_places(SCHEMAS, [])
    for seed in range(5):
        items = list(SCHEMAS.items())
        random.Random(seed).shuffle(items)
        assert assign_places(dict(items), []) == expected


def test_versions_and_groups_that_the_schema_s_name_does_not_tell() -> None:
    schemas = {
        "com.example.stable.Widget": kind("example.com", "stable", "Widget"),
        "com.example.v2-beta.Widget": kind("example.com", "v2-beta", "Widget"),
        "com.example.apis.meta.v1.Widget": kind("meta.apis.example.com", "v1", "Widget"),
        "net.3scale.v1.Widget": kind("3scale.net", "v1", "Widget"),
        "io.a-b.v1.Widget": kind("a-b.io", "v1", "Widget"),
        "io.b.a.v1.Widget": kind("a.b.io", "v1", "Widget"),
        "io.istio.networking.v1.Gateway": kind("networking.istio.io", "v1", "Gateway"),
        "io.b.c.v1.ConfigDict": kind("c.b.io", "v1", "ConfigDict"),
    }
    assert assign_places(schemas, []) == {
        "com.example.stable.Widget": Place("example", "stable", "Widget"),
        "com.example.v2-beta.Widget": Place("example", "v2_beta", "Widget"),
        "com.example.apis.meta.v1.Widget": Place("meta_apis_example_com", "v1", "Widget"),
        "net.3scale.v1.Widget": Place("group_3scale", "v1", "Widget"),
        "io.a-b.v1.Widget": Place("a_b", "v1", "Widget"),
        "io.b.a.v1.Widget": Place("a", "v1", "Widget"),
        "io.istio.networking.v1.Gateway": Place("networking_istio_io", "v1", "Gateway"),
        "io.b.c.v1.ConfigDict": Place("c", "v1", "ConfigDict_"),
    }
