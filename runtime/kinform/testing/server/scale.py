"""The ``scale`` subresource: an ``autoscaling/v1.Scale`` in front of an object's own fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kinform.testing.server import refusals
from kinform.testing.server.documents import child, metadata_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.meta import Resource
    from kinform.testing.server.documents import Json, JsonObject

__all__ = ["BUILTIN_SCALES", "SCALE", "Scale", "selector_text"]

SCALE: Final[Mapping[str, str]] = {"kind": "Scale", "apiVersion": "autoscaling/v1"}


@dataclass(frozen=True, slots=True)
class Scale:
    """Where an object keeps what a ``Scale`` shows.

    Attributes:
        replicas: The path of the wanted number, such as ``.spec.replicas``.
        status_replicas: The path of the present one.
        selector: The path of the selector: a text, or a label selector; ``""`` for none.
        required: Whether there is no ``Scale`` of objects that do not say how many replicas they want.
    """

    replicas: str = ".spec.replicas"
    status_replicas: str = ".status.replicas"
    selector: str = ""
    required: bool = False

    def shown(self, tree: JsonObject) -> JsonObject:
        """The ``Scale`` of an object.

        Raises:
            Refusal: There must be a number of replicas, and is none (500).
        """
        named = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
        metadata = child(tree, "metadata")
        wanted, present = _read(tree, self.replicas), _read(tree, self.status_replicas)
        if wanted is None and self.required:
            raise refusals.internal_error(f'the spec replicas field "{self.replicas}" does not exist')
        status: JsonObject = {"replicas": present or 0}
        if self.selector and (text := selector_text(_read(tree, self.selector))):
            status["selector"] = text
        return {
            **SCALE,
            "metadata": {name: metadata[name] for name in named if name in metadata},
            "spec": {"replicas": wanted} if wanted else {},
            "status": status,
        }

    def scaled(self, resource: Resource, tree: JsonObject, scale: JsonObject) -> JsonObject:
        """The object with the number of replicas that a ``Scale`` wants.

        Raises:
            Refusal: It is no number, or negative (422).
        """
        wanted = child(scale, "spec").get("replicas", 0)
        name = str(child(tree, "metadata").get("name", ""))
        if not isinstance(wanted, int) or isinstance(wanted, bool):
            raise refusals.bad_request("Scale in version autoscaling/v1: spec.replicas is no number")
        if wanted < 0:
            where = self.replicas if self.required else "spec.replicas"
            why = f"Invalid value: {wanted}: should be a non-negative integer"
            raise refusals.invalid_object(resource, name, refusals.Cause("FieldValueInvalid", where, why))
        *steps, last = self.replicas.strip(".").split(".")
        node = tree
        for step in steps:
            below = node.get(step)
            if not isinstance(below, dict):
                below = node[step] = {}
            node = below
        node[last] = wanted
        sent = child(scale, "metadata")
        for each in ("resourceVersion", "uid"):
            metadata_of(tree).pop(each, None)
            if sent.get(each):
                metadata_of(tree)[each] = sent[each]
        return tree


BUILTIN_SCALES: Final[Mapping[tuple[str, str], Scale]] = {
    ("", "replicationcontrollers"): Scale(selector=".spec.selector"),
    ("apps", "deployments"): Scale(selector=".spec.selector"),
    ("apps", "replicasets"): Scale(selector=".spec.selector"),
    ("apps", "statefulsets"): Scale(selector=".spec.selector"),
}
"""The built-in kinds that can be scaled."""


def _read(tree: JsonObject, path: str) -> Json:
    value: Json = tree
    for step in path.strip(".").split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


def selector_text(selector: Json) -> str:
    """A selector as text, as ``labelSelector`` parameters have it."""
    if isinstance(selector, str):
        return selector
    if not isinstance(selector, dict):
        return ""
    if not {"matchLabels", "matchExpressions"} & set(selector):
        return ",".join(f"{name}={value}" for name, value in sorted(selector.items()))
    terms = [f"{name}={value}" for name, value in sorted(child(selector, "matchLabels").items())]
    expressions = selector.get("matchExpressions")
    for each in expressions if isinstance(expressions, list) else []:
        if isinstance(each, dict):
            values = each.get("values")
            listed = f" ({','.join(map(str, values))})" if isinstance(values, list) else ""
            operator = str(each.get("operator", ""))
            key = str(each.get("key", ""))
            forms = {"Exists": key, "DoesNotExist": f"!{key}", "In": f"{key} in{listed}"}
            terms.append(forms.get(operator, f"{key} notin{listed}"))
    return ",".join(terms)
