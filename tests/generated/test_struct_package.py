"""A package whose models are structs, in use: the runtime does not care what its models are made of."""

from __future__ import annotations

import importlib
import queue
import subprocess
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from kinform import CacheMutationError, ConflictError, field_index
from kinform.testing import Server
from kinform_k8s.resources.core.v1 import PODS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType


@pytest.fixture
def api(structs: str) -> ModuleType:
    return importlib.import_module(structs)


@pytest.fixture
def core(structs: str) -> ModuleType:
    return importlib.import_module(f"{structs}.models.core.v1")


@pytest.fixture
def server() -> Iterator[Server]:
    with Server([PODS]) as server:
        yield server


def pod(core: Any, name: str, *, node: str = "n1") -> Any:
    return core.Pod.from_wire(
        b'{"metadata":{"name":"%s","namespace":"shop"},"spec":{"nodeName":"%s","containers":[{"name":"main"}]}}'
        % (name.encode(), node.encode())
    )


def cached(answer: Any) -> Any:
    """An object as the cache has it: less managedFields."""
    del answer.metadata.managed_fields
    return answer


def test_a_client_writes_and_an_informer_follows(api: Any, core: Any, server: Server) -> None:
    factory = api.SharedInformerFactory(server.client())
    clientset = api.Clientset(factory.transport)
    pods = factory.core().v1().pods()
    by_node = pods.informer().add_index(field_index("spec.nodeName"))
    heard: queue.Queue[tuple[Any, Any]] = queue.Queue()
    pods.informer().add_event_handler(
        on_add=lambda new: heard.put((None, new)),
        on_update=lambda old, new: heard.put((old, new)),
        on_delete=lambda event: heard.put((event, None)),
    )
    client = clientset.core_v1().pods("shop")
    with factory:
        factory.wait_for_cache_sync(10)
        created = client.create(pod(core, "web-0"))
        assert type(created) is core.Pod
        assert created.metadata.uid
        _, new = heard.get(timeout=10)
        assert new == cached(created)
        assert pods.lister().pods("shop").get("web-0") is new, "the handler's and the lister's are one object"
        assert [each.metadata.name for each in by_node["n1"]] == ["web-0"]

        private = pods.lister().pods("shop").copy("web-0")
        private.metadata.labels["app"] = "web"
        private.spec.containers.append(core.Container(name="side", image="busybox"))
        updated = client.update(private)
        old, new = heard.get(timeout=10)
        assert (old.metadata.labels, new.metadata.labels) == ({}, {"app": "web"})
        assert new == cached(updated)
        assert [each.image for each in new.spec.containers] == ["", "busybox"]
        with pytest.raises(ConflictError):
            client.update(created)

        client.patch("web-0", {"spec": {"nodeName": "n2"}})
        assert heard.get(timeout=10)[1].spec.node_name == "n2"
        assert [each.metadata.name for each in by_node["n2"]] == ["web-0"]
        client.delete("web-0")
        heard.get(timeout=10)
        assert len(pods.lister()) == 0


def test_fields_that_the_models_do_not_know_live_through_a_patch_only(api: Any, server: Server) -> None:
    """As with client-go; docs/models.md tells to patch."""
    server.put(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}, "spec": {"future": 1}}
    )

    def future() -> object:
        stored: Any = server.get(PODS, "a", "shop")
        return stored.get("spec", {}).get("future")

    with api.Clientset(server.client()) as clientset:
        client = clientset.core_v1().pods("shop")
        patched = client.patch("a", {"metadata": {"labels": {"app": "web"}}})
        assert future() == 1
        client.update(patched)
        assert future() is None


def test_structs_in_a_patch_are_written_as_elsewhere(api: Any, core: Any, server: Server) -> None:
    server.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}})
    started = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    state = core.ContainerStateRunning(started_at=started)
    with api.Clientset(server.client()) as clientset:
        patch = {"spec": {"containers": (core.Container(name="main"), {"name": "side"})}, "future": [state]}
        clientset.core_v1().pods("shop").patch("a", patch)
    stored: Any = server.get(PODS, "a", "shop")
    assert stored["spec"] == {"containers": [{"name": "main"}, {"name": "side"}]}
    assert stored["future"] == [{"startedAt": "2026-01-02T03:04:05Z"}]


def test_a_changed_object_of_the_cache_is_reported(
    api: Any, core: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINFORM_CACHE_MUTATION_DETECTOR", "1")
    server.put(pod(core, "web-0"))
    factory = api.SharedInformerFactory(server.client())
    reports: queue.Queue[Any] = queue.Queue()
    factory.on_error(reports.put)
    pods = factory.core().v1().pods()
    pods.informer()
    with factory:
        factory.wait_for_cache_sync(10)
        shared = pods.lister().pods("shop").get("web-0")
        assert pods.lister().pods("shop").get("web-0") is shared
        shared.metadata.labels["app"] = "web"
        again = pods.lister().pods("shop").get("web-0")
        assert again is not shared
        assert again.metadata.labels == {}
        error = reports.get(timeout=10).exception
        assert isinstance(error, CacheMutationError)
        assert error.paths == ("metadata.labels",)


def test_no_module_of_the_package_imports_pydantic(structs_project: Path, structs: str) -> None:
    """Nor do models that are read and written. (The official client brings pydantic along when something connects.)"""
    program = f"""if True:
        import importlib, pathlib, sys
        sys.path.insert(0, {str(structs_project)!r})
        root = pathlib.Path({str(structs_project)!r})
        for file in root.glob("{structs}/**/*.py"):
            importlib.import_module(".".join(file.relative_to(root).with_suffix("").parts))
        from {structs}.models.core.v1 import Pod
        assert Pod.from_wire(b'{{"spec":null}}').to_wire() == b'{{"apiVersion":"v1","kind":"Pod"}}'
        print(sorted(name for name in sys.modules if name.startswith(("pydantic", "kinform.model", "kinform_k8s"))))
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")
