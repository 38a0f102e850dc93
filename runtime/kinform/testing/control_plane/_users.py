"""What users may do: a role and its binding for each, awaited until they count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict

import msgspec

from kinform.meta import Resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kinform.testing.control_plane._objects import Objects

__all__ = ["PolicyRule", "allow"]

_GROUP: Final = "rbac.authorization.k8s.io"
_ROLE: Final = Resource(_GROUP, "v1", "roles", "Role", namespaced=True)
_ROLE_BINDING: Final = Resource(_GROUP, "v1", "rolebindings", "RoleBinding", namespaced=True)
_CLUSTER_ROLE: Final = Resource(_GROUP, "v1", "clusterroles", "ClusterRole", namespaced=False)
_CLUSTER_ROLE_BINDING: Final = Resource(_GROUP, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False)
_REVIEWS: Final = Resource(
    "authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced=False
)


class PolicyRule(TypedDict, total=False):
    """A rule of a role, as in YAML (``rbac.authorization.k8s.io/v1.PolicyRule``)."""

    apiGroups: Sequence[str]
    resources: Sequence[str]
    verbs: Sequence[str]
    resourceNames: Sequence[str]
    nonResourceURLs: Sequence[str]


class _Verdict(msgspec.Struct, frozen=True):
    allowed: bool = False


class _Review(msgspec.Struct, frozen=True):
    """A SubjectAccessReview that has been answered."""

    status: _Verdict


def allow(
    objects: Objects,
    user: str,
    groups: Sequence[str],
    rules: Sequence[PolicyRule],
    *,
    namespace: str,
    timeout: float,
) -> None:
    """Lets a user do what the rules say, in a namespace or (``""``) everywhere, and waits until it is so.

    Raises:
        ControlPlaneError: The rules are refused, or do not count in time.
    """
    role, binding = (_ROLE, _ROLE_BINDING) if namespace else (_CLUSTER_ROLE, _CLUSTER_ROLE_BINDING)
    name = f"kinform-testing:{user}"
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    api_version = f"{_GROUP}/v1"
    objects.apply(
        role.path(namespace, name),
        {"apiVersion": api_version, "kind": role.kind, "metadata": metadata, "rules": list(rules)},
    )
    objects.apply(
        binding.path(namespace, name),
        {
            "apiVersion": api_version,
            "kind": binding.kind,
            "metadata": metadata,
            "roleRef": {"apiGroup": _GROUP, "kind": role.kind, "name": name},
            "subjects": [{"apiGroup": _GROUP, "kind": "User", "name": user}],
        },
    )

    def missing() -> str:
        for question in _questions(rules, namespace):
            spec = {"user": user, "groups": [*groups, "system:authenticated"], **question}
            if not objects.create(_REVIEWS.path(), {"spec": spec}, _Review).status.allowed:
                return f"the user {user} may not yet do what the rules say ({question})"
        return ""

    objects.wait(missing, timeout)


def _questions(rules: Sequence[PolicyRule], namespace: str) -> Iterator[Mapping[str, object]]:
    """One thing that each rule allows, as a review asks for it."""
    for rule in rules:
        verb = next(iter(rule.get("verbs", ())), "")
        for url in list(rule.get("nonResourceURLs", ()))[:1]:
            yield {"nonResourceAttributes": {"verb": verb, "path": url}}
        for resource in list(rule.get("resources", ()))[:1]:
            plural, _, subresource = resource.partition("/")
            yield {
                "resourceAttributes": {
                    "verb": verb,
                    "group": next(iter(rule.get("apiGroups", ())), ""),
                    "resource": plural,
                    "subresource": subresource,
                    "namespace": namespace,
                    "name": next(iter(rule.get("resourceNames", ())), ""),
                }
            }
