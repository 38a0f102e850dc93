from __future__ import annotations

import json
from typing import Any

import pytest

from kinform_codegen.errors import SpecError
from kinform_codegen.spec.load import parse_spec
from kinform_codegen.spec.resources import find_resources

POD = "io.k8s.api.core.v1.Pod"


def to_swagger(document: dict[str, Any]) -> dict[str, Any]:
    """The small specification as Swagger v2: what the converter must undo."""
    text = json.dumps(document).replace("#/components/schemas/", "#/definitions/")
    document = json.loads(text)
    shared = {"watch-X": {"in": "query", "name": "watch", "type": "boolean"}}
    for item in document["paths"].values():
        for operation in item.values():
            parameters: list[dict[str, Any]] = [
                {"$ref": "#/parameters/watch-X"} for _ in operation.pop("parameters", [])
            ]
            if body := operation.pop("requestBody", None):
                schema = body["content"]["*/*"]["schema"]
                parameters.append({"in": "body", "name": "body", "required": True, "schema": schema})
            if parameters:
                operation["parameters"] = parameters
            operation["consumes"] = ["*/*"]
            operation["produces"] = ["application/json", "application/yaml"]
            for response in operation["responses"].values():
                if content := response.pop("content", None):
                    response["schema"] = content["application/json"]["schema"]
    for schema in document["components"]["schemas"].values():
        for shape in schema.get("properties", {}).values():
            if "allOf" in shape:
                shape.update(shape.pop("allOf")[0])
                shape.pop("default", None)
    return {
        "swagger": "2.0",
        "info": document["info"],
        "paths": document["paths"],
        "definitions": document["components"]["schemas"],
        "parameters": shared,
    }


def converted(document: dict[str, Any]) -> dict[str, Any]:
    return parse_spec(json.dumps(document).encode(), "swagger.json").document


def test_the_same_resources_are_found_in_both_forms(small_document: dict[str, Any]) -> None:
    swagger = to_swagger(small_document)
    from_v2 = find_resources(parse_spec(json.dumps(swagger).encode(), "swagger.json"))
    from_v3 = find_resources(parse_spec(json.dumps(small_document).encode(), "spec.json"))
    assert from_v2 == from_v3


def test_schemas_come_out_as_the_api_server_writes_them(small_document: dict[str, Any]) -> None:
    swagger = to_swagger(small_document)
    swagger["definitions"][POD]["properties"]["port"] = {
        "type": "string",
        "format": "int-or-string",
        "description": "name or number",
    }
    swagger["definitions"][POD]["properties"]["byName"] = {
        "type": "object",
        "additionalProperties": {"$ref": f"#/definitions/{POD}"},
    }
    schemas = converted(swagger)["components"]["schemas"]
    properties = schemas[POD]["properties"]
    assert properties["metadata"] == {"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
    assert properties["port"] == {
        "format": "int-or-string",
        "oneOf": [{"type": "integer"}, {"type": "string"}],
        "description": "name or number",
    }
    assert properties["byName"]["additionalProperties"] == {"$ref": f"#/components/schemas/{POD}"}
    assert schemas[POD]["x-kubernetes-group-version-kind"] == [{"group": "", "version": "v1", "kind": "Pod"}]


def test_a_described_reference_is_wrapped(small_document: dict[str, Any]) -> None:
    swagger = to_swagger(small_document)
    swagger["definitions"][POD]["properties"]["metadata"]["description"] = "about it"
    schema = converted(swagger)["components"]["schemas"][POD]["properties"]["metadata"]
    assert schema == {
        "allOf": [{"$ref": "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}],
        "description": "about it",
    }


def test_bodies_and_shared_parameters(small_document: dict[str, Any]) -> None:
    swagger = to_swagger(small_document)
    path = "/api/v1/namespaces/{namespace}/pods/{name}/eviction"
    document = converted(swagger)
    eviction = {"$ref": "#/components/schemas/io.k8s.api.policy.v1.Eviction"}
    operation = document["paths"][path]["post"]
    assert operation["requestBody"] == {"content": {"*/*": {"schema": eviction}}, "required": True}
    assert operation["responses"]["200"]["content"]["application/json"] == {"schema": eviction}
    parameters = document["paths"]["/api/v1/nodes"]["get"]["parameters"]
    assert parameters == [{"in": "query", "name": "watch", "schema": {"type": "boolean"}}]


def test_a_shared_body_parameter(small_document: dict[str, Any]) -> None:
    swagger = to_swagger(small_document)
    operation = swagger["paths"]["/api/v1/nodes/{name}"]["put"]
    swagger["parameters"]["body-X"] = operation["parameters"].pop()
    operation["parameters"].append({"$ref": "#/parameters/body-X"})
    node = {"$ref": "#/components/schemas/io.k8s.api.core.v1.Node"}
    assert converted(swagger)["paths"]["/api/v1/nodes/{name}"]["put"]["requestBody"]["content"]["*/*"]["schema"] == node


def test_a_shared_parameter_that_is_not_there(small_document: dict[str, Any]) -> None:
    swagger = to_swagger(small_document)
    swagger["parameters"] = {}
    with pytest.raises(SpecError) as caught:
        converted(swagger)
    assert "'#/parameters/watch-X' points to nothing" in caught.value.problem
    assert caught.value.pointer.endswith("/parameters/0/$ref")
