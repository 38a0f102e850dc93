"""Keeps a summary beside each Deployment that asks for one: a ConfigMap with what it runs, for people and scripts.

A Deployment asks by the annotation ``example.com/summary: "true"``. The ConfigMap is named after it, belongs to it, and
goes with it. What is found there under that name and is somebody else's is left alone.
"""

import logging

from kinform import Controller, ObjectKey, TerminalError, connect, controller_of, run
from kinform.client import Preconditions
from kinform.errors import AlreadyExistsError, InvalidError
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.apps.v1 import Deployment
from kinform_k8s.models.core.v1 import ConfigMap
from kinform_k8s.models.meta.v1 import ObjectMeta, OwnerReference

ASKS = "example.com/summary"
MANAGED_BY = "app.kubernetes.io/managed-by"

log = logging.getLogger("summaries")


def summary_of(deployment: Deployment) -> ConfigMap:
    """What the summary of a Deployment has to be."""
    owner = OwnerReference(
        api_version="apps/v1",
        kind="Deployment",
        name=deployment.metadata.name,
        uid=deployment.metadata.uid,
        controller=True,
    )
    metadata = ObjectMeta(
        name=f"{deployment.metadata.name}-summary",
        namespace=deployment.metadata.namespace,
        labels={MANAGED_BY: "summaries"},
        owner_references=[owner],
    )
    images = [container.image for container in deployment.spec.template.spec.containers]
    replicas = 1 if deployment.spec.replicas is None else deployment.spec.replicas
    return ConfigMap(metadata=metadata, data={"images": "\n".join(images), "replicas": str(replicas)})


class Summaries:
    """The controller; everything that it needs is given to it, so that tests can give something else."""

    def __init__(self, factory: SharedInformerFactory, clientset: Clientset) -> None:
        deployments = factory.apps().v1().deployments()
        config_maps = factory.core().v1().config_maps(label_selector=f"{MANAGED_BY}=summaries")
        self._deployments = deployments.lister()
        self._config_maps = config_maps.lister()
        self._clientset = clientset
        self.controller = Controller("summaries", self.reconcile).watches(deployments).owns(config_maps)

    def reconcile(self, key: ObjectKey) -> None:
        """Makes the summary of one Deployment be as it has to be; whatever it raises, it is tried again."""
        deployment = self._deployments.deployments(key.namespace).find(key.name)
        if deployment is None or deployment.metadata.deletion_timestamp is not None:
            return  # what it owns goes with it
        summary = summary_of(deployment)
        present = self._config_maps.config_maps(key.namespace).find(summary.metadata.name)
        if deployment.metadata.annotations.get(ASKS) != "true":
            if present is not None and _belongs(present, deployment):
                self._delete(present)
        elif present is None:
            self._create(summary, deployment)
        elif present.data != summary.data and _belongs(present, deployment):
            self._update(self._config_maps.config_maps(key.namespace).copy(summary.metadata.name), summary)

    def _create(self, summary: ConfigMap, deployment: Deployment) -> None:
        config_maps = self._clientset.core_v1().config_maps(summary.metadata.namespace)
        try:
            config_maps.create(summary)
        except AlreadyExistsError:
            # Ours, and the cache has not seen it yet? Then its event is on its way, and brings the next call.
            if not _belongs(config_maps.get(summary.metadata.name), deployment):
                name = summary.metadata.name
                raise TerminalError(f"the ConfigMap {name} is somebody else's: rename it, or the Deployment") from None

    def _update(self, present: ConfigMap, summary: ConfigMap) -> None:
        present.data = summary.data
        try:
            # It carries the resourceVersion that the cache has: where somebody was faster, ConflictError says so.
            self._clientset.core_v1().config_maps(present.metadata.namespace).update(present)
        except InvalidError:
            log.warning("%s cannot be changed, so it is made anew", present.metadata.name)
            self._delete(present)  # its DELETED event brings the next call

    def _delete(self, present: ConfigMap) -> None:
        config_maps = self._clientset.core_v1().config_maps(present.metadata.namespace)
        config_maps.delete(present.metadata.name, preconditions=Preconditions(uid=present.metadata.uid))


def _belongs(config_map: ConfigMap, deployment: Deployment) -> bool:
    owner = controller_of(config_map)
    return owner is not None and owner.uid == deployment.metadata.uid


def main() -> None:
    """Runs until it is told to end."""
    logging.basicConfig(level=logging.INFO)
    factory = SharedInformerFactory(connect)
    run(factory, Summaries(factory, Clientset(factory.transport)).controller)


if __name__ == "__main__":
    main()
