"""lightkube has no informer: its list and its watch fill a dict, as its users write it."""

from __future__ import annotations

import importlib
import threading
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from benchmarks.contenders.plain_http import PAGE
from benchmarks.contenders.serve import Contender, Settings

if TYPE_CHECKING:
    from benchmarks.contenders.bell import Bell

__all__ = ["LightkubeDict", "make", "versions"]


def versions() -> dict[str, str]:
    """What is measured."""
    return {name: version(name) for name in ("lightkube", "lightkube-models")}


def make(settings: Settings, bell: Bell) -> LightkubeDict:
    """For the benchmark."""
    return LightkubeDict(settings, bell)


class LightkubeDict(Contender):
    """Its dataclasses in a dict; when a watch ends with an error, all is listed again."""

    def __init__(self, settings: Settings, bell: Bell) -> None:
        super().__init__(settings, bell)
        lightkube = importlib.import_module("lightkube")
        config = importlib.import_module("lightkube.config.kubeconfig")
        models = importlib.import_module("lightkube.config.models")
        kubeconfig = config.KubeConfig.from_one(cluster=models.Cluster(server=settings.url), user=models.User())
        self._client: Any = lightkube.Client(config=kubeconfig)
        self._pod: Any = importlib.import_module("lightkube.resources.core_v1").Pod
        self._errors: tuple[type[Exception], ...] = (
            importlib.import_module("lightkube.core.exceptions").ApiError,
            importlib.import_module("httpx2").HTTPError,
        )
        self._pods: dict[tuple[str, str], Any] = {}
        self._synced = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        while True:
            found: dict[tuple[str, str], Any] = {}
            listed = self._client.list(self._pod, namespace="*", chunk_size=PAGE)
            for pod in listed:
                found[pod.metadata.namespace, pod.metadata.name] = pod
            self._pods = found
            for key in found:
                self._tell(*key)
            self._synced.set()
            try:
                for _, pod in self._client.watch(self._pod, namespace="*", resource_version=listed.resourceVersion):
                    key = pod.metadata.namespace, pod.metadata.name
                    self._pods[key] = pod
                    self._tell(*key)
            except self._errors:
                continue

    def _tell(self, namespace: str, name: str) -> None:
        for _ in range(self.settings.handlers):
            self.bell.seen(namespace, name)

    def wait_synced(self, timeout: float) -> None:
        if not self._synced.wait(timeout):
            raise TimeoutError(f"not synced within {timeout:.0f} s")

    def count(self) -> int:
        return len(self._pods)

    def version(self, namespace: str, name: str) -> str:
        found = self._pods.get((namespace, name))
        return "" if found is None else str(found.metadata.resourceVersion)
