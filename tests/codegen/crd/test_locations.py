from __future__ import annotations

import http.server
import io
import json
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen import fetch as fetching
from kinform_codegen.crd import load_crds, locations
from kinform_codegen.crd.locations import read_location
from kinform_codegen.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMESPACED = "/apis/example.com/v1/namespaces/{namespace}/"


def complaint(*given: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        load_crds(given)
    return caught.value


def plurals(document: dict[str, object]) -> list[str]:
    paths = document["paths"]
    assert isinstance(paths, dict)
    return [path.removeprefix(NAMESPACED) for path in paths if path.startswith(NAMESPACED) and path.count("/") == 6]


def renamed(widget: dict[str, Any], plural: str) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(widget).replace("widgets", plural))
    copy["spec"]["names"]["kind"] = plural.capitalize()
    return copy


def test_folders_are_walked_to_the_bottom(widget: dict[str, Any], tmp_path: Path) -> None:
    for name, plural in (("b.yaml", "bees"), ("x/y/a.yml", "ants"), ("x/c.json", "cats"), ("x/D.YAML", "dogs")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(renamed(widget, plural)))
    (tmp_path / "wide.yaml").write_bytes(json.dumps(renamed(widget, "owls")).encode("utf-16"))
    # Files that hold none are passed over, be they YAML or not; so are files of other names.
    (tmp_path / "service.yaml").write_text("apiVersion: v1\nkind: Service\n")
    (tmp_path / "values.yaml").write_text("{{ this is no YAML }}")
    (tmp_path / "latin.yaml").write_bytes(b"\xe9")
    (tmp_path / "rule.yaml").write_text("apiVersion: v1\nkind: Rule\nof: CustomResourceDefinition\n")
    (tmp_path / "notes.txt").write_text(json.dumps(renamed(widget, "notes")))
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "gone.yaml").symlink_to("nothing.yaml")
    (tmp_path / "loop").symlink_to(tmp_path)
    document = load_crds([str(tmp_path)])
    assert plurals(document) == ["ants", "bees", "cats", "dogs", "owls"]
    assert [os.path.relpath(text.name, tmp_path) for text in read_location(str(tmp_path))] == [
        "b.yaml", "rule.yaml", "wide.yaml", "x/D.YAML", "x/c.json", "x/y/a.yml",
    ]  # fmt: skip


def test_folders_are_walked_in_order(widget: dict[str, Any], tmp_path: Path) -> None:
    names = ["d", "b", "e", "a", "c"]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "crd.yaml").write_text(json.dumps(widget))
    assert [os.path.relpath(text.name, tmp_path) for text in read_location(str(tmp_path))] == [
        f"{name}/crd.yaml" for name in sorted(names)
    ]


def test_a_folder_mounted_from_a_config_map(widget: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "crd.yaml").write_text(json.dumps(widget))
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "crd.yaml").symlink_to("..data/crd.yaml")
    assert plurals(load_crds([str(tmp_path)])) == ["widgets"]


def test_a_folder_without_definitions(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text("apiVersion: v1\nkind: Service\n")
    (tmp_path / "rule.yaml").write_text("apiVersion: v1\nkind: Rule\nof: CustomResourceDefinition\n")
    error = complaint(str(tmp_path))
    assert error.source == str(tmp_path)
    assert error.problem == "no .yaml, .yml or .json file below it holds a CustomResourceDefinition"
    assert error.mend.startswith("give the folder that the definitions are in")


def test_a_template_in_a_folder_is_not_passed_over(widget: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(json.dumps(widget))
    (tmp_path / "b.yaml").write_text("{{- if .Values.crds }}\nkind: CustomResourceDefinition\n{{- end }}\n")
    error = complaint(str(tmp_path))
    assert error.source == str(tmp_path / "b.yaml")
    assert error.problem.startswith("is a Helm template")


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    scandir = os.scandir

    def refuse(path: str) -> Any:  # root may read everything, so that modes would not do
        if path == str(tmp_path / "a"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    error = complaint(str(tmp_path))
    assert (error.source, error.problem) == (str(tmp_path / "a"), "cannot be read: Permission denied")


@pytest.mark.parametrize("name", ["gone.yaml", "a\0b"])
def test_what_is_not_there(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    error = complaint(name)
    assert error.source == name
    assert error.problem in {"cannot be read: No such file or directory", "cannot be read: embedded null byte"}
    assert error.mend.startswith("give a file or a folder")


def test_standard_input(widget: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def give(data: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))

    give(json.dumps(widget).encode())
    assert plurals(load_crds(["-", "-"])) == ["widgets"]
    give(b"kind: Service\n")
    assert (complaint("-").source, complaint("-").problem) == (
        "standard input",
        "holds no CustomResourceDefinition: it is empty, or comments only",
    )
    give(b"kind: Service\n")
    assert complaint("-").problem == "holds no CustomResourceDefinition, but kind Service"
    give(b"a: b: c\n")
    assert complaint("-").source == "standard input"


class _Folder(io.BytesIO):
    """Standard input, where the shell was given a folder for it."""

    def read(self, size: int | None = -1) -> bytes:
        raise IsADirectoryError(21, "Is a directory")


def test_standard_input_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert str(complaint("-")) == "standard input: #: is closed\n  mend: pipe the definitions in"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(_Folder()))
    assert complaint("-").problem == "cannot be read: Is a directory"


def test_a_pipe(widget: dict[str, Any]) -> None:
    reader, writer = os.pipe()
    try:
        os.write(writer, json.dumps(widget).encode())
        os.close(writer)
        assert plurals(load_crds([f"/dev/fd/{reader}"])) == ["widgets"]
    finally:
        os.close(reader)


def test_what_is_too_large(widget: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locations, "LARGEST", 100)
    (tmp_path / "a.yaml").write_text(json.dumps(widget))
    assert complaint(str(tmp_path / "a.yaml")).problem == "is larger than 0 MiB"


@pytest.fixture
def site(widget: dict[str, Any]) -> Iterator[str]:
    body = json.dumps(widget).encode()

    answers: dict[str, tuple[int, bytes]] = {
        "/crd.yaml": (200, body),
        "/moved": (302, b"/crd.yaml"),
        "/page": (200, b"<html>"),
        "/secret": (401, b""),
        "/service": (200, b"kind: Service\n---\nkind: Service\n---\nkind: Secret\n---\n[]\n"),
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, answer = answers.get(self.path, (404, b""))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", answer.decode())
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_urls(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plurals(load_crds([f"{site}/crd.yaml", f"{site}/moved"])) == ["widgets"]
    for path, problem in {
        "/page": "is HTML",
        "/secret": "cannot be read: HTTP 401 Unauthorized",
        "/gone": "cannot be read: HTTP 404 Not Found",
        "/service": "holds no CustomResourceDefinition, but kind Service (2 times), kind Secret, a list",
    }.items():
        error = complaint(site + path)
        assert (error.source, error.problem) == (site + path, problem)
        assert error.mend
    monkeypatch.setattr(fetching, "LARGEST", 100)
    assert complaint(f"{site}/crd.yaml").problem == "is larger than 0 MiB"


def test_the_proxy_of_the_environment_is_asked(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "127.0.0.1:1")
    assert "127.0.0.1" in complaint("http://host.invalid/crd.yaml").problem
    monkeypatch.setenv("http_proxy", site)  # it answers by the path, as a proxy would
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert plurals(load_crds([f"{site}/crd.yaml"])) == ["widgets"]


def test_urls_that_lead_nowhere() -> None:
    for url in ("http://127.0.0.1:1/crd.yaml", "http://[::1/crd.yaml"):
        error = complaint(url)
        assert error.problem.startswith("cannot be read: ")
        assert error.mend == "check the URL, the network, the proxy"


@pytest.mark.parametrize("given", [[], [""]])
def test_no_location_at_all_is_a_mistake_of_the_caller(given: list[str]) -> None:
    with pytest.raises(ValueError, match="no location is given"):
        load_crds(given)
