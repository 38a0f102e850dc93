"""kinform-codegen capture: many documents become one, the same each time, with what Go knows of the fields."""

from __future__ import annotations

import argparse
import http.server
import json
import re
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen.capture import (
    CaptureError,
    FetchError,
    MergeConflictError,
    add_capture_arguments,
    capture,
    fetch_from_cluster,
    fetch_from_url,
    layout,
    merge_documents,
    note_value_fields,
    read_documents,
    run_capture,
    structure_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

META = "io.k8s.apimachinery.pkg.apis.meta.v1"
GVK = "x-kubernetes-group-version-kind"


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def document(group: str, version: str, kind: str, **schemas: Any) -> dict[str, Any]:
    """A document as a server gives it for one group and version, with one kind."""
    prefix = f"/apis/{group}/{version}" if group else f"/api/{version}"
    own = {"group": group, "version": version, "kind": kind}
    name = f"io.k8s.api.{group or 'core'}.{version}.{kind}"
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "1.99"},
        "paths": {
            f"{prefix}/{kind.lower()}s": {
                "get": {
                    "tags": [group],
                    "description": f"list {kind}",
                    "operationId": f"list{kind}",
                    "parameters": [
                        {"name": "watch", "in": "query", "description": "text", "schema": {"type": "boolean"}},
                    ],
                    "responses": {
                        "200": {
                            "description": "OK",
                            "content": {
                                "application/json": {"schema": ref(name)},
                                "application/yaml": {"schema": ref(name)},
                            },
                        },
                        "401": {"description": "Unauthorized"},
                    },
                    "x-kubernetes-action": "list",
                    GVK: own,
                },
                "parameters": [{"name": "pretty", "in": "query", "description": "text", "schema": {"type": "string"}}],
            },
        },
        "components": {
            "schemas": {
                name: {
                    "description": "text",
                    "type": "object",
                    "required": ["size"],
                    "properties": {
                        "name": {"type": "string", "description": "text"},
                        "size": {"type": "integer", "format": "int32", "default": 0},
                        "description": {"type": "string", "description": "a property of this name"},
                        "count": {"type": "integer"},
                        "parts": {"type": "array", "items": {"type": "string", "description": "text"}},
                        "labels": {"type": "object", "additionalProperties": {"type": "string", "description": "x"}},
                        "options": {"allOf": [ref(f"{META}.DeleteOptions")], "default": {"description": "kept"}},
                    },
                    GVK: [own],
                },
                f"{META}.DeleteOptions": {
                    "description": "text",
                    "type": "object",
                    "properties": {"dryRun": {"type": "string"}},
                    GVK: [{"group": group, "version": version, "kind": "DeleteOptions"}],
                },
                **schemas,
            },
            "securitySchemes": {"BearerToken": {"type": "apiKey"}},
        },
    }


@pytest.fixture
def documents() -> dict[str, Any]:
    return {
        "apis/apps/v1": document("apps", "v1", "Deployment"),
        "api/v1": document("", "v1", "Pod"),
        "apis/batch/v1": document("batch", "v1", "Job"),
    }


class FakeServer:
    """Answers as an API server with those documents."""

    def __init__(self, documents: dict[str, Any]) -> None:
        self.documents = documents
        self.hidden: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self.asked: list[str] = []
        self.promised = list(documents)

    def __call__(self, path: str) -> bytes:
        self.asked.append(path)
        return json.dumps(self.answer(path)).encode()

    def answer(self, path: str) -> object:
        if path == "/version":
            return {"major": "1", "minor": "99", "gitVersion": "v1.99.3"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis":
            groups: dict[str, list[dict[str, str]]] = {}
            for name in self.promised:
                _, _, group_version = name.partition("apis/")
                if group_version:
                    groups.setdefault(group_version.split("/")[0], []).append({"groupVersion": group_version})
            return {"groups": [{"name": name, "versions": versions} for name, versions in groups.items()]}
        if path == "/openapi/v3":
            return {"paths": {name: self.entry(name) for name in self.documents if not self.count(self.hidden, name)}}
        name = path.removeprefix("/openapi/v3/")
        if name not in self.documents or self.count(self.broken, name):
            raise FetchError(f"{path} cannot be read: HTTP 503")
        return self.documents[name]

    @staticmethod
    def entry(name: str) -> dict[str, str]:
        return {"serverRelativeURL": f"/openapi/v3/{name}?hash=00FF"}

    @staticmethod
    def count(left: Counter[str], name: str) -> bool:
        left[name] -= 1
        return left[name] >= 0


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def read(server: FakeServer, wait: float = 30.0) -> tuple[Any, Clock]:
    clock = Clock()
    return read_documents(server, wait=wait, monotonic=clock.monotonic, sleep=clock.sleep), clock


# ---- structure only


def test_texts_go_and_structure_stays() -> None:
    lean: Any = structure_of(document("apps", "v1", "Deployment"))
    schema = lean["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"]
    assert "description" not in schema
    assert schema["properties"] == {
        "name": {"type": "string"},
        "size": {"type": "integer", "format": "int32", "default": 0},
        "description": {"type": "string"},
        "count": {"type": "integer"},
        "parts": {"type": "array", "items": {"type": "string"}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "options": {"allOf": [ref(f"{META}.DeleteOptions")], "default": {"description": "kept"}},
    }
    assert lean["paths"] == {
        "/apis/apps/v1/deployments": {
            "get": {
                "operationId": "listDeployment",
                "parameters": [{"in": "query", "name": "watch", "schema": {"type": "boolean"}}],
                "responses": {
                    "200": {
                        "content": {"application/json": {"schema": ref("io.k8s.api.apps.v1.Deployment")}},
                        "description": "",
                    },
                },
                "x-kubernetes-action": "list",
                GVK: {"group": "apps", "version": "v1", "kind": "Deployment"},
            },
            "parameters": [{"in": "query", "name": "pretty", "schema": {"type": "string"}}],
        },
    }


def test_bodies_keep_all_media_types_and_answers_without_json_keep_theirs() -> None:
    patch = {"schema": ref(f"{META}.Patch")}
    operation: Any = {
        "description": "text",
        "requestBody": {
            "description": "text",
            "required": True,
            "content": {"application/merge-patch+json": patch, "application/apply-patch+yaml": patch},
        },
        "responses": {
            "200": {"description": "OK", "content": {"text/plain": {"schema": {"type": "string"}, "example": "x"}}},
            "201": {"description": "Created", "content": {"application/json": {}}},
        },
    }
    lean: Any = structure_of({"openapi": "3.0.0", "paths": {"/x": {"patch": operation, "get": {"responses": {}}}}})
    assert lean["paths"]["/x"]["patch"] == {
        "requestBody": {
            "required": True,
            "content": {"application/merge-patch+json": patch, "application/apply-patch+yaml": patch},
        },
        "responses": {
            "200": {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": ""},
            "201": {"content": {"application/json": {}}, "description": ""},
        },
    }
    only_401: Any = structure_of(
        {"paths": {"/y": {"get": {"responses": {"401": {"description": "Unauthorized"}}}}}, "components": {}}
    )
    assert only_401["paths"]["/y"]["get"] == {"responses": {"default": {"description": ""}}}


def test_schemas_in_every_place_lose_their_texts() -> None:
    text = {"type": "string", "description": "text", "externalDocs": {"url": "x"}}
    clean = {"type": "string"}

    def everywhere(schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "anyOf": [schema, {"oneOf": [schema]}],
            "not": schema,
            "additionalProperties": True,
            "patternProperties": {"^description$": schema},
            "properties": {"externalDocs": {"items": schema}},
            "enum": ["description"],
            "x-kubernetes-validations": [{"rule": "true", "message": "kept: it belongs to the rule"}],
        }

    lean: Any = structure_of({"components": {"schemas": {"A": everywhere(text)}}})
    assert lean["components"]["schemas"]["A"] == everywhere(clean)


def test_the_documents_are_not_changed(documents: dict[str, Any]) -> None:
    before = json.dumps(documents)
    merged = merge_documents(documents)
    note_value_fields(merged, {"io.k8s.api.core.v1.Pod": {"name": "value"}})
    assert json.dumps(documents) == before


# ---- merging


def test_merge_holds_everything_once_and_unites_the_kinds_of_shared_schemas(documents: dict[str, Any]) -> None:
    merged: Any = merge_documents(documents, version="v1.99.3")
    assert merged["openapi"] == "3.0.0"
    assert merged["info"] == {"title": "Kubernetes", "version": "v1.99.3"}
    assert set(merged["paths"]) == {"/api/v1/pods", "/apis/apps/v1/deployments", "/apis/batch/v1/jobs"}
    assert set(merged["components"]) == {"schemas"}
    assert merged["components"]["schemas"][f"{META}.DeleteOptions"][GVK] == [
        {"group": group, "version": "v1", "kind": "DeleteOptions"} for group in ("", "apps", "batch")
    ]


def test_order_of_documents_and_of_kinds_does_not_matter(documents: dict[str, Any]) -> None:
    name = f"{META}.DeleteOptions"
    kinds = [{"group": group, "version": "v1", "kind": "DeleteOptions"} for group in ("b", "a", "", "apps")]
    for number, each in enumerate(documents.values()):
        each["components"]["schemas"][name][GVK] = kinds[number:] + kinds[:number]
    first = layout(merge_documents(documents))
    assert layout(merge_documents(dict(reversed(documents.items())))) == first
    alone = {"api/v1": documents["api/v1"]}
    merged: Any = merge_documents(alone)
    assert [kind["group"] for kind in merged["components"]["schemas"][name][GVK]] == ["", "a", "apps", "b"]


def test_any_other_difference_is_an_error_that_names_it(documents: dict[str, Any]) -> None:
    options = documents["apis/batch/v1"]["components"]["schemas"][f"{META}.DeleteOptions"]
    options["properties"]["dryRun"]["type"] = "array"
    with pytest.raises(MergeConflictError) as raised:
        merge_documents(documents)
    assert raised.value.pointer == f"/components/schemas/{META}.DeleteOptions/properties/dryRun/type"
    assert (raised.value.first, raised.value.second) == ("api/v1", "apis/batch/v1")


def test_a_path_that_two_documents_tell_differently_is_an_error(documents: dict[str, Any]) -> None:
    documents["apis/apps/v1"]["paths"]["/api/v1/pods"] = {"get": {"operationId": "other", "responses": {}}}
    with pytest.raises(MergeConflictError, match=r"api/v1 and apis/apps/v1 differ at /paths/~1api~1v1~1pods/get/"):
        merge_documents(documents)


def test_a_missing_property_is_a_difference_a_text_is_not(documents: dict[str, Any]) -> None:
    shared = documents["apis/apps/v1"]["components"]["schemas"][f"{META}.DeleteOptions"]
    shared["description"] = "another text"
    merge_documents(documents)
    del shared["properties"]["dryRun"]
    with pytest.raises(MergeConflictError, match=r"DeleteOptions/properties/dryRun$"):
        merge_documents(documents)


def test_the_core_document_wins_where_conflicts_are_allowed(documents: dict[str, Any]) -> None:
    documents["apis/apps/v1"]["components"]["schemas"][f"{META}.DeleteOptions"]["properties"] = {}
    conflicts: list[MergeConflictError] = []
    merged: Any = merge_documents(documents, conflicts=conflicts)
    kept = merged["components"]["schemas"][f"{META}.DeleteOptions"]
    assert kept["properties"] == {"dryRun": {"type": "string"}}
    assert [(conflict.first, conflict.second) for conflict in conflicts] == [("api/v1", "apis/apps/v1")]


# ---- layout


def test_layout_gives_what_fits_a_line_and_opens_the_rest() -> None:
    value: Any = {"b": {"long": "x" * 100, "more": ["y" * 20, {"z": 1}]}, "a": {"short": [1, 2.5, True, None]}}
    assert layout(value) == (
        '{\n "a":{"short":[1,2.5,true,null]},\n "b":{\n'
        f'  "long":"{"x" * 100}",\n  "more":["{"y" * 20}",{{"z":1}}]\n }}\n}}\n'
    )


def test_layout_is_the_same_whatever_the_order_of_keys_and_keeps_the_value(documents: dict[str, Any]) -> None:
    text = layout(documents)
    assert json.loads(text) == documents
    assert layout(json.loads(json.dumps(documents, sort_keys=True))) == text
    assert max(len(line) for line in text.splitlines()) <= 120


def test_layout_of_a_line_that_just_fits() -> None:
    assert layout({"k": ["v" * 110]}).count("\n") == 1  # 120 columns
    assert layout({"k": ["v" * 111]}).count("\n") > 1


# ---- value fields


def test_value_fields_are_the_optional_ones_that_are_no_list_or_map(documents: dict[str, Any]) -> None:
    merged: Any = merge_documents({"api/v1": documents["api/v1"]})
    facts = {
        "io.k8s.api.core.v1.Pod": {
            "name": "value",
            "size": "value",
            "description": "value",
            "count": "pointer",
            "parts": "list",
            "labels": "map",
            "options": "value",
            "notServed": "value",
        },
        f"{META}.DeleteOptions": {"dryRun": "interface"},
    }
    assert note_value_fields(merged, facts) == []
    assert merged["components"]["schemas"]["io.k8s.api.core.v1.Pod"]["x-kinform-values"] == [
        "description",
        "name",
        "options",
    ]
    assert "x-kinform-values" not in merged["components"]["schemas"][f"{META}.DeleteOptions"]


def test_value_fields_tell_what_they_know_nothing_of(documents: dict[str, Any]) -> None:
    merged: Any = merge_documents({"api/v1": documents["api/v1"]})
    merged["components"]["schemas"]["NoProperties"] = {"type": "string"}
    known = dict.fromkeys(("name", "size", "description", "count", "parts", "labels"), "value")
    assert note_value_fields(merged, {"io.k8s.api.core.v1.Pod": known}) == [
        "io.k8s.api.core.v1.Pod.options",
        f"{META}.DeleteOptions",
    ]


# ---- reading a server


def test_reads_every_document_without_its_hash(documents: dict[str, Any]) -> None:
    documents["version"] = {"openapi": "3.0.0", "paths": {}}
    server = FakeServer(documents)
    served, clock = read(server)
    assert served.version == "v1.99.3"
    assert served.documents == documents
    assert served.unavailable == {}
    assert clock.now == 0.0
    assert all("?" not in path for path in server.asked)


def test_waits_for_documents_that_come_late_and_reads_each_once(documents: dict[str, Any]) -> None:
    server = FakeServer(documents)
    server.hidden["apis/batch/v1"] = 2
    server.broken["apis/apps/v1"] = 3
    served, clock = read(server)
    assert set(served.documents) == set(documents)
    assert served.unavailable == {}
    assert clock.now > 0.0
    assert server.asked.count("/openapi/v3/api/v1") == 1


def test_what_does_not_come_is_told_with_the_reason(documents: dict[str, Any]) -> None:
    server = FakeServer(documents)
    server.promised.append("apis/metrics.k8s.io/v1beta1")
    server.broken["apis/apps/v1"] = 1000
    served, clock = read(server, wait=5.0)
    assert clock.now == 5.0
    assert set(served.documents) == {"api/v1", "apis/batch/v1"}
    assert served.unavailable["apis/metrics.k8s.io/v1beta1"] == "it is served, but not in the index of /openapi/v3"
    assert "503" in served.unavailable["apis/apps/v1"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/version", b"<html>"),
        ("/openapi/v3", b'{"swagger":"2.0"}'),
        ("/apis", b"[]"),
        ("/openapi/v3/api/v1", b'{"swagger":"2.0"}'),
        ("/openapi/v3/api/v1", b"\xff"),
    ],
)
def test_an_answer_that_is_not_understood(documents: dict[str, Any], path: str, body: bytes) -> None:
    server = FakeServer(documents)
    with pytest.raises(CaptureError, match=re.escape(path)):
        read_documents(lambda asked: body if asked == path else server(asked), wait=0.0)


# ---- the whole


def test_capture_writes_the_same_bytes_each_time(documents: dict[str, Any], tmp_path: Path) -> None:
    output = tmp_path / "spec.json"
    facts = {"io.k8s.api.core.v1.Pod": {"name": "value"}}
    report = capture(FakeServer(documents), output, values=facts, wait=0.0)
    assert (report.version, report.documents, report.schemas, report.paths) == ("v1.99.3", 3, 4, 3)
    assert "io.k8s.api.apps.v1.Deployment" in report.without_facts
    text = output.read_bytes()
    written = json.loads(text)
    assert written["info"]["version"] == "v1.99.3"
    assert written["components"]["schemas"]["io.k8s.api.core.v1.Pod"]["x-kinform-values"] == ["name"]
    capture(FakeServer(dict(reversed(documents.items()))), output, values=facts, wait=0.0)
    assert output.read_bytes() == text


def test_capture_without_facts_notes_none(documents: dict[str, Any], tmp_path: Path) -> None:
    output = tmp_path / "spec.json"
    assert capture(FakeServer(documents), output, wait=0.0).without_facts == []
    assert b"x-kinform-values" not in output.read_bytes()


def test_capture_fails_whole_or_goes_on_if_asked(documents: dict[str, Any], tmp_path: Path) -> None:
    output = tmp_path / "spec.json"
    output.write_text("before")
    server = FakeServer(documents)
    server.promised.append("apis/metrics.k8s.io/v1beta1")
    with pytest.raises(CaptureError, match=r"metrics\.k8s\.io/v1beta1: .*\n.*--allow-unavailable"):
        capture(server, output, wait=0.0)
    documents["apis/apps/v1"]["components"]["schemas"][f"{META}.DeleteOptions"]["type"] = "string"
    with pytest.raises(CaptureError, match="--keep-first"):
        capture(server, output, wait=0.0, allow_unavailable=True)
    assert output.read_text() == "before"
    report = capture(server, output, wait=0.0, allow_unavailable=True, keep_first=True)
    assert len(report.unavailable) == len(report.conflicts) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["spec.json"]


def test_a_file_that_cannot_be_written(documents: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="cannot be written: No such file or directory"):
        capture(FakeServer(documents), tmp_path / "no" / "spec.json", wait=0.0)
    (tmp_path / "folder").mkdir()
    with pytest.raises(CaptureError, match="cannot be written: Is a directory"):
        capture(FakeServer(documents), tmp_path / "folder", wait=0.0)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


# ---- the command line


@pytest.fixture
def server_url(documents: dict[str, Any]) -> Iterator[str]:
    fake = FakeServer(documents)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                status, body = 200, fake(self.path)
            except FetchError:
                status, body = 503, b"down"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_capture_arguments(parser)
    return parser.parse_args(arguments)


def test_command_captures_from_a_url(server_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts, output = tmp_path / "facts.json", tmp_path / "spec.json"
    facts.write_text(json.dumps({"io.k8s.api.core.v1.Pod": {"name": "value"}}))
    assert run_capture(options("--server", server_url, "--values", str(facts), "--output", str(output))) == 0
    said = capsys.readouterr()
    assert said.out == f"{output}: Kubernetes v1.99.3, 3 documents, 4 schemas, 3 paths\n"
    assert "io.k8s.api.apps.v1.Deployment" in said.err
    assert json.loads(output.read_text())["info"]["version"] == "v1.99.3"


def test_command_captures_from_a_context(server_url: str, tmp_path: Path) -> None:
    kubeconfig, output = tmp_path / "kubeconfig", tmp_path / "spec.json"
    kubeconfig.write_text(
        json.dumps(
            {
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
                "clusters": [{"name": "here", "cluster": {"server": server_url.rstrip("/")}}],
                "users": [{"name": "me", "user": {}}],
            }
        )
    )
    arguments = ("--kubeconfig", str(kubeconfig), "--context", "here", "--output", str(output))
    assert run_capture(options(*arguments)) == 0
    assert json.loads(output.read_text())["info"]["version"] == "v1.99.3"
    with fetch_from_cluster("here", str(kubeconfig)) as fetch, pytest.raises(FetchError, match="/openapi/v3/none"):
        fetch("/openapi/v3/none")


def test_errors_of_the_sources_name_what_was_read(server_url: str, tmp_path: Path) -> None:
    with fetch_from_url(server_url) as fetch, pytest.raises(FetchError, match=r"/openapi/v3/none cannot .* HTTP 503"):
        fetch("/openapi/v3/none")
    with (
        fetch_from_url("http://127.0.0.1:1") as fetch,
        pytest.raises(FetchError, match=r"http://127\.0\.0\.1:1/version"),
    ):
        fetch("/version")
    kubeconfig = str(tmp_path / "none")
    with pytest.raises(FetchError, match="none"), fetch_from_cluster(None, kubeconfig):
        pass


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read"), ("[1]", "gotypes")])
def test_facts_that_cannot_be_used(tmp_path: Path, content: str | None, said: str) -> None:
    facts = tmp_path / "facts.json"
    if content is not None:
        facts.write_text(content)
    with pytest.raises(CaptureError, match=said):
        run_capture(options("--server", "http://127.0.0.1:1", "--values", str(facts), "--output", "spec.json"))


def test_server_and_context_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options("--server", "http://x", "--context", "y", "--output", "z")
    assert "not allowed with" in capsys.readouterr().err
