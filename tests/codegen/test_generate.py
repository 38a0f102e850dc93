from __future__ import annotations

import ast
import io
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen.emit.package import _MODEL_REQUIREMENTS, _RUNTIME_REQUIREMENT
from kinform_codegen.errors import SpecError
from kinform_codegen.generate import GeneratedTree, generate
from kinform_codegen.marks import GENERATED_BY
from kinform_codegen.progress import Progress
from kinform_codegen.spec.load import Spec, load_spec, parse_spec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    AsSpec = Callable[[object], Spec]


def generated(spec: Spec) -> GeneratedTree:
    return generate(spec, Progress(io.StringIO()))


@pytest.fixture(scope="module")
def small_tree(small_path: Path) -> GeneratedTree:
    return generated(load_spec(str(small_path)))


@pytest.fixture(scope="module", params=[("v1.30", 70), ("v1.37", 92)], ids=lambda param: param[0])
def kubernetes_tree(request: pytest.FixtureRequest, repository: Path) -> tuple[GeneratedTree, int]:
    version, count = request.param
    return generated(load_spec(str(repository / "openapi" / f"{version}.json"))), count


def test_the_golden_tree(small_tree: GeneratedTree, repository: Path) -> None:
    """All but the models, which have tests of their own. UPDATE_GOLDEN=1 writes it anew."""
    golden = repository / "tests" / "codegen" / "golden" / "small.txt"
    text = "".join(
        f"=== {path}\n{content.decode()}"
        for path, content in small_tree.files.items()
        if not path.startswith("kinform_k8s/models/")
    )
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()


def test_every_cacheable_kind_has_everything(kubernetes_tree: tuple[GeneratedTree, int]) -> None:
    tree, count = kubernetes_tree
    assert tree.cacheable == count
    found = {
        folder: {
            path.removeprefix(f"kinform_k8s/{folder}/")
            for path in tree.files
            if path.startswith(f"kinform_k8s/{folder}/") and path.count("/") == 4 and not path.endswith("__init__.py")
        }
        for folder in ("clients", "listers", "informers")
    }
    assert len(found["informers"]) == count
    assert found["informers"] == found["listers"]
    client_only = found["clients"] - found["informers"]
    assert "core/v1/component_status.py" in client_only
    assert len(found["clients"]) == tree.resources


def test_a_kind_of_two_groups_lives_in_two_modules(kubernetes_tree: tuple[GeneratedTree, int]) -> None:
    tree, _ = kubernetes_tree
    core = tree.files["kinform_k8s/clients/core/v1/event.py"].decode()
    events = tree.files["kinform_k8s/clients/events/v1/event.py"].decode()
    assert "from kinform_k8s.models.core.v1 import Event\n" in core
    assert "from kinform_k8s.models.events.v1 import Event\n" in events


def test_clients_have_the_verbs_of_the_spec_and_no_others(kubernetes_tree: tuple[GeneratedTree, int]) -> None:
    files = kubernetes_tree[0].files

    def bases(path: str) -> set[str]:
        tree = ast.parse(files[f"kinform_k8s/clients/{path}.py"])
        (cls,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
        return {
            base.value.id for base in cls.bases if isinstance(base, ast.Subscript) and isinstance(base.value, ast.Name)
        }

    status = {"StatusReadable", "StatusUpdatable", "StatusPatchable"}
    verbs = {"Creatable", "Gettable", "Listable", "Watchable", "Updatable", "Patchable", "Deletable"}
    assert bases("core/v1/pod") == verbs | {"CollectionDeletable"} | status
    assert bases("core/v1/namespace") == verbs | status
    assert bases("core/v1/config_map") == verbs | {"CollectionDeletable"}
    assert bases("core/v1/component_status") == {"Gettable", "Listable"}
    assert bases("authorization/v1/subject_access_review") == {"Creatable"}


def test_typed_subresources_are_methods(kubernetes_tree: tuple[GeneratedTree, int]) -> None:
    files = kubernetes_tree[0].files
    pod = files["kinform_k8s/clients/core/v1/pod.py"].decode()
    assert "def create_eviction(\n        self, name: str, eviction: Eviction, *," in pod
    assert "def update_ephemeral_containers(\n        self, name: str, pod: Pod, *," in pod
    assert not any(f"_{name}(" in pod for name in ("log", "exec", "proxy", "attach", "portforward"))
    deployment = files["kinform_k8s/clients/apps/v1/deployment.py"].decode()
    assert "def get_scale(self, name: str) -> Scale:" in deployment
    account = files["kinform_k8s/clients/core/v1/service_account.py"].decode()
    assert "self, name: str, token_request: TokenRequest, *, dry_run: bool = False" in account


def test_every_file_parses_and_says_where_it_comes_from(kubernetes_tree: tuple[GeneratedTree, int]) -> None:
    tree, _ = kubernetes_tree
    for path, content in tree.files.items():
        if path.endswith(".py"):
            ast.parse(content)
        if path not in {"LICENSE", "kinform_k8s/py.typed"}:
            assert GENERATED_BY in content.decode().partition("\n")[0], path


def test_the_licence_comes_along(repository: Path, kubernetes_tree: tuple[GeneratedTree, int]) -> None:
    tree, _ = kubernetes_tree
    assert tree.files["LICENSE"] == (repository / "LICENSE").read_bytes()


def test_every_folder_is_a_package(kubernetes_tree: tuple[GeneratedTree, int]) -> None:
    tree, _ = kubernetes_tree
    folders = {path.rpartition("/")[0] for path in tree.files if path.endswith(".py")}
    assert {folder for folder in folders if f"{folder}/__init__.py" not in tree.files} == set()


def test_nothing_is_any(kubernetes_tree: tuple[GeneratedTree, int]) -> None:
    tree, _ = kubernetes_tree
    for path, content in tree.files.items():
        names = (
            {node.id for node in ast.walk(ast.parse(content)) if isinstance(node, ast.Name)}
            if path.endswith(".py")
            else set()
        )
        assert "Any" not in names, path


def test_the_same_specification_gives_the_same_bytes(small_document: dict[str, Any], small_tree: GeneratedTree) -> None:
    """Whatever the order of its keys."""

    def turned(value: object) -> object:
        if isinstance(value, dict):
            return {key: turned(value[key]) for key in reversed(value)}
        return [turned(item) for item in value] if isinstance(value, list) else value

    data = json.dumps(turned(small_document)).encode()
    assert generated(parse_spec(data, "elsewhere/small.json")).files == small_tree.files


def test_descriptions_become_docstrings(small_tree: GeneratedTree) -> None:
    client = small_tree.files["kinform_k8s/clients/core/v1/pod.py"].decode()
    assert "    Pod is a collection of containers that can run on a host.\n" in client


def test_kinds_named_like_the_runtime_s_classes(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    """Kind Cluster, cluster-scoped: its ClusterLister derives from ClusterLister."""
    text = json.dumps(small_document).replace("/namespaces/{namespace}/clusters", "/clusters")
    files = generated(as_spec(json.loads(text))).files
    lister = files["kinform_k8s/listers/example/v1/cluster.py"].decode()
    assert "from kinform.lister import ClusterLister as _ClusterLister\n" in lister
    assert "class ClusterLister(_ClusterLister[Cluster]):" in lister
    text = text.replace("Cluster", "Transport").replace("clusters", "transports")
    files = generated(as_spec(json.loads(text))).files
    client = files["kinform_k8s/clients/example/v1/transport.py"].decode()
    assert "from kinform.transport import Transport as _Transport\n" in client
    assert "def __init__(self, transport: _Transport) -> None:" in client


def test_what_is_left_out_is_told(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    small_document["paths"]["/apis/metrics.io/v1/things"] = {"get": {"responses": {"200": {"description": "OK"}}}}
    small_document["info"]["version"] = "unversioned"
    notes = generated(as_spec(small_document)).notes
    assert [note.partition(" ")[0] for note in notes] == ["/apis/metrics.io/v1/things", "spec.json"]
    assert "does not say which Kubernetes" in notes[1]


def test_a_resource_whose_schema_has_no_properties(small_document: dict[str, Any], as_spec: AsSpec) -> None:
    small_document["components"]["schemas"]["io.k8s.api.core.v1.Node"] = {"type": "string"}
    with pytest.raises(SpecError) as caught:
        generated(as_spec(small_document))
    assert caught.value.pointer == "#/components/schemas/io.k8s.api.core.v1.Node"
    assert "/api/v1/nodes" in caught.value.problem


def test_requirements_are_those_of_the_runtime(repository: Path) -> None:
    import tomllib

    runtime = tomllib.loads((repository / "runtime" / "pyproject.toml").read_text())["project"]
    major, minor, _ = runtime["version"].split(".")
    assert f"kinform>={major}.{minor},<{major}.{int(minor) + 1}" == _RUNTIME_REQUIREMENT
    assert set(_MODEL_REQUIREMENTS.values()) <= set(runtime["dependencies"])
