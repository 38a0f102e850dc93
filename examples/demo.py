"""The main job in one go: an API server, some deployments, replica sets and pods, and the example controller at work.

``make demo`` runs it against the API server in ``kinform.testing``, ``make demo SERVER=real`` against a kube-apiserver.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from kinform import connect
from kinform.testing import ControlPlane, ControlPlaneNotFoundError, Server
from kinform.testing.server import resources_in
from kinform_k8s import Clientset
from kinform_k8s.models.apps.v1 import Deployment, DeploymentSpec, ReplicaSet, ReplicaSetSpec
from kinform_k8s.models.core.v1 import Container, Namespace, Pod, PodSpec, PodTemplateSpec
from kinform_k8s.models.meta.v1 import LabelSelector, ObjectMeta, OwnerReference

EXAMPLE = Path(__file__).with_name("pod_controller.py")
NAMESPACE = "shop"


def main() -> int:
    """Runs the demo; 0 when the controller saw everything and stopped by itself."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--server", choices=["embedded", "real"], default="embedded")
    kind = arguments.parse_args().server
    with ExitStack() as stack:
        try:
            kubeconfig = start_server(kind, stack)
        except ControlPlaneNotFoundError as error:
            print(f"demo: {error}", file=sys.stderr)
            return 1
        controller = stack.enter_context(
            subprocess.Popen(
                [sys.executable, str(EXAMPLE), NAMESPACE],
                env={**os.environ, "KUBECONFIG": str(kubeconfig)},
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        # Whatever happens here, nothing is left running.
        stack.callback(controller.kill)
        assert controller.stderr is not None
        with Clientset(lambda: connect(config_file=str(kubeconfig))) as clientset:
            show(f"\nCreating objects in namespace {NAMESPACE} through the generated client:")
            names = create_workloads(clientset)
            show("\nWhat the controller says:")
            follow(controller.stderr, {f"{NAMESPACE}/{name}: Running" for name in names})
            gone = names[0]
            clientset.core_v1().pods(NAMESPACE).delete(gone, grace_period_seconds=0)
            follow(controller.stderr, {f"{NAMESPACE}/{gone}: gone"})
        controller.send_signal(signal.SIGTERM)
        status = controller.wait(timeout=20)
        show(f"\nThe controller stopped with status {status}.")
        return status


def start_server(kind: str, stack: ExitStack) -> Path:
    """Brings up an API server and returns its kubeconfig."""
    if kind == "real":
        show("Starting etcd and kube-apiserver ...")
        return stack.enter_context(ControlPlane()).kubeconfig
    server = stack.enter_context(Server(resources_in("kinform_k8s.resources")))
    show(f"The embedded API server listens on {server.url}")
    path = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "kubeconfig"
    path.write_text(server.kubeconfig())
    return path


def create_workloads(clientset: Clientset) -> list[str]:
    """Two deployments with a replica set and two pods each, and one pod of nobody's; returns the pods' names."""
    clientset.core_v1().namespaces().create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
    names: list[str] = []
    for app in ("web", "cart"):
        labels = {"app": app}
        selector = LabelSelector(match_labels=labels)
        pod_spec = PodSpec(containers=[Container(name=app, image=f"registry.example/{app}:1")], node_name="edge-1")
        template = PodTemplateSpec(metadata=ObjectMeta(labels=labels), spec=pod_spec)
        deployment = (
            clientset.apps_v1()
            .deployments(NAMESPACE)
            .create(
                Deployment(
                    metadata=ObjectMeta(name=app, labels=labels),
                    spec=DeploymentSpec(replicas=2, selector=selector, template=template),
                )
            )
        )
        show(f"  deployment {app} ({deployment.spec.replicas} replicas)")
        replica_set = (
            clientset.apps_v1()
            .replica_sets(NAMESPACE)
            .create(
                ReplicaSet(
                    metadata=ObjectMeta(name=f"{app}-1", labels=labels, owner_references=[owned_by(deployment)]),
                    spec=ReplicaSetSpec(replicas=2, selector=selector, template=template),
                )
            )
        )
        for number in range(2):
            metadata = ObjectMeta(name=f"{app}-1-{number}", labels=labels, owner_references=[owned_by(replica_set)])
            names.append(run_pod(clientset, Pod(metadata=metadata, spec=pod_spec)))
    names.append(
        run_pod(
            clientset,
            Pod(
                metadata=ObjectMeta(name="stray"),
                spec=PodSpec(containers=[Container(name="c", image="registry.example/stray:1")]),
            ),
        )
    )
    return names


def owned_by(owner: Deployment | ReplicaSet) -> OwnerReference:
    """A reference to the controlling owner, as its controller would set it."""
    metadata = owner.metadata
    return OwnerReference(
        api_version=owner.api_version, kind=owner.kind, name=metadata.name, uid=metadata.uid, controller=True
    )


def run_pod(clientset: Clientset, pod: Pod) -> str:
    """Creates the pod, and says that it runs, since no kubelet does."""
    pods = clientset.core_v1().pods(NAMESPACE)
    created = pods.create(pod)
    show(f"  pod {created.metadata.name}")
    created.status.phase = "Running"
    return pods.update_status(created).metadata.name


def follow(lines: IO[str], wanted: set[str]) -> None:
    """Prints the controller's lines until each of ``wanted`` has been part of one."""
    while wanted:
        line = lines.readline()
        if not line:
            raise SystemExit(f"the controller ended before it said {sorted(wanted)}")
        show(f"  {line.rstrip()}")
        wanted = {text for text in wanted if text not in line}


def show(line: str) -> None:
    """Prints at once, also into a pipe."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
