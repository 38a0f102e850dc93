"""The fake clientset that every package has: of built-in kinds, of custom ones, and of both kinds of models."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.generated.test_package import modules_after, of_models

from kinform.errors import NotFoundError
from kinform_k8s import Clientset
from kinform_k8s.models.core.v1 import Pod
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.testing import FakeClientset

if TYPE_CHECKING:
    from pathlib import Path


def definition(kind: str, *, status: bool, versions: tuple[str, ...] = ("v1",)) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    properties = {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}}
    properties["status"] = {"type": "object", "properties": {"ready": {"type": "boolean"}}}
    served = [
        {
            "name": name,
            "served": True,
            "storage": name == versions[0],
            "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
            "subresources": {"status": {}} if status else {},
        }
        for name in versions
    ]
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": served,
        },
    }


USE = """
import threading
from {package} import Clientset, SharedInformerFactory
from {package}.models.example.v1 import FakeClientset as FakeKind, Widget
from {package}.testing import FakeClientset

def widget(name, **more):
    return dict(apiVersion="example.com/v1", kind="Widget", metadata=dict(name=name, namespace="shop"), **more)

fake = FakeClientset(widget("a", spec=dict(size=1)))
assert isinstance(fake, Clientset)
widgets = fake.example_v1().widgets("shop")
changed = widgets.patch("a", dict(spec=dict(size=2), status=dict(ready=True)))
assert (changed.metadata.generation, changed.spec.size) == (2, 2)
assert not changed.to_wire().count(b"ready"), "the status stands apart"
assert b"ready" in widgets.patch_status("a", dict(status=dict(ready=True))).to_wire()
plain = fake.example_v1().gadgets("shop")
plain.create(plain._model.from_wire(b'{{"metadata":{{"name":"g"}},"status":{{"ready":true}}}}'))
assert b"ready" in plain.get("g").to_wire(), "without a subresource it is as all else"
fake.example_v1().fake_clientsets("shop").create(FakeKind.from_wire(b'{{"metadata":{{"name":"f"}}}}'))
with SharedInformerFactory(fake.client, namespace="shop") as factory:
    found = factory.example().v1().widgets()
    factory.wait_for_cache_sync(timeout=10) if found.informer() else None
    assert found.lister().widgets("shop").get("a").spec.size == 2
assert threading.active_count() == 1
assert [action.object_as(Widget) for action in fake.actions if action.verb == "update"] == []
print([str(action) for action in fake.writes])
"""


@pytest.mark.parametrize("models", ["pydantic", "msgspec"])
def test_packages_of_custom_resources_have_one(models: str, tmp_path: Path) -> None:
    """Of a kind with a status, one without in two versions, and one that is called as the class is."""
    kinds = [
        definition("Widget", status=True),
        definition("Gadget", status=False, versions=("v1", "v1beta1")),
        definition("FakeClientset", status=False),
    ]
    for kind in kinds:
        (tmp_path / f"{kind['metadata']['name']}.json").write_text(json.dumps(kind))
    package = f"crds_of_{models}"
    command = [sys.executable, "-m", "kinform_codegen", "--crd", str(tmp_path), "--package", package]
    output = tmp_path / "out"
    subprocess.run([*command, "--models", models, "--output", str(output)], check=True, capture_output=True, timeout=100)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", USE.format(package=package)],
        env={"PYTHONPATH": str(output)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(
        [
            "patch widgets shop/a",
            "patch widgets/status shop/a",
            "create gadgets shop/g",
            "create fakeclientsets shop/f",
        ]
    )


def test_two_packages_share_a_cluster(acme_widgets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(acme_widgets))
    of_widgets: Any = importlib.import_module("acme_widgets.testing")
    metadata = {"name": "w", "namespace": "shop"}
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata, "spec": {"size": 1, "color": "red"}}
    fake = FakeClientset(Pod(metadata=ObjectMeta(name="a", namespace="shop")))
    with pytest.raises(ValueError, match="no resource 'widgets' is served here"):
        fake.prepend_reactor("get", "widgets", lambda _: None)
    shared = of_widgets.FakeClientset.sharing(fake, widget)
    assert shared.example_v1().widgets("shop").get("w").spec.color == "red"
    assert fake.core_v1().pods("shop").get("a").metadata.uid
    assert [str(action) for action in fake.actions] == ["get widgets shop/w", "get pods shop/a"] == list(
        map(str, shared.actions)
    )
    with pytest.raises(NotFoundError):
        fake.transport.request("GET", "/apis/example.com/v1/namespaces/shop/gadgets/w")
    real_class: Any = importlib.import_module("acme_widgets").Clientset
    with real_class(fake.client()) as plain:  # as a controller makes its own
        assert plain.example_v1().widgets("shop").get("w").spec.size == 1
    assert isinstance(fake, Clientset)
    assert not isinstance(shared, Clientset)


def test_nothing_imports_it_that_is_not_a_test() -> None:
    modules = modules_after("import kinform, kinform_k8s\nfrom kinform_k8s import Clientset, SharedInformerFactory")
    assert not any("testing" in name for name in modules)


def test_it_needs_no_models_and_no_test_framework() -> None:
    modules = modules_after("from kinform_k8s.testing import FakeClientset\nFakeClientset()")
    assert of_models(modules) == set()
    assert modules.isdisjoint({"pytest", "hypothesis", "kubernetes", "cryptography", "yaml", "pydantic"})
