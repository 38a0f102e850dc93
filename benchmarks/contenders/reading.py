"""What a handler does that reads the whole object: it looks at its metadata, every container and every condition."""

from __future__ import annotations

from typing import Any

__all__ = ["read_pod"]


def read_pod(pod: Any) -> list[object]:
    """Reads a pod of any library whose attributes are in snake_case."""
    metadata, spec, status = pod.metadata, pod.spec, pod.status
    found: list[object] = [metadata.name, metadata.namespace, metadata.uid, metadata.creation_timestamp]
    found += (metadata.labels, metadata.annotations, [owner.name for owner in metadata.owner_references or ()])
    found += (spec.node_name, spec.service_account_name, status.phase, status.pod_ip, status.start_time)
    for container in spec.containers:
        found += (container.name, container.image, container.args, container.resources.requests)
        found += [(variable.name, variable.value) for variable in container.env or ()]
        found += [mount.mount_path for mount in container.volume_mounts or ()]
    found += [
        (condition.type, condition.status, condition.last_transition_time) for condition in status.conditions or ()
    ]
    found += [(each.name, each.ready, each.restart_count) for each in status.container_statuses or ()]
    return found
