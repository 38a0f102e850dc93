"""cloudcoil: its informer, and its list and watch into a dict; pydantic models of everything."""

from __future__ import annotations

import importlib
import logging
import sys
import tempfile
import threading
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.contenders.plain_http import PAGE
from benchmarks.contenders.reading import read_pod
from benchmarks.contenders.serve import Contender, Settings

if TYPE_CHECKING:
    from benchmarks.contenders.bell import Bell

__all__ = ["CloudcoilDict", "CloudcoilInformer", "make", "versions"]

_KUBECONFIG: Final = """
apiVersion: v1
kind: Config
current-context: replayer
contexts: [{{name: replayer, context: {{cluster: replayer, user: nobody}}}}]
clusters: [{{name: replayer, cluster: {{server: "{url}"}}}}]
users: [{{name: nobody, user: {{token: none}}}}]
"""


def versions() -> dict[str, str]:
    """What is measured."""
    return {name: version(name) for name in ("cloudcoil", "cloudcoil-models-kubernetes")}


def make(settings: Settings, bell: Bell) -> Contender:
    """For the benchmark: the variant ``dict``, or the informer."""
    return CloudcoilDict(settings, bell) if settings.variant == "dict" else CloudcoilInformer(settings, bell)


def _config(url: str, **options: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder) / "kubeconfig"
        kubeconfig.write_text(_KUBECONFIG.format(url=url), encoding="utf-8")
        return importlib.import_module("cloudcoil.client").Config(kubeconfig=kubeconfig, **options)


class CloudcoilInformer(Contender):
    """``cloudcoil.caching``. It tells handlers of changes, not of what was there at first."""

    def __init__(self, settings: Settings, bell: Bell) -> None:
        super().__init__(settings, bell)
        logging.disable(logging.WARNING)
        importlib.import_module("cloudcoil.client")  # first: its caching imports it, and is imported by it
        self._pod: Any = importlib.import_module("cloudcoil.models.kubernetes.core.v1").Pod
        caching = importlib.import_module("cloudcoil.caching")
        self._cache: Any = caching.Cache(resources=[self._pod], max_items_per_resource=1_000_000, sync_timeout=600)
        self._config: Any = _config(settings.url, cache=self._cache)

    def _note(self, _old: Any, pod: Any) -> None:
        if self.settings.handler == "read":
            read_pod(pod)
        self.bell.seen(pod.metadata.namespace, pod.metadata.name)

    def start(self) -> None:
        self._config.__enter__()
        self._informer: Any = self._cache.get_informer(self._pod, sync=True)
        for _ in range(self.settings.handlers):
            self._informer.on_update(self._note)

    def wait_synced(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not self._informer.has_synced():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not synced within {timeout:.0f} s")
            time.sleep(0.002)

    def count(self) -> int:
        return len(self._informer.list())

    def version(self, namespace: str, name: str) -> str:
        found = self._informer.get(name, namespace)
        return "" if found is None else str(found.metadata.resource_version)


class CloudcoilDict(Contender):
    """Its models in a dict, as its users write it; when a watch ends, all is listed again."""

    def __init__(self, settings: Settings, bell: Bell) -> None:
        super().__init__(settings, bell)
        logging.disable(logging.WARNING)
        self._pod: Any = importlib.import_module("cloudcoil.models.kubernetes.core.v1").Pod
        self._config: Any = _config(settings.url)
        self._pods: dict[tuple[str, str], Any] = {}
        self._synced = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        with self._config:
            while True:
                listed = self._pod.list(all_namespaces=True, limit=PAGE)
                self._pods = {(pod.metadata.namespace, pod.metadata.name): pod for pod in listed}
                for key in self._pods:
                    self._tell(*key)
                self._synced.set()
                version = listed.metadata.resource_version
                try:
                    for _, pod in self._pod.watch(all_namespaces=True, resource_version=version):
                        key = pod.metadata.namespace, pod.metadata.name
                        self._pods[key] = pod
                        self._tell(*key)
                except Exception as error:  # noqa: BLE001  (it has no class of errors of its own)
                    print(f"the watch ended: {error!r}", file=sys.stderr)

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
        return "" if found is None else str(found.metadata.resource_version)
