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
from kinform_codegen.crd import load_crds
from kinform_codegen.spec.shared import add_shared_schemas

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


def test_groups_and_versions_that_are_spelt_alike_keep_their_own_clients(tmp_path: Path) -> None:
    crd = tmp_path / "crd.json"
    alike = [definition("Foo", "x.a-b.io"), definition("Foo", "x.a.b.io"), definition("Foo", "foo-a.io")]
    alike.append(definition("Foo", "foo.io"))
    alike[3]["spec"]["versions"][0]["name"] = "a-v1"
    crd.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": alike}))
    package = generate(tmp_path / "out", "--crd", str(crd))
    program = """
import ast, kinform_crds.clients.clientset as module
tree = ast.parse(open(module.__file__).read())
methods = [node.name for each in tree.body if isinstance(each, ast.ClassDef) for node in each.body[1:]]
assert len(methods) == len(set(methods)) == 4, methods
clientset = object.__new__(module.Clientset)
clientset._transport = None
print(*sorted(getattr(clientset, name)().foos("a").resource.group for name in methods))
"""
    assert run(package, program).split() == ["foo-a.io", "foo.io", "x.a-b.io", "x.a.b.io"]


def test_what_is_taken_from_kinform_k8s_cannot_be_kinform_k8s(
    crd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--crd", str(crd), "--package", "kinform_k8s", "--output", str(tmp_path / "out")]
    assert cli.main(arguments) == 2
    assert "it cannot be their own package, too" in capsys.readouterr().err
    assert cli.main([*arguments, "--standalone"]) == 0


def test_a_definition_wins_as_a_whole(crd: Path, tmp_path: Path) -> None:
    document = load_crds([str(crd)])
    add_shared_schemas(document)
    spec = tmp_path / "cluster.json"
    spec.write_text(json.dumps(document))
    changed = definition()
    changed["spec"]["scope"] = "Cluster"
    del changed["spec"]["versions"][0]["subresources"]
    crd.write_text(json.dumps(changed))
    both = generate(tmp_path / "both", "--openapi", str(spec), "--crd", str(crd), "--package", "acme")
    alone = generate(tmp_path / "alone", "--crd", str(crd), "--package", "acme")
    for name in ("clients/example/v1/widget.py", "resources/example/v1.py"):
        assert (both / name).read_bytes() == (alone / name).read_bytes()


def test_the_licence_is_the_owners_to_say(crd: Path, tmp_path: Path) -> None:
    def project(package: Path) -> Any:
        return tomllib.loads((package.parent / "pyproject.toml").read_text())["project"]

    silent = generate(tmp_path / "silent", "--crd", str(crd))
    assert not {"license", "authors"} & project(silent).keys()
    assert not (silent.parent / "LICENSE").exists()
    said = generate(tmp_path / "said", "--crd", str(crd), "--license", "MIT OR Apache-2.0")
    assert project(said)["license"] == "MIT OR Apache-2.0"
    mine = generate(tmp_path / "mine", "--openapi", "v1.30", "--include", "core/v1/pods", "--package", "acme_k8s")
    assert not {"license", "authors"} & project(mine).keys()


def test_patches_beside_the_definitions_are_passed_over(crd: Path, tmp_path: Path) -> None:
    folder = tmp_path / "config"
    (folder / "patches").mkdir(parents=True)
    (folder / "widgets.json").write_text(crd.read_text())
    patch = {**definition(), "spec": {"conversion": {"strategy": "Webhook"}}}
    (folder / "patches" / "webhook.json").write_text(json.dumps(patch))
    assert generate(tmp_path / "out", "--crd", str(folder)).name == "kinform_crds"


def test_several_packages_are_written_together_or_not_at_all(
    crd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "pyproject.toml"
    config.write_text(
        f'[[tool.kinform]]\ncrds = "{crd.name}"\noutput = "a"\n[[tool.kinform]]\ncrds = "missing.yaml"\noutput = "b"\n'
    )
    assert cli.main(["--config", str(config)]) == 2
    assert "missing.yaml" in capsys.readouterr().err
    assert not (tmp_path / "a").exists()


def test_check_catches_a_changed_definition(crd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = generate(tmp_path / "out", "--crd", str(crd))
    arguments = ["--crd", str(crd), "--output", str(tmp_path / "out"), "--check"]
    assert cli.main(arguments) == 0
    crd.write_text(json.dumps(definition(replicas={"type": "integer"}, colour={"type": "string"})))
    capsys.readouterr()
    assert cli.main(arguments) == 1
    assert capsys.readouterr().out == f"would change {package}/models/example/v1.py\n"
