"""Server-side apply, and who owns what after which write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.contract.conftest import JSON_PATCH, MERGE
from tests.contract.test_definitions import Gadgets, gadgets
from tests.contract.test_objects import deployment, named

if TYPE_CHECKING:
    from tests.contract.conftest import Answer, Api

__all__ = ["gadgets"]


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", **named(name), "data": data}


def owners(answer: Answer) -> dict[tuple[str, str, str], Any]:
    """The fields by manager, operation and subresource."""
    return {
        (entry["manager"], entry["operation"], entry.get("subresource", "")): entry["fieldsV1"]
        for entry in answer.metadata.get("managedFields", [])
    }


def owned(*names: str, dot: bool = False) -> dict[str, Any]:
    return {"f:data": {**({".": {}} if dot else {}), **{f"f:{name}": {} for name in names}}}


# ---- config maps: a map


def test_apply_creates_and_owns(api: Api) -> None:
    made = api.apply(f"{api.maps}/a", config_map("a", x="1"), "me")
    assert (made.code, made.json["data"]) == (201, {"x": "1"})
    assert owners(made) == {("me", "Apply", ""): owned("x")}
    entry = made.metadata["managedFields"][0]
    assert set(entry) == {"manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1"}
    assert (entry["apiVersion"], entry["fieldsType"]) == ("v1", "FieldsV1")
    again = api.apply(f"{api.maps}/a", config_map("a", x="1"), "me")
    assert (again.code, again.revision) == (200, made.revision)


def test_what_is_applied_no_longer_goes(api: Api) -> None:
    api.apply(f"{api.maps}/a", config_map("a", x="1", y="2"), "me")
    api.apply(f"{api.maps}/a", config_map("a", z="3"), "you")
    less = api.apply(f"{api.maps}/a", config_map("a", x="1"), "me")
    assert less.json["data"] == {"x": "1", "z": "3"}
    assert owners(less) == {("me", "Apply", ""): owned("x"), ("you", "Apply", ""): owned("z")}


def test_what_two_apply_alike_stays_until_both_let_go(api: Api) -> None:
    api.apply(f"{api.maps}/a", config_map("a", x="1"), "me")
    api.apply(f"{api.maps}/a", config_map("a", x="1"), "you")
    assert api.apply(f"{api.maps}/a", config_map("a"), "me").json["data"] == {"x": "1"}
    assert not api.apply(f"{api.maps}/a", config_map("a"), "you").json.get("data")


def test_conflicts(api: Api) -> None:
    api.apply(f"{api.maps}/a", config_map("a", x="1", y="1"), "me")
    one = api.apply(f"{api.maps}/a", config_map("a", x="2"), "you")
    assert one.refusal == (409, "Conflict", [("FieldManagerConflict", ".data.x")])
    assert one.json["message"] == 'Apply failed with 1 conflict: conflict with "me": .data.x'
    assert one.json["details"]["causes"][0]["message"] == 'conflict with "me"'
    two = api.apply(f"{api.maps}/a", config_map("a", x="2", y="2"), "you")
    assert two.refusal[2] == [("FieldManagerConflict", ".data.x"), ("FieldManagerConflict", ".data.y")]
    assert two.json["message"] == 'Apply failed with 2 conflicts: conflicts with "me":\n- .data.x\n- .data.y'
    forced = api.apply(f"{api.maps}/a", config_map("a", x="2"), "you", force="true")
    assert forced.json["data"] == {"x": "2", "y": "1"}
    assert owners(forced) == {("me", "Apply", ""): owned("y"), ("you", "Apply", ""): owned("x")}


def test_conflicts_with_an_update(api: Api) -> None:
    made = api.post(api.maps, config_map("a", x="1"))
    assert owners(made) == {("contract", "Update", ""): owned("x", dot=True)}
    refused = api.apply(f"{api.maps}/a", config_map("a", x="2"), "me")
    assert refused.refusal == (409, "Conflict", [("FieldManagerConflict", ".data.x")])
    time = made.metadata["managedFields"][0]["time"]
    plain = 'Apply failed with 1 conflict: conflict with "contract" using v1'
    assert refused.json["message"] in {f"{plain}: .data.x", f"{plain} at {time}: .data.x"}


def test_updates_take_what_they_change(api: Api) -> None:
    api.apply(f"{api.maps}/a", config_map("a", x="1", y="1"), "me")
    changed = api.patch(f"{api.maps}/a", {"data": {"x": "2", "z": "3"}}, MERGE, fieldManager="you")
    assert owners(changed) == {("me", "Apply", ""): owned("y"), ("you", "Update", ""): owned("x", "z")}
    gone = api.patch(f"{api.maps}/a", {"data": {"z": None, "y": None}}, MERGE, fieldManager="you")
    assert owners(gone) == {("you", "Update", ""): owned("x")}


def test_metadata_is_owned_but_not_what_only_names_it(api: Api) -> None:
    metadata = {"labels": {"a": "b"}, "annotations": {"c": "d"}, "finalizers": ["example.com/f"]}
    made = api.post(api.maps, named("a", **metadata))
    assert owners(made)["contract", "Update", ""] == {
        "f:metadata": {
            "f:labels": {".": {}, "f:a": {}},
            "f:annotations": {".": {}, "f:c": {}},
            "f:finalizers": {".": {}, 'v:"example.com/f"': {}},
        }
    }
    applied = config_map("a")
    applied["metadata"] |= {"finalizers": ["example.com/g"], "labels": {"e": "f"}}
    both = api.apply(f"{api.maps}/a", applied, "me")
    assert sorted(both.metadata["finalizers"]) == ["example.com/f", "example.com/g"]
    assert both.metadata["labels"] == {"a": "b", "e": "f"}
    assert owners(both)["me", "Apply", ""] == {
        **({"f:data": {}} if "f:data" in owners(both)["me", "Apply", ""] else {}),
        "f:metadata": {"f:labels": {"f:e": {}}, "f:finalizers": {'v:"example.com/g"': {}}},
    }
    without = api.apply(f"{api.maps}/a", config_map("a"), "me")
    assert without.metadata["finalizers"] == ["example.com/f"]
    api.patch(f"{api.maps}/a", {"metadata": {"finalizers": None}})


def test_what_apply_refuses(api: Api) -> None:
    nameless = api.apply(f"{api.maps}/a", config_map("a"))
    assert nameless.refusal == (422, "Invalid", [("FieldValueRequired", "fieldManager")])
    assert api.apply(f"{api.maps}/a", named("a"), "me").refusal == (400, "BadRequest", [])
    mine = config_map("a")
    mine["metadata"]["managedFields"] = [{"manager": "me"}]
    assert api.apply(f"{api.maps}/a", mine, "me").refusal == (400, "BadRequest", [])
    assert api.apply(f"{api.maps}/a", config_map("b"), "me").refusal == (400, "BadRequest", [])
    forced = api.patch(f"{api.maps}/a", {"data": {}}, MERGE, force="true")
    assert forced.refusal == (422, "Invalid", [("FieldValueForbidden", "force")])
    api.post(api.maps, config_map("a"))
    stale = config_map("a", x="1")
    stale["metadata"]["resourceVersion"] = "1"
    assert api.apply(f"{api.maps}/a", stale, "me").refusal == (409, "Conflict", [])


def test_yaml_and_dry_run(api: Api) -> None:
    text = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: '1'\n"
    assert api.apply(f"{api.maps}/a", text, "me", dryRun="All").json["data"] == {"x": "1"}
    assert api.get(f"{api.maps}/a").code == 404


def test_managed_fields_can_be_dropped(api: Api) -> None:
    api.apply(f"{api.maps}/a", config_map("a", x="1"), "me")
    dropped = api.patch(f"{api.maps}/a", {"metadata": {"managedFields": [{}]}})
    assert owners(dropped) == {}
    applied = api.apply(f"{api.maps}/a", config_map("a", x="1"), "me")
    assert owners(applied) == {
        ("before-first-apply", "Update", ""): owned("x", dot=True),
        ("me", "Apply", ""): owned("x"),
    }


# ---- deployments: structs and lists with keys


def applied_deployment(**container: Any) -> dict[str, Any]:
    made = deployment("a")
    made["spec"]["template"]["spec"]["containers"] = [{"name": "main", "image": "a", **container}]
    return {"apiVersion": "apps/v1", "kind": "Deployment", **made}


def test_items_of_lists_are_owned_by_key(api: Api) -> None:
    path = f"{api.deployments}/a"
    made = api.apply(path, applied_deployment(ports=[{"containerPort": 80}]), "me")
    assert made.code == 201
    spec = owners(made)["me", "Apply", ""]["f:spec"]
    container = spec["f:template"]["f:spec"]["f:containers"]['k:{"name":"main"}']
    assert container == {
        ".": {},
        "f:name": {},
        "f:image": {},
        "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
    }
    assert spec["f:selector"] == {}  # atomic
    side = applied_deployment()
    del side["spec"]["selector"]
    side["spec"]["template"] = {"spec": {"containers": [{"name": "side", "image": "b"}]}}
    side["spec"]["selector"] = {"matchLabels": {"app": "a"}}
    both = api.apply(path, side, "you")
    assert both.code == 200, both
    assert [c["name"] for c in both.json["spec"]["template"]["spec"]["containers"]] == ["main", "side"]
    conflict = api.apply(path, applied_deployment() | {}, "me")
    assert [c["name"] for c in conflict.json["spec"]["template"]["spec"]["containers"]] == ["main", "side"]
    wrong = side | {}
    wrong["spec"]["template"]["spec"]["containers"] = [{"name": "main", "image": "z"}]
    refused = api.apply(path, wrong, "you")
    assert refused.refusal == (
        409,
        "Conflict",
        [("FieldManagerConflict", '.spec.template.spec.containers[name="main"].image')],
    )


def test_an_item_applied_no_longer_goes(api: Api) -> None:
    path = f"{api.deployments}/a"
    env = [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]
    api.apply(path, applied_deployment(env=env), "me")
    less = api.apply(path, applied_deployment(env=env[1:]), "me")
    assert less.json["spec"]["template"]["spec"]["containers"][0]["env"] == env[1:]
    none = api.apply(path, applied_deployment(), "me")
    assert "env" not in none.json["spec"]["template"]["spec"]["containers"][0]


def test_an_item_takes_along_what_others_changed_in_it(api: Api) -> None:
    path = f"{api.deployments}/a"
    api.apply(path, applied_deployment(env=[{"name": "X", "value": "1"}]), "me")
    step = {"op": "replace", "path": "/spec/template/spec/containers/0/env/0/value", "value": "2"}
    changed = api.patch(path, [step], JSON_PATCH, fieldManager="you")
    assert ("you", "Update", "") in owners(changed)
    less = api.apply(path, applied_deployment(), "me")
    assert "env" not in less.json["spec"]["template"]["spec"]["containers"][0]
    assert ("you", "Update", "") not in owners(less)


def test_generation_counts_applies(api: Api) -> None:
    path = f"{api.deployments}/a"
    api.apply(path, applied_deployment(), "me")
    assert api.apply(path, applied_deployment(), "me").metadata["generation"] == 1
    assert api.apply(path, applied_deployment(image="b"), "me").metadata["generation"] == 2


def test_the_status_has_owners_of_its_own(api: Api) -> None:
    path = f"{api.deployments}/a"
    api.apply(path, applied_deployment() | {"status": {"replicas": 9}}, "me")
    status = {"apiVersion": "apps/v1", "kind": "Deployment", **named("a"), "status": {"replicas": 1}}
    applied = api.apply(f"{path}/status", status, "me")
    assert (applied.code, applied.json["status"]["replicas"]) == (200, 1)
    assert owners(applied)["me", "Apply", "status"] == {"f:status": {"f:replicas": {}}}
    assert "f:status" not in owners(applied)["me", "Apply", ""]
    patched = api.patch(f"{path}/status", {"status": {"readyReplicas": 1}})
    assert owners(patched)["contract", "Update", "status"] == {"f:status": {"f:readyReplicas": {}}}


# ---- custom resources


def test_custom_resources(api: Api, gadgets: Gadgets) -> None:
    spec = {"size": 1, "parts": [{"id": "1"}], "tags": ["a"], "any": {"x": {"y": 1}}}
    made = api.apply(f"{gadgets.path}/a", gadgets.made("a", spec), "me")
    assert (made.code, made.json["spec"]["color"]) == (201, "red")
    assert owners(made)["me", "Apply", ""] == {
        "f:spec": {
            "f:size": {},
            "f:parts": {'k:{"id":"1"}': {".": {}, "f:id": {}}},
            "f:tags": {'v:"a"': {}},
            "f:any": {"f:x": {".": {}, "f:y": {}}},
        }
    }
    more = {"size": 1, "parts": [{"id": "2"}], "tags": ["b"]}
    both = api.apply(f"{gadgets.path}/a", gadgets.made("a", more), "you")
    assert [part["id"] for part in both.json["spec"]["parts"]] == ["1", "2"]
    assert both.json["spec"]["tags"] == ["a", "b"]
    less = api.apply(f"{gadgets.path}/a", gadgets.made("a", {"size": 1}), "me")
    assert (less.json["spec"]["parts"], less.json["spec"]["tags"]) == ([{"id": "2", "n": 5}], ["b"])
    assert "any" not in less.json["spec"]
    wrong = api.apply(f"{gadgets.path}/a", gadgets.made("a", {"size": 0}), "you", force="true")
    assert wrong.refusal == (422, "Invalid", [("FieldValueInvalid", "spec.size")])


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"size": 1, "more": 1}, ".spec.more: field not declared in schema"),
        ({"size": 1, "parts": [{"id": "1"}, {"id": "1"}]}, '.spec.parts: duplicate entries for key [id="1"]'),
        (
            {"size": 1, "parts": [{"n": 1}]},
            (
                ".spec.parts: element 0: associative list with keys has an element that omits all key fields "
                '["id"] (and doesn\'t have default values for any key fields)'
            ),
        ),
    ],
)
def test_what_is_no_object_of_the_schema(api: Api, gadgets: Gadgets, spec: dict[str, Any], why: str) -> None:
    refused = api.apply(f"{gadgets.path}/a", gadgets.made("a", spec), "me")
    assert refused.refusal == (500, "", [])
    kind = f"{gadgets.group}/v1, Kind=Gadget"
    assert refused.json["message"] == f"failed to create typed patch object (/a; {kind}): {why}"
    unknown = applied_deployment() | {"more": 1}
    assert api.apply(f"{api.deployments}/a", unknown, "me").refusal == (500, "", [])


def test_definitions_have_owners(api: Api, gadgets: Gadgets) -> None:
    owned_by_us = owners(api.get(gadgets.definition))["contract", "Update", ""]["f:spec"]
    assert owned_by_us == {
        "f:conversion": {".": {}, "f:strategy": {}},
        "f:group": {},
        "f:names": {f"f:{each}": {} for each in ("kind", "listKind", "plural", "shortNames", "singular")},
        "f:scope": {},
        "f:versions": {},
    }


def test_a_custom_resource_by_update(api: Api, gadgets: Gadgets) -> None:
    made = api.post(gadgets.path, gadgets.made("a", {"size": 1, "parts": [{"id": "1"}]}))
    assert owners(made) == {
        ("contract", "Update", ""): {
            "f:spec": {
                ".": {},
                "f:size": {},
                "f:color": {},
                "f:parts": {".": {}, 'k:{"id":"1"}': {".": {}, "f:id": {}, "f:n": {}}},
            }
        }
    }
    status = api.patch(f"{gadgets.path}/a/status", {"status": {"replicas": 1}})
    assert owners(status)["contract", "Update", "status"] == {"f:status": {".": {}, "f:replicas": {}}}
    api.patch(f"{gadgets.path}/a", {"spec": {"replicas": 1}})
    api.patch(f"{gadgets.path}/a/scale", {"spec": {"replicas": 4}}, fieldManager="scaler")
    scaled = owners(api.get(f"{gadgets.path}/a"))
    assert scaled["scaler", "Update", "scale"] == {"f:spec": {"f:replicas": {}}}
    assert "f:replicas" not in scaled["contract", "Update", ""]["f:spec"]


def test_an_apply_names_its_object(api: Api) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": {"a": "b"}}}
    assert api.apply(f"{api.maps}/n", body, "me").refusal == (400, "BadRequest", [])
    assert api.get(f"{api.maps}/n").code == 404
