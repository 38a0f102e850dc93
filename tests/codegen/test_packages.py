"""What a package holds, by where it comes from: custom resources alone, with copies, or beside Kubernetes' own."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from kinform_codegen import cli

if TYPE_CHECKING:
    from pathlib import Path


def definition(kind: str = "Widget", group: str = "example.com", **spec: Any) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}}}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {
            "status": {},
            "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
        },
    }
    names = {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "names": names, "scope": "Namespaced", "versions": [version]},
    }


@pytest.fixture
def crd(tmp_path: Path) -> Path:
    path = tmp_path / "widgets.json"
    path.write_text(json.dumps(definition(replicas={"type": "integer"})))
    return path


def generate(output: Path, *arguments: str) -> Path:
    assert cli.main([*arguments, "--output", str(output)]) == 0
    (typed,) = output.glob("*/py.typed")
    return typed.parent


def requirements(package: Path) -> list[str]:
    project: Any = tomllib.loads((package.parent / "pyproject.toml").read_text())["project"]
    assert project["name"] == package.name.replace("_", "-")
    return sorted(each.partition(">")[0] for each in project["dependencies"])


def run(package: Path, program: str, *also: Path) -> str:
    path = ":".join(str(each) for each in (package.parent, *also))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_custom_resources_alone_share_the_types_of_kinform_k8s(crd: Path, tmp_path: Path) -> None:
    package = generate(tmp_path / "out", "--crd", str(crd))
    assert package.name == "kinform_crds"
    assert requirements(package) == ["kinform", "kinform-k8s", "pydantic"]
    assert sorted(path.name for path in (package / "models").iterdir()) == ["__init__.py", "example"]
    run(
        package,
        "import kinform_crds.models.example.v1 as own, kinform_k8s.models.meta.v1 as meta\n"
        "from kinform_k8s.models.autoscaling.v1 import Scale\n"
        "from kinform_crds.clients.example.v1.widget import WidgetClient\n"
        "widget = own.Widget(metadata=meta.ObjectMeta(name='a'))\n"
        "assert type(own.Widget().metadata) is meta.ObjectMeta\n"
        "assert own.Widget.from_wire(widget.to_wire()) == widget\n"
        "assert WidgetClient.get_scale.__annotations__['return'] == 'Scale'\n",
    )


def test_standalone_it_brings_copies_of_these_and_of_no_more(crd: Path, tmp_path: Path) -> None:
    package = generate(tmp_path / "out", "--crd", str(crd), "--standalone", "--package", "acme_widgets")
    assert package.name == "acme_widgets"
    assert requirements(package) == ["kinform", "pydantic"]
    folders = sorted(path.name for path in (package / "models").iterdir() if path.is_dir())
    assert folders == ["autoscaling", "example", "meta"]
    classes = {
        node.name
        for node in ast.parse((package / "models" / "meta" / "v1.py").read_text()).body
        if isinstance(node, ast.ClassDef)
    }
    assert {"ObjectMeta", "OwnerReference"} <= classes <= {"ManagedFieldsEntry", "ObjectMeta", "OwnerReference"}
    # Go's facts came along: a name is never None.
    run(package, "from acme_widgets.models.meta.v1 import ObjectMeta; assert ObjectMeta().name == ''")


def test_with_structs_it_always_brings_copies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keeps = {"x-kubernetes-preserve-unknown-fields": True}
    options = {"type": "object", "properties": {"known": {"type": "string"}}, **keeps}
    (tmp_path / "widgets.json").write_text(json.dumps(definition(options=options, free={"type": "object", **keeps})))
    arguments = ["--crd", str(tmp_path / "widgets.json"), "--models", "msgspec"]
    package = generate(tmp_path / "out", *arguments)
    assert requirements(package) == ["kinform", "msgspec"]
    assert {"example", "meta"} <= {path.name for path in (package / "models").iterdir()}
    notes = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert len(notes) == 1
    assert notes[0].startswith("note: kinform_crds.models.example.v1.WidgetSpecOptions drops fields that its schema")
    readme = (package.parent / "README.md").read_text()
    assert "msgspec models" in readme
    assert "kept" not in readme
    run(
        package,
        "import sys\nfrom kinform_crds.models.example.v1 import Widget\n"
        "from kinform_crds.models.meta.v1 import ObjectMeta\n"
        "assert type(Widget().metadata) is ObjectMeta and ObjectMeta().name == ''\n"
        'assert Widget.from_wire(b\'{"spec":{"options":{"a":1}}}\').spec.options.known is None\n'
        "assert 'pydantic' not in sys.modules and 'kinform_k8s' not in sys.modules\n",
    )


def test_beside_kubernetes_they_are_one_package(crd: Path, tmp_path: Path) -> None:
    arguments = ["--openapi", "v1.30", "--crd", str(crd)]
    package = generate(tmp_path / "out", *arguments, "--include", "core/v1/pods", "--include", "example.com")
    assert package.name == "kinform_k8s"
    assert requirements(package) == ["kinform", "pydantic"]
    assert "Kubernetes v1.30 and custom resources" in (package / "__init__.py").read_text()
    assert '"1.30.' in (package / "_version.py").read_text()
    run(
        package,
        "from kinform_k8s.models.example.v1 import Widget\n"
        "from kinform_k8s.models.core.v1 import Pod\n"
        "assert type(Widget().metadata) is type(Pod().metadata)\n"
        "from kinform_k8s import SharedInformerFactory as F\n"
        "assert F.core and F.example and not hasattr(F, 'apps')\n",
    )


def test_a_definition_wins_over_the_specification(crd: Path, tmp_path: Path) -> None:
    first = generate(tmp_path / "first", "--crd", str(crd), "--standalone")
    spec = tmp_path / "cluster.json"
    from kinform_codegen.crd import load_crds
    from kinform_codegen.spec.shared import add_shared_schemas

    document = load_crds([str(crd)])
    add_shared_schemas(document)
    spec.write_text(json.dumps(document))
    crd.write_text(json.dumps(definition(replicas={"type": "integer"}, colour={"type": "string"})))
    both = generate(tmp_path / "both", "--openapi", str(spec), "--crd", str(crd), "--standalone")
    assert "colour" not in (first / "models" / "example" / "v1.py").read_text()
    assert "colour" in (both / "models" / "example" / "v1.py").read_text()


def test_a_version_in_a_file_name_says_nothing_of_kubernetes(tmp_path: Path) -> None:
    crd = tmp_path / "widgets-v1.17.json"
    crd.write_text(json.dumps(definition()))
    package = generate(tmp_path / "out", "--crd", str(crd), "--version", "1.17.2")
    assert '"1.17.2"' in (package / "_version.py").read_text()
    assert "Kubernetes v1.17" not in (package.parent / "README.md").read_text()


def test_a_kind_called_as_a_shared_type_hides_it_nowhere(tmp_path: Path) -> None:
    crd = tmp_path / "crd.json"
    definitions = [definition("ObjectMeta"), definition("Scale"), definition("Model")]
    crd.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": definitions}))
    package = generate(tmp_path / "out", "--crd", str(crd))
    run(
        package,
        "from kinform_crds.models.example.v1 import ObjectMeta_, Scale_, Model_\n"
        "from kinform_k8s.models.meta.v1 import ObjectMeta\n"
        "assert type(ObjectMeta_().metadata) is type(Scale_().metadata) is type(Model_().metadata) is ObjectMeta\n"
        "assert ObjectMeta_().kind == 'ObjectMeta'\n",
    )


def test_a_group_of_a_cluster_is_what_its_definitions_make(crd: Path, tmp_path: Path) -> None:
    """The same files from a whole specification, of which one group is taken, as from the definitions."""
    arguments = ["--openapi", "v1.30", "--crd", str(crd), "--group", "example.com"]
    one = generate(tmp_path / "one", *arguments)
    other = generate(tmp_path / "other", "--crd", str(crd))
    assert {path.relative_to(one): path.read_bytes() for path in one.rglob("*.py")} == {
        path.relative_to(other): path.read_bytes() for path in other.rglob("*.py")
    }


def test_check_catches_a_changed_definition(crd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = generate(tmp_path / "out", "--crd", str(crd))
    arguments = ["--crd", str(crd), "--output", str(tmp_path / "out"), "--check"]
    assert cli.main(arguments) == 0
    crd.write_text(json.dumps(definition(replicas={"type": "integer"}, colour={"type": "string"})))
    capsys.readouterr()
    assert cli.main(arguments) == 1
    assert capsys.readouterr().out == f"would change {package}/models/example/v1.py\n"
