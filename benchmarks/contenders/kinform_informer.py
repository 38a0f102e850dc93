"""kinform, as its README shows it: a factory, a typed informer and one handler."""

from __future__ import annotations

import importlib
import random
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from benchmarks.contenders.reading import read_pod
from benchmarks.contenders.serve import Contender, Settings, per_call

from kinform import NotFoundError, ObjectKey, label_index
from kinform.meta import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.contenders.bell import Bell

    from kinform import Event, Index
    from kinform_k8s.models.core.v1 import Pod

__all__ = ["KinformInformer", "make", "versions"]

LABEL: Final = "app.kubernetes.io/name"
"""Selects the pods of one workload, or of a few."""


def versions() -> dict[str, str]:
    """What is measured."""
    return {name: version(name) for name in ("kinform", "kubernetes", "msgspec", "pydantic", "urllib3")}


def make(settings: Settings, bell: Bell) -> KinformInformer:
    """For the benchmark."""
    return KinformInformer(settings, bell)


class KinformInformer(Contender):
    """The variant ``msgspec`` takes the models from a package of structs; any other is the informer's ``store``."""

    def __init__(self, settings: Settings, bell: Bell) -> None:
        super().__init__(settings, bell)
        # The official client's types are not read: see kinform.connect.
        client = importlib.import_module("kubernetes.client")
        configuration = client.Configuration()
        configuration.host = settings.url
        options: dict[str, Any] = {}
        if settings.variant not in {"", "msgspec"}:
            options["store"] = settings.variant
        package = "bench_msgspec" if settings.variant == "msgspec" else "kinform_k8s"
        self._factory: Any = importlib.import_module(package).SharedInformerFactory(client.ApiClient(configuration))
        if settings.path == "/api/v1/pods":
            self._informer: Any = self._factory.core().v1().pods(**options)
        else:
            group, api_version, plural = settings.path.removeprefix("/apis/").split("/")
            resource = Resource(group, api_version, plural, "Release", namespaced=True)
            self._informer = self._factory.dynamic().for_resource(resource, **options)
        informer = self._informer.informer()
        self._registrations = [
            informer.add_handler(self._read) if settings.handler == "read" else informer.add_key_handler(self._note)
            for _ in range(settings.handlers)
        ]
        self._lister = self._informer.lister()

    def _note(self, key: ObjectKey) -> None:
        self.bell.seen(key.namespace, key.name)

    def _read(self, event: Event[Pod]) -> None:
        if event.new is not None:
            read_pod(event.new)
        self.bell.seen(event.key.namespace, event.key.name)

    def start(self) -> None:
        self._factory.start()

    def wait_synced(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        self._factory.wait_for_cache_sync(timeout)
        while not all(registration.has_synced() for registration in self._registrations):
            if time.monotonic() > deadline:
                raise TimeoutError(f"handlers were not told of everything within {timeout:.0f} s")
            time.sleep(0.001)

    def count(self) -> int:
        return len(self._lister)

    def version(self, namespace: str, name: str) -> str:
        try:
            return str(self._lister.copy(ObjectKey(namespace, name)).metadata.resource_version)
        except NotFoundError:
            return ""

    def measure(self, what: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if what != "reads":
            return super().measure(what, arguments)
        by_name: Index[Pod] = self._informer.informer().add_index(label_index(LABEL))
        keys = self._lister.keys()
        sample = random.Random(1).sample(keys, min(len(keys), 2_000))
        hot = sample[0]
        get = self._lister.pods
        get(hot.namespace).get(hot.name)
        app = get(hot.namespace).get(hot.name).metadata.labels[LABEL]
        selector = f"{LABEL}={app}"
        found = {
            "get_hot": per_call(lambda: get(hot.namespace).get(hot.name), 20_000),
            "get_cold": per_call(lambda key: get(key.namespace).get(key.name), sample),
            "list_selector": per_call(lambda: self._lister.list(selector), 5),
            "list_index": per_call(lambda: by_name[app], 1_000),
        }
        if len(self._lister.list(selector)) != len(by_name[app]):
            raise AssertionError(f"the index and the selector do not agree on {selector}")
        found["touch"] = per_call(lambda pod: pod.spec.node_name, self._lister.list())
        return found
