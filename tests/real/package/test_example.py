"""The example controller, as a user runs it: a process of its own, against a real server, ended by a signal."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from typing import IO, TYPE_CHECKING

import pytest

from kinform_k8s import Clientset
from kinform_k8s.models.apps.v1 import Deployment, DeploymentSpec, ReplicaSet, ReplicaSetSpec
from kinform_k8s.models.core.v1 import Container, Namespace, Pod, PodSpec, PodTemplateSpec
from kinform_k8s.models.meta.v1 import LabelSelector, ObjectMeta, OwnerReference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinform.testing import ControlPlane

TIMEOUT = 30.0
NAMESPACE = "example"


class Lines:
    """What a process writes, line by line, with a limit to how long one waits for it."""

    def __init__(self, pipe: IO[str]) -> None:
        self._queue: queue.Queue[str] = queue.Queue()
        self._all: list[str] = []
        self._thread = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def _read(self, pipe: IO[str]) -> None:
        for line in pipe:
            self._queue.put(line)

    def wait_for(self, text: str) -> None:
        deadline = time.monotonic() + TIMEOUT
        while text not in "".join(self._all[-1:]):
            try:
                self._all.append(self._queue.get(timeout=max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                pytest.fail(f"the controller did not say {text!r}, but:\n{''.join(self._all)}")

    def rest(self) -> str:
        """All lines; call it when the process has ended."""
        self._thread.join(TIMEOUT)
        while not self._queue.empty():
            self._all.append(self._queue.get())
        return "".join(self._all)


@pytest.fixture
def clientset(control_plane: ControlPlane) -> Iterator[Clientset]:
    with Clientset(control_plane.client()) as made:
        yield made


def owned_by(owner: Deployment | ReplicaSet) -> list[OwnerReference]:
    return [
        OwnerReference(
            api_version=owner.api_version,
            kind=owner.kind,
            name=owner.metadata.name,
            uid=owner.metadata.uid,
            controller=True,
        )
    ]


def create_pod(clientset: Clientset) -> Pod:
    """A pod of a replica set of a deployment."""
    clientset.core_v1().namespaces().create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
    labels = {"app": "web"}
    selector = LabelSelector(match_labels=labels)
    spec = PodSpec(containers=[Container(name="c", image="registry.example/c:1")], node_name="n1")
    template = PodTemplateSpec(metadata=ObjectMeta(labels=labels), spec=spec)
    deployment = (
        clientset.apps_v1()
        .deployments(NAMESPACE)
        .create(Deployment(metadata=ObjectMeta(name="web"), spec=DeploymentSpec(selector=selector, template=template)))
    )
    metadata = ObjectMeta(name="web-1", owner_references=owned_by(deployment))
    replica_set = (
        clientset.apps_v1()
        .replica_sets(NAMESPACE)
        .create(ReplicaSet(metadata=metadata, spec=ReplicaSetSpec(selector=selector, template=template)))
    )
    metadata = ObjectMeta(name="web-1-a", labels=labels, owner_references=owned_by(replica_set))
    return clientset.core_v1().pods(NAMESPACE).create(Pod(metadata=metadata, spec=spec))


def test_the_example_controller(
    control_plane: ControlPlane, clientset: Clientset, request: pytest.FixtureRequest
) -> None:
    program = request.config.rootpath / "examples" / "pod_controller.py"
    pod = create_pod(clientset)
    pods = clientset.core_v1().pods(NAMESPACE)
    with subprocess.Popen(
        [sys.executable, "-W", "error", str(program), NAMESPACE],
        env={**os.environ, "KUBECONFIG": str(control_plane.kubeconfig)},
        stderr=subprocess.PIPE,
        text=True,
    ) as controller:
        try:
            assert controller.stderr is not None
            lines = Lines(controller.stderr)
            lines.wait_for("example/web-1-a: Pending on n1, of example/web\n")
            pod.status.phase = "Running"
            pods.update_status(pod)
            lines.wait_for("example/web-1-a: Running on n1, of example/web\n")
            stray = Pod(metadata=ObjectMeta(name="stray"), spec=PodSpec(containers=[Container(name="c", image="i")]))
            pods.create(stray)
            lines.wait_for("example/stray: Pending on no node, of no deployment\n")
            pods.delete("web-1-a", grace_period_seconds=0)
            lines.wait_for("example/web-1-a: gone\n")
            controller.send_signal(signal.SIGTERM)
            assert controller.wait(TIMEOUT) == 0
        finally:
            controller.kill()
    said = lines.rest()
    assert "Traceback" not in said
    assert "failed" not in said
