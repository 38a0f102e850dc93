"""The official client's own informer: a list without pages, a watch, models of everything."""

from __future__ import annotations

import importlib
import logging
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from benchmarks.contenders.reading import read_pod
from benchmarks.contenders.serve import Contender, Settings

if TYPE_CHECKING:
    from benchmarks.contenders.bell import Bell

__all__ = ["OfficialInformer", "make", "versions"]


def versions() -> dict[str, str]:
    """What is measured."""
    return {"kubernetes": version("kubernetes")}


def make(settings: Settings, bell: Bell) -> OfficialInformer:
    """For the benchmark."""
    return OfficialInformer(settings, bell)


class OfficialInformer(Contender):
    """``kubernetes.informer.SharedInformer``; handlers are given the object, and note its key or read it."""

    def __init__(self, settings: Settings, bell: Bell) -> None:
        super().__init__(settings, bell)
        client = importlib.import_module("kubernetes.client")
        informer = importlib.import_module("kubernetes.informer")
        logging.disable(logging.WARNING)
        configuration = client.Configuration()
        configuration.host = settings.url
        api = client.CoreV1Api(client.ApiClient(configuration))
        self._informer: Any = informer.SharedInformer(api.list_pod_for_all_namespaces)
        for _ in range(settings.handlers):
            for event in (informer.ADDED, informer.MODIFIED):
                self._informer.add_event_handler(event, self._note)

    def _note(self, pod: Any) -> None:
        if self.settings.handler == "read":
            read_pod(pod)
        self.bell.seen(pod.metadata.namespace, pod.metadata.name)

    def start(self) -> None:
        self._informer.start()

    def wait_synced(self, timeout: float) -> None:
        # It does not say when it has synced. The cache is replaced at once, and handlers are told one by one.
        deadline = time.monotonic() + timeout
        while not self._informer.cache.list_keys() or self.bell.calls < self.count() * self.settings.handlers:
            if time.monotonic() > deadline:
                raise TimeoutError(f"not synced within {timeout:.0f} s")
            time.sleep(0.002)

    def count(self) -> int:
        return len(self._informer.cache.list_keys())

    def version(self, namespace: str, name: str) -> str:
        found = self._informer.cache.get_by_key(f"{namespace}/{name}")
        return "" if found is None else str(found.metadata.resource_version)
