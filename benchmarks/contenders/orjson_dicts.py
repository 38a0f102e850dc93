"""The floor: everything that comes is decoded by orjson and kept as dicts. No informer, no copies, no diff."""

from __future__ import annotations

import importlib
import random
import threading
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from benchmarks.contenders.plain_http import Loads, ask, lines, pages
from benchmarks.contenders.serve import Contender, Settings, per_call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.contenders.bell import Bell

__all__ = ["OrjsonDicts", "make", "versions"]

_END: Final = "k8s.io/initial-events-end"


def versions() -> dict[str, str]:
    """What is measured."""
    return {"orjson": version("orjson")}


def make(settings: Settings, bell: Bell) -> OrjsonDicts:
    """For the benchmark."""
    return OrjsonDicts(settings, bell)


class OrjsonDicts(Contender):
    """Dicts by key. Filled from a streaming list, or from pages and then a watch."""

    def __init__(self, settings: Settings, bell: Bell) -> None:
        super().__init__(settings, bell)
        self._loads: Loads = importlib.import_module("orjson").loads
        self._objects: dict[tuple[str, str], dict[str, Any]] = {}
        self._synced = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        while True:
            query = {"watch": "true"}
            if self.settings.mode == "streamed":
                query |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
                query |= {"allowWatchBookmarks": "true"}
            else:
                found: dict[tuple[str, str], dict[str, Any]] = {}
                for page in pages(self.settings.url, self.settings.path, self._loads):
                    for each in page["items"]:
                        metadata = each["metadata"]
                        found[metadata["namespace"], metadata["name"]] = each
                    query["resourceVersion"] = page["metadata"]["resourceVersion"]
                self._objects = found
                for namespace, name in found:
                    self._notify(namespace, name)
            self._watch(query)

    def _watch(self, query: dict[str, str]) -> None:
        connection, response = ask(self.settings.url, self.settings.path, **query)
        if "sendInitialEvents" not in query:
            self._synced.set()
        loads, objects = self._loads, self._objects
        for line in lines(response):
            event = loads(line)
            kind, changed = event["type"], event["object"]
            metadata = changed["metadata"]
            if kind == "ERROR":
                break
            if kind == "BOOKMARK":
                if _END in metadata.get("annotations", ()):
                    self._synced.set()
                continue
            namespace, name = metadata["namespace"], metadata["name"]
            objects[namespace, name] = changed
            self._notify(namespace, name)
        connection.close()

    def _notify(self, namespace: str, name: str) -> None:
        for _ in range(self.settings.handlers):
            self.bell.seen(namespace, name)

    def wait_synced(self, timeout: float) -> None:
        if not self._synced.wait(timeout):
            raise TimeoutError(f"not synced within {timeout:.0f} s")
        while not self._objects:
            time.sleep(0.001)

    def measure(self, what: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if what != "reads":
            return super().measure(what, arguments)
        dumps = importlib.import_module("orjson").dumps
        sample = [
            dumps(each) for each in random.Random(1).sample(list(self._objects.values()), min(self.count(), 2_000))
        ]
        return {"decode": per_call(self._loads, sample)}

    def count(self) -> int:
        return len(self._objects)

    def version(self, namespace: str, name: str) -> str:
        found = self._objects.get((namespace, name))
        return "" if found is None else str(found["metadata"]["resourceVersion"])
