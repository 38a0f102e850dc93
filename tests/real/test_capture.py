"""Capturing from a real API server: custom resources and all, without contradictions between the documents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kinform.testing import ControlPlane
from kinform_codegen.capture import capture, fetch_from_cluster, layout, merge_documents, read_documents

if TYPE_CHECKING:
    from pathlib import Path

WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "description": "A widget.",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "description": "What is wanted.",
                                "properties": {"description": {"type": "string", "description": "In words."}},
                            },
                        },
                    },
                },
            },
        ],
    },
}


def test_custom_resources_are_captured_beside_the_built_in_ones(control_plane: ControlPlane, tmp_path: Path) -> None:
    output = tmp_path / "spec.json"
    with ControlPlane(control_plane.version) as own:
        own.kubectl("create", "--filename", "-", input=json.dumps(WIDGETS))
        own.kubectl("wait", "--for", "condition=established", "crd/widgets.example.com")
        with fetch_from_cluster(kubeconfig=str(own.kubeconfig)) as fetch:
            report = capture(fetch, output)
            again = read_documents(fetch)
    assert report.version == own.version
    assert not report.unavailable
    assert output.read_text() == layout(merge_documents(again.documents, version=again.version))
    spec: Any = json.loads(output.read_text())
    assert spec["components"]["schemas"]["com.example.v1alpha1.Widget"]["properties"]["spec"] == {
        "type": "object",
        "properties": {"description": {"type": "string"}},
    }
    actions = {
        operation.get("x-kubernetes-action")
        for path in ("", "/{name}")
        for method, operation in spec["paths"][
            f"/apis/example.com/v1alpha1/namespaces/{{namespace}}/widgets{path}"
        ].items()
        if method != "parameters"
    }
    assert {"list", "post", "get", "put", "patch", "delete", "deletecollection"} == actions
    assert "io.k8s.api.core.v1.Pod" in spec["components"]["schemas"]
    assert "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService" in spec["components"]["schemas"]
