"""kinform, as its README shows it: a factory, a typed informer and one handler."""

from __future__ import annotations

import importlib
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from benchmarks.contenders.reading import read_pod
from benchmarks.contenders.serve import Contender, Settings

if TYPE_CHECKING:
    from benchmarks.contenders.bell import Bell

    from kinform import Event, ObjectKey
    from kinform_k8s.models.core.v1 import Pod

__all__ = ["KinformInformer", "make", "versions"]


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
        package = "bench_msgspec" if settings.variant == "msgspec" else "kinform_k8s"
        options: dict[str, Any] = {}
        if settings.variant not in {"", "msgspec"}:
            options["store"] = settings.variant
        self._factory: Any = importlib.import_module(package).SharedInformerFactory(client.ApiClient(configuration))
        self._pods: Any = self._factory.core().v1().pods(**options)
        informer = self._pods.informer()
        self._registrations = [
            informer.add_handler(self._read) if settings.handler == "read" else informer.add_key_handler(self._note)
            for _ in range(settings.handlers)
        ]
        self._lister = self._pods.lister()

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
        found = self._lister.pods(namespace).find(name)
        return "" if found is None else str(found.metadata.resource_version)
