"""Reads a CustomResourceDefinition, and checks of it what the API server checks and the generator builds on."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from kinform_codegen.crd.documents import RENDER
from kinform_codegen.crd.schema import published_schema
from kinform_codegen.spec.node import Node

if TYPE_CHECKING:
    from kinform_codegen.crd.schema import Schema

__all__ = ["KIND", "Definition", "Version", "is_definition", "is_patch", "read_definition"]

KIND: Final = "CustomResourceDefinition"
_GROUP: Final = "apiextensions.k8s.io"

_LONGEST_LABEL: Final = 63
_LONGEST_GROUP: Final = 253
_LABEL: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_CAMEL_LABEL: Final = re.compile(r"[A-Za-z]([-A-Za-z0-9]*[A-Za-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+")


@dataclass(frozen=True, slots=True)
class Version:
    """A version that is served.

    Attributes:
        name: ``v1``.
        schema: The schema of its objects, as the API server publishes it.
        status: Whether status is a subresource.
        scale: Whether there is a scale subresource.
        selectable: The paths of the fields that field selectors may name.
    """

    name: str
    schema: Schema
    status: bool
    scale: bool
    selectable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """A custom resource. Two are equal if the same is published for them.

    Attributes:
        name: ``widgets.example.com``.
        source: The file and document that it comes from.
        path: The keys that lead to it there.
        group: ``example.com``.
        plural: ``widgets``.
        kind: ``Widget``.
        list_kind: ``WidgetList``.
        namespaced: Whether its objects live in namespaces.
        versions: Those that are served.
    """

    name: str
    source: str = field(compare=False)
    path: tuple[str, ...] = field(compare=False)
    group: str
    plural: str
    kind: str
    list_kind: str
    namespaced: bool
    versions: tuple[Version, ...]


def is_definition(document: Node) -> bool:
    """Whether a document is a CustomResourceDefinition, of whatever version."""
    members = document.value if isinstance(document.value, dict) else {}
    api_version = members.get("apiVersion")
    # A kind of that name may be somebody else's; without an apiVersion it is a slip.
    foreign = isinstance(api_version, str) and api_version.partition("/")[0] != _GROUP
    return members.get("kind") == KIND and not foreign


def is_patch(document: Node) -> bool:
    """Whether a document that `is_definition` only changes one: a kustomize patch, as kubebuilder lays them beside."""
    spec = document.mapping().get("spec")
    return not (isinstance(spec, dict) and spec.keys() & {"group", "names", "versions"})


def read_definition(document: Node) -> Definition:
    """Reads a document that `is_definition`.

    Raises:
        SpecError: The API server would refuse it, or it holds nothing to generate; file, name and path are named.
    """
    name = document.at("metadata", "name") if isinstance(document.mapping().get("metadata"), dict) else None
    if name is None or name.value is None:
        raise document.error(f"a {KIND} without a name", mend="give it metadata.name: <plural>.<group>")
    called = name.text() if len(name.text()) <= _LONGEST_GROUP else f"{name.text()[:40]}…"
    root = Node(document.value, f"{document.source}, {KIND} {called!r}", document.path)
    _check_api_version(root)
    spec = _required(root, "spec")
    group = _name(_required(spec, "group"), _SUBDOMAIN, _LONGEST_GROUP, "a domain such as example.com")
    names = _required(spec, "names")
    plural = _name(_required(names, "plural"), _LABEL, _LONGEST_LABEL, "lower case, digits and dashes")
    kind = _camel(_required(names, "kind"))
    given = names.get("listKind")
    list_kind = _camel(given) if given is not None and given.value else f"{kind}List"
    if list_kind == kind:
        raise names.error(f"kind and listKind are both {kind!r}", mend=f"call the list {kind}List")
    if name.value != f"{plural}.{group}":
        raise Node(name.value, root.source, name.path).error(
            f"is not {plural}.{group}, as its plural and group demand", mend="mend the name, the plural or the group"
        )
    return Definition(
        name=f"{plural}.{group}",
        source=document.source,
        path=document.path,
        group=group,
        plural=plural,
        kind=kind,
        list_kind=list_kind,
        namespaced=_is_namespaced(_required(spec, "scope")),
        versions=_versions(_required(spec, "versions")),
    )


def _check_api_version(root: Node) -> None:
    api_version = root.get("apiVersion")
    if api_version is None or api_version.value is None:
        raise root.error("has no apiVersion", mend=f"say apiVersion: {_GROUP}/v1")
    if api_version.value == f"{_GROUP}/v1beta1":
        raise api_version.error(
            f"{_GROUP}/v1beta1 is gone since Kubernetes v1.22",
            mend="convert it to v1, with a structural schema for each version; or apply it to a cluster older than"
            f" that, and take what `kubectl get crd -o yaml` says there; or ask its authors for one of {_GROUP}/v1",
        )
    if api_version.value != f"{_GROUP}/v1":
        raise api_version.error(f"{api_version.value!r} is unknown", mend=f"give a {KIND} of {_GROUP}/v1")


def _is_namespaced(scope: Node) -> bool:
    if scope.value not in ("Namespaced", "Cluster"):
        raise scope.error(f"{scope.value!r} is no scope", mend="say Namespaced or Cluster")
    return scope.value == "Namespaced"


def _versions(versions: Node) -> tuple[Version, ...]:
    """The versions that are served. Those that are not are checked for their names only, as nothing is made of them."""
    served: list[Version] = []
    seen: dict[str, Node] = {}
    for version in versions.elements():
        node = _required(version, "name")
        name = _name(node, _LABEL, _LONGEST_LABEL, "a version such as v1beta1")
        if name in seen:
            raise node.error(f"the version {name!r} is there twice", mend="take one of the two out")
        seen[name] = version
        if (flag := _given(version, "served")) is not None and flag.boolean():
            served.append(_version(name, version))
    if not served:
        listed = ", ".join(seen) or "there is none"
        raise versions.error(f"no version is served ({listed})", mend="say served: true for one, or leave the file out")
    return tuple(served)


def _version(name: str, version: Node) -> Version:
    schema = _given(version, "schema")
    root = _given(schema, "openAPIV3Schema") if schema is not None else None
    if root is None:
        raise version.error(
            "has no schema.openAPIV3Schema",
            mend="give it one; for any fields: {type: object, x-kubernetes-preserve-unknown-fields: true}",
        )
    subresources = _given(version, "subresources")
    selectable = _given(version, "selectableFields")
    return Version(
        name=name,
        schema=published_schema(root),
        status=subresources is not None and _given(subresources, "status") is not None,
        scale=subresources is not None and _given(subresources, "scale") is not None,
        selectable=tuple(
            _required(each, "jsonPath").text().removeprefix(".")
            for each in (selectable.elements() if selectable is not None else ())
        ),
    )


def _given(node: Node, key: str) -> Node | None:
    """A member, or None where it is absent or null."""
    member = node.get(key)
    return member if member is not None and member.value is not None else None


def _required(node: Node, key: str) -> Node:
    member = _given(node, key)
    if member is None:
        raise node.error(f"has no {key}", mend=f"give it {key}, which the API server demands")
    return member


def _camel(node: Node) -> str:
    return _name(node, _CAMEL_LABEL, _LONGEST_LABEL, "a kind such as CronTab: letters, digits and dashes")


def _name(node: Node, pattern: re.Pattern[str], longest: int, wanted: str) -> str:
    """A name that may become part of generated code.

    Raises:
        SpecError: It is none; what the API server refuses is refused, so it cannot break out of the code.
    """
    if isinstance(node.value, bool):
        raise node.error("is no text: YAML reads y, n, yes, no, on and off as true and false", mend="quote the name")
    text = node.text()
    if len(text) > longest:
        raise node.error(f"{text[:40]!r}… is longer than {longest} characters", mend="choose a shorter name")
    if not pattern.fullmatch(text):
        mend = RENDER if "{{" in text else f"give {wanted}"
        raise node.error(f"{text!r} is no name that the API server takes", mend=mend)
    return text
