"""What Kubernetes' own kinds do differently from each other, as facts: which have a status, which count generations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CATEGORIES",
    "CREATED_BY_UPDATE",
    "GROUPS",
    "INITIAL_STATUS",
    "KEEPS_STATUS_ON_CREATE",
    "NEEDS_RESOURCE_VERSION",
    "NUMBERED",
    "RETURNED_BY_DELETE",
    "SELECTABLE",
    "SHORT_NAMES",
    "WITH_STATUS",
    "GroupPlural",
]

GroupPlural: TypeAlias = "tuple[str, str]"


def _table(**groups: str) -> frozenset[GroupPlural]:
    """From ``apps="deployments replicasets"``; a double underscore stands for a dot, ``core`` for the empty group."""
    return frozenset(
        ("" if group == "core" else group.replace("__", "."), plural)
        for group, plurals in groups.items()
        for plural in plurals.split()
    )


# Read from the OpenAPI document and the registry strategies of Kubernetes 1.37; that earlier ones lack some is no harm.

GROUPS: Final = frozenset(
    [
        *("", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "apps"),
        *("authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch", "certificates.k8s.io"),
        *("coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "extensions", "flowcontrol.apiserver.k8s.io"),
        *("internal.apiserver.k8s.io", "lifecycle.k8s.io", "networking.k8s.io", "node.k8s.io", "policy"),
        *("rbac.authorization.k8s.io", "resource.k8s.io", "scheduling.k8s.io", "storage.k8s.io"),
        "storagemigration.k8s.io",
    ]
)
"""The groups of Kubernetes' own kinds; a resource of any other group is a custom one."""

WITH_STATUS: Final = _table(
    core=(
        "namespaces nodes persistentvolumeclaims persistentvolumes pods replicationcontrollers resourcequotas services"
    ),
    admissionregistration__k8s__io="validatingadmissionpolicies",
    apiextensions__k8s__io="customresourcedefinitions",
    apiregistration__k8s__io="apiservices",
    apps="daemonsets deployments replicasets statefulsets",
    autoscaling="horizontalpodautoscalers",
    batch="cronjobs jobs",
    certificates__k8s__io="certificatesigningrequests podcertificaterequests",
    flowcontrol__apiserver__k8s__io="flowschemas prioritylevelconfigurations",
    internal__apiserver__k8s__io="storageversions",
    networking__k8s__io="ingresses servicecidrs",
    policy="poddisruptionbudgets",
    resource__k8s__io="devicetaintrules resourceclaims resourcepoolstatusrequests",
    scheduling__k8s__io="podgroups",
    storage__k8s__io="volumeattachments",
    storagemigration__k8s__io="storageversionmigrations",
)
"""Kinds with a ``status`` subresource."""

NUMBERED: Final = _table(
    core="pods podtemplates replicationcontrollers",
    admissionregistration__k8s__io=(
        "mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations "
        "validatingadmissionpolicies validatingadmissionpolicybindings validatingwebhookconfigurations"
    ),
    apiextensions__k8s__io="customresourcedefinitions",
    apps="daemonsets deployments replicasets statefulsets",
    autoscaling="horizontalpodautoscalers",
    batch="cronjobs jobs",
    discovery__k8s__io="endpointslices",
    flowcontrol__apiserver__k8s__io="flowschemas prioritylevelconfigurations",
    networking__k8s__io="ingressclasses ingresses networkpolicies",
    policy="poddisruptionbudgets",
    resource__k8s__io="deviceclasses devicetaintrules resourceslices",
    scheduling__k8s__io="priorityclasses",
)
"""Kinds whose objects carry ``metadata.generation``."""

NEEDS_RESOURCE_VERSION: Final = _table(
    admissionregistration__k8s__io=(
        "mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations "
        "validatingadmissionpolicies validatingadmissionpolicybindings validatingwebhookconfigurations"
    ),
    certificates__k8s__io="clustertrustbundles podcertificaterequests",
    coordination__k8s__io="leasecandidates leases",
    internal__apiserver__k8s__io="storageversions",
    node__k8s__io="runtimeclasses",
    policy="poddisruptionbudgets",
    resource__k8s__io="resourcepoolstatusrequests",
    scheduling__k8s__io="podgroups workloads",
    storage__k8s__io="csidrivers csinodes csistoragecapacities volumeattachments",
    storagemigration__k8s__io="storageversionmigrations",
)
"""Kinds that cannot be updated without a resourceVersion."""

CREATED_BY_UPDATE: Final = _table(
    core="endpoints events limitranges services",
    coordination__k8s__io="leasecandidates leases",
    node__k8s__io="runtimeclasses",
    rbac__authorization__k8s__io="clusterrolebindings clusterroles rolebindings roles",
)
"""Kinds that an update of a missing object creates."""

RETURNED_BY_DELETE: Final = _table(
    core=(
        "namespaces persistentvolumeclaims persistentvolumes pods podtemplates resourcequotas serviceaccounts services"
    ),
    resource__k8s__io="deviceclasses resourceclaims resourceclaimtemplates resourcepoolstatusrequests resourceslices",
    storage__k8s__io="csidrivers csinodes storageclasses volumeattachments volumeattributesclasses",
)
"""Kinds whose deletion answers with the object; others answer with a ``Status``."""

KEEPS_STATUS_ON_CREATE: Final = _table(core="nodes")
"""Kinds whose status may come with their creation; elsewhere it is dropped."""

INITIAL_STATUS: Final[Mapping[GroupPlural, str]] = {
    ("", "namespaces"): "Active",
    ("", "persistentvolumeclaims"): "Pending",
    ("", "persistentvolumes"): "Pending",
    ("", "pods"): "Pending",
}
"""The ``status.phase`` that a fresh object has."""

_SHORT: Final = {
    "": "cm=configmaps ep=endpoints ev=events limits=limitranges ns=namespaces no=nodes pv=persistentvolumes "
    "pvc=persistentvolumeclaims po=pods quota=resourcequotas rc=replicationcontrollers sa=serviceaccounts svc=services",
    "apiextensions.k8s.io": "crd=customresourcedefinitions",
    "apps": "deploy=deployments ds=daemonsets rs=replicasets sts=statefulsets",
    "autoscaling": "hpa=horizontalpodautoscalers",
    "batch": "cj=cronjobs",
    "certificates.k8s.io": "csr=certificatesigningrequests",
    "events.k8s.io": "ev=events",
    "networking.k8s.io": "ing=ingresses netpol=networkpolicies",
    "policy": "pdb=poddisruptionbudgets",
    "scheduling.k8s.io": "pc=priorityclasses",
    "storage.k8s.io": "sc=storageclasses",
}

SHORT_NAMES: Final[Mapping[GroupPlural, tuple[str, ...]]] = {
    (group, pair.partition("=")[2]): (pair.partition("=")[0],)
    for group, pairs in _SHORT.items()
    for pair in pairs.split()
}
"""What command lines call some kinds."""

_ALL: Final = _table(
    core="pods replicationcontrollers services",
    apps="daemonsets deployments replicasets statefulsets",
    autoscaling="horizontalpodautoscalers",
    batch="cronjobs jobs",
)

CATEGORIES: Final[Mapping[GroupPlural, tuple[str, ...]]] = {
    **dict.fromkeys(_ALL, ("all",)),
    ("apiextensions.k8s.io", "customresourcedefinitions"): ("api-extensions",),
}
"""What ``kubectl get all`` and its kin mean."""

SELECTABLE: Final[Mapping[GroupPlural, frozenset[str]]] = {
    where: frozenset(paths.split())
    for where, paths in {
        ("", "events"): "involvedObject.kind involvedObject.namespace involvedObject.name involvedObject.uid "
        "involvedObject.apiVersion involvedObject.resourceVersion involvedObject.fieldPath reason reportingComponent "
        "source type",
        ("", "namespaces"): "status.phase",
        ("", "nodes"): "spec.unschedulable",
        ("", "pods"): "spec.hostNetwork spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName "
        "status.nominatedNodeName status.phase status.podIP status.podIPs",
        ("", "replicationcontrollers"): "status.replicas",
        ("", "secrets"): "type",
        ("", "services"): "spec.clusterIP spec.type",
        ("apps", "replicasets"): "status.replicas",
        ("batch", "jobs"): "status.successful",
        ("certificates.k8s.io", "certificatesigningrequests"): "spec.signerName",
        ("certificates.k8s.io", "clustertrustbundles"): "spec.signerName",
        ("events.k8s.io", "events"): "regarding.kind regarding.namespace regarding.name regarding.uid "
        "regarding.apiVersion regarding.resourceVersion regarding.fieldPath reason reportingController type",
        ("resource.k8s.io", "resourceslices"): "spec.driver spec.nodeName",
    }.items()
}
"""The fields that selectors of a kind may name besides name and namespace."""
