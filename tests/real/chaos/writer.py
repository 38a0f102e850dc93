"""A client that creates, changes, moves, replaces and deletes objects of five kinds at a steady rate, come what may."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from kinform import AlreadyExistsError, KinformError, NotFoundError
from kinform_k8s.resources.apps.v1 import DEPLOYMENTS
from kinform_k8s.resources.core.v1 import CONFIG_MAPS, NAMESPACES, NODES, PODS, SECRETS

if TYPE_CHECKING:
    from kinform.meta import Resource
    from kinform.transport import Transport

WRITTEN = (CONFIG_MAPS, SECRETS, PODS, DEPLOYMENTS, NODES)
TIERS = ("front", "back")
PHASES = ("Pending", "Running", "Succeeded")
_REQUEST_SECONDS = 3.0
_MERGE_PATCH = "application/merge-patch+json"


class Writer:
    """Writes from a thread of its own, past any proxy. What fails is counted and not tried again: it may have worked.

    Args:
        transport: The way to the server.
        namespaces: Where; they are made by ``fill``.
        population: How many objects there are to be of each kind, in each namespace where it has them.
        rate: Writes in a second.
        seed: Of the sequence.
    """

    def __init__(
        self, transport: Transport, namespaces: tuple[str, ...], *, population: int, rate: float, seed: int
    ) -> None:
        self._transport = transport
        self._namespaces = namespaces
        self._names = [f"object-{number}" for number in range(2 * population)]
        self._population = population
        self._interval = 1.0 / rate
        self._random = random.Random(seed)
        self._serial = itertools.count()
        self._stopping = threading.Event()
        self._running = threading.Event()
        self._idle = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos-writer", daemon=True)
        self.writes: Counter[str] = Counter()
        """What the server has acknowledged, by verb."""
        self.failures: Counter[str] = Counter()
        """What it has not, by reason."""

    def fill(self) -> None:
        """Makes the namespaces and the first objects: half of the names that there can be."""
        for namespace in self._namespaces:
            self._send("POST", NAMESPACES.path(), {"metadata": {"name": namespace}})
        for resource in WRITTEN:
            for namespace in self._places(resource):
                for name in self._names[:: len(self._names) // self._population]:
                    self._create(resource, namespace, name)

    def start(self) -> None:
        """Begins to write."""
        self._running.set()
        self._thread.start()

    def pause(self) -> None:
        """Blocks until nothing is written any more."""
        self._running.clear()
        assert self._idle.wait(20.0)

    def go_on(self) -> None:
        """Writes again."""
        self._idle.clear()
        self._running.set()

    def stop(self) -> None:
        """Ends the thread."""
        self._stopping.set()
        self._running.set()
        self._thread.join(20.0)
        assert not self._thread.is_alive()

    # ---- the thread

    def _run(self) -> None:
        due = time.monotonic()
        while not self._stopping.is_set():
            if not self._running.is_set():
                self._idle.set()
                self._running.wait()
                due = time.monotonic()
                continue
            self._write()
            due = max(due + self._interval, time.monotonic() - 1.0)
            self._stopping.wait(max(0.0, due - time.monotonic()))

    def _write(self) -> None:
        resource = self._random.choice(WRITTEN)
        namespace = self._random.choice(self._places(resource))
        name = self._random.choice(self._names)
        action = self._random.choices((self._change, self._create, self._delete, self._replace), (6, 2, 2, 1))[0]
        try:
            action(resource, namespace, name)
        except KinformError as error:
            self.failures[type(error).__name__] += 1

    def _create(self, resource: Resource, namespace: str, name: str) -> None:
        try:
            self._send("POST", resource.path(namespace), self._object(resource, name))
        except AlreadyExistsError:
            self._change(resource, namespace, name)
        else:
            self.writes["create"] += 1

    def _change(self, resource: Resource, namespace: str, name: str) -> None:
        """Changes the labels, and with them what selects it, or the phase of a pod."""
        path, change = resource.path(namespace, name), {"metadata": self._metadata()}
        if resource is PODS and self._random.random() < 0.5:
            path, change = f"{path}/status", {"status": {"phase": self._random.choice(PHASES)}}
        try:
            self._send("PATCH", path, change, _MERGE_PATCH)
        except NotFoundError:
            self._create(resource, namespace, name)
        else:
            self.writes["update"] += 1

    def _delete(self, resource: Resource, namespace: str, name: str) -> None:
        try:
            self._send("DELETE", resource.path(namespace, name), {"gracePeriodSeconds": 0})
        except NotFoundError:
            self._create(resource, namespace, name)
        else:
            self.writes["delete"] += 1

    def _replace(self, resource: Resource, namespace: str, name: str) -> None:
        """The same name and another uid, at once."""
        self._delete(resource, namespace, name)
        self._create(resource, namespace, name)

    def _send(self, method: str, path: str, body: dict[str, Any], content_type: str = "application/json") -> None:
        self._transport.request(
            method, path, body=json.dumps(body).encode(), content_type=content_type, timeout=_REQUEST_SECONDS
        )

    # ---- objects

    def _places(self, resource: Resource) -> tuple[str, ...]:
        return self._namespaces if resource.namespaced else ("",)

    def _metadata(self) -> dict[str, Any]:
        labels = {"tier": self._random.choice(TIERS)}
        return {"labels": labels, "annotations": {"example.com/serial": f"{next(self._serial):012}"}}

    def _object(self, resource: Resource, name: str) -> dict[str, Any]:
        made: dict[str, Any] = {"metadata": {"name": name, **self._metadata()}}
        made["apiVersion"], made["kind"] = resource.api_version, resource.kind
        if resource is CONFIG_MAPS:
            made["data"] = {"text": "x" * 200}
        elif resource is SECRETS:
            made["stringData"] = {"text": "x" * 200}
        elif resource is PODS:
            node = f"object-{self._random.randrange(2)}"
            made["spec"] = {"nodeName": node, "containers": [{"name": "main", "image": "example.com/image"}]}
        elif resource is DEPLOYMENTS:
            labels = {"app": "a"}
            template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": "i"}]}}
            made["spec"] = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        return made
