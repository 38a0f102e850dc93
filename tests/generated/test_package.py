"""The generated package as a whole: what it has, what importing it costs, and that its parts fit the runtime."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import kinform_k8s
from kinform.client import ClientsetBase
from kinform.factory import InformerFactory, ResourceInformer
from kinform.lister import ClusterLister, NamespacedLister, NamespaceLister
from kinform.meta import Resource, WireObject
from kinform.transport import connect
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.resources.core.v1 import NODES, PODS

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(kinform_k8s.__file__).parent

RESOURCES = [
    value
    for path in sorted((PACKAGE / "resources").glob("*/*.py"))
    if path.name != "__init__.py"
    for value in vars(importlib.import_module(f"kinform_k8s.resources.{path.parent.name}.{path.stem}")).values()
    if isinstance(value, Resource)
]


@pytest.fixture
def config_file(tmp_path: Path) -> str:
    """A kubeconfig whose server nobody asks."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "here", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
    }
    path = tmp_path / "config"
    path.write_text(json.dumps(config))
    return str(path)


@pytest.fixture
def factory(config_file: str) -> Iterator[SharedInformerFactory]:
    made = SharedInformerFactory(connect(config_file=config_file))
    yield made
    made.stop()


@pytest.fixture
def clientset(config_file: str) -> Iterator[Clientset]:
    made = Clientset(connect(config_file=config_file))
    yield made
    made.close()


def modules_after(code: str, *arguments: str) -> set[str]:
    """The modules of a fresh Python that has run the code."""
    program = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stdout.split())


def of_models(modules: set[str]) -> set[str]:
    return {name for name in modules if name.startswith("kinform_k8s.models.") and name.count(".") == 3}


def informers_of(factory: SharedInformerFactory) -> Iterator[tuple[str, ResourceInformer[WireObject]]]:
    """Every accessor of the factory, called."""
    own = set(vars(SharedInformerFactory)) - set(vars(InformerFactory))
    for group in sorted(name for name in own if not name.startswith("_")):
        versions = getattr(factory, group)()
        for version in sorted(name for name in vars(type(versions)) if not name.startswith("_")):
            resources = getattr(versions, version)()
            for accessor in sorted(name for name in vars(type(resources)) if not name.startswith("_")):
                yield f"{group}.{version}.{accessor}", getattr(resources, accessor)()


def test_importing_the_package_imports_no_models() -> None:
    modules = modules_after("import kinform_k8s; kinform_k8s.__version__")
    assert of_models(modules) == set()
    assert "pydantic" not in modules
    assert not any(name == "kinform" or name.startswith("kinform.") for name in modules)


def test_importing_factory_and_clientset_imports_no_models() -> None:
    modules = modules_after("from kinform_k8s import Clientset, SharedInformerFactory")
    assert of_models(modules) == set()
    assert "pydantic" not in modules
    assert "kubernetes" not in modules


def test_asking_for_pods_imports_core_and_meta_only(config_file: str) -> None:
    modules = modules_after(
        "from kinform import connect\nfrom kinform_k8s import SharedInformerFactory\n"
        "factory = SharedInformerFactory(connect(config_file=sys.argv[1]))\n"
        "pods = factory.core().v1().pods()\npods.informer()\npods.lister()\nfactory.stop()",
        config_file,
    )
    assert of_models(modules) == {"kinform_k8s.models.core.v1", "kinform_k8s.models.meta.v1"}
    assert {name for name in modules if name.startswith("kinform_k8s.informers.core.v1.")} == {
        "kinform_k8s.informers.core.v1.pod"
    }


def test_a_client_for_pods_imports_core_and_meta_only(config_file: str) -> None:
    modules = modules_after(
        "from kinform import connect\nfrom kinform_k8s import Clientset\n"
        "with Clientset(connect(config_file=sys.argv[1])) as clientset:\n    clientset.core_v1().pods('shop')",
        config_file,
    )
    assert of_models(modules) == {"kinform_k8s.models.core.v1", "kinform_k8s.models.meta.v1"}


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        kinform_k8s.Nothing  # type: ignore[attr-defined]
    with pytest.raises(ImportError):
        from kinform_k8s import Nothing  # type: ignore[attr-defined]  # noqa: F401


def test_every_kind_that_can_be_listed_and_watched_has_an_informer(factory: SharedInformerFactory) -> None:
    found = dict(informers_of(factory))
    assert len(found) == 70
    assert len({informer.resource for informer in found.values()}) == 70
    assert {informer.resource for informer in found.values()} <= set(RESOURCES)
    assert found["core.v1.pods"].resource == PODS
    assert all(informer.resource.kind != "ComponentStatus" for informer in found.values())
    names = {"core.v1.replication_controllers", "apps.v1.replica_sets", "storage.v1.csi_storage_capacities"}
    assert names | {"networking.v1alpha1.service_cidrs", "discovery.v1.endpoint_slices"} <= set(found)


def test_every_lister_fits_its_scope(factory: SharedInformerFactory) -> None:
    for name, informer in informers_of(factory):
        lister = informer.lister(allow_unsynced=True)  # type: ignore[attr-defined]
        kind = informer.resource.kind
        assert type(lister).__name__ == f"{kind}Lister"
        if informer.resource.namespaced:
            assert isinstance(lister, NamespacedLister)
            in_namespace = getattr(lister, name.rpartition(".")[2])("shop")
            assert isinstance(in_namespace, NamespaceLister)
            assert type(in_namespace).__name__ == f"{kind}NamespaceLister"
        else:
            assert isinstance(lister, ClusterLister)


def test_asking_twice_gives_the_same(factory: SharedInformerFactory) -> None:
    pods = factory.core().v1().pods()
    assert factory.core().v1().pods() is pods
    assert factory.core().v1().pods(namespace="shop") is not pods
    assert pods.informer() is factory.core().v1().pods().informer()


def test_every_resource_has_a_client(clientset: Clientset) -> None:
    own = set(vars(Clientset)) - set(vars(ClientsetBase))
    found = set()
    for version in sorted(name for name in own if not name.startswith("_")):
        clients = getattr(clientset, version)()
        for accessor in (name for name in vars(type(clients)) if not name.startswith("_")):
            found.add(getattr(clients, accessor)().resource)
    assert found == set(RESOURCES)
    assert len(found) == 80


def test_namespaces_go_to_namespaced_clients_only(clientset: Clientset) -> None:
    clientset.core_v1().pods("shop")
    with pytest.raises(TypeError):
        clientset.core_v1().nodes("shop")  # type: ignore[call-arg]


def test_resources_have_their_constants() -> None:
    assert Resource(group="", version="v1", plural="pods", kind="Pod", namespaced=True) == PODS
    assert NODES.path(name="n1") == "/api/v1/nodes/n1"


def test_the_package_is_typed_and_versioned() -> None:
    assert (PACKAGE / "py.typed").exists()
    assert kinform_k8s.__version__.startswith("1.30.")
