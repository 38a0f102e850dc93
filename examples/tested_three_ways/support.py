"""What the tests share: a Deployment, and the controller at work."""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

from kinform import ApiClient, run
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.apps.v1 import Deployment, DeploymentSpec
from kinform_k8s.models.core.v1 import Container, PodSpec, PodTemplateSpec
from kinform_k8s.models.meta.v1 import LabelSelector, ObjectMeta
from summaries import ASKS, Summaries


def deployment(image: str = "nginx:1", *, asks: bool = True) -> Deployment:
    """``web``, with two replicas of an image; it asks for a summary."""
    labels = {"app": "web"}
    containers = [Container(name="main", image=image)]
    template = PodTemplateSpec(metadata=ObjectMeta(labels=labels), spec=PodSpec(containers=containers))
    return Deployment(
        metadata=ObjectMeta(name="web", annotations={ASKS: "true"} if asks else {}),
        spec=DeploymentSpec(replicas=2, selector=LabelSelector(match_labels=labels), template=template),
    )


@contextmanager
def running(connect: Callable[[], ApiClient], namespace: str) -> Generator[Clientset]:
    """The whole controller, as ``main`` runs it, for as long as the block lasts; and a clientset for the test."""
    factory = SharedInformerFactory(connect, namespace=namespace)
    controller = Summaries(factory, Clientset(factory.transport)).controller
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(factory, controller), kwargs={"stop": stop})
    thread.start()
    try:
        with Clientset(connect()) as clientset:
            yield clientset
    finally:
        stop.set()
        thread.join()
