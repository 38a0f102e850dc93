"""What requests can be asked to do besides: kinds of patches, ways of deleting, what a list may be as old as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Self, TypeAlias, cast

import msgspec

if TYPE_CHECKING:
    from kinform.meta import HasMetadata

__all__ = ["PatchBody", "PatchType", "Preconditions", "PropagationPolicy", "ResourceVersionMatch"]


class PatchType(StrEnum):
    """How a patch is meant; the values are its media types (client-go: ``types.PatchType``)."""

    MERGE = "application/merge-patch+json"
    """An object laid over the stored one: null removes, lists are replaced whole. RFC 7396."""
    JSON = "application/json-patch+json"
    """A list of operations. RFC 6902."""
    STRATEGIC = "application/strategic-merge-patch+json"
    """As ``MERGE``, but lists are merged by key where the API says so. Built-in kinds only."""
    APPLY = "application/apply-patch+yaml"
    """Server-side apply: the fields that this field manager wants, and wants to own. Create or change."""


PatchBody: TypeAlias = bytes | Mapping[str, object] | Sequence[Mapping[str, object]]
"""A patch as JSON, as an object, or as a list of operations; models may stand in it."""


class PropagationPolicy(StrEnum):
    """What becomes of an object's dependents when it is deleted (``metav1.DeletionPropagation``)."""

    ORPHAN = "Orphan"
    """They stay, without owner."""
    BACKGROUND = "Background"
    """They are deleted after it."""
    FOREGROUND = "Foreground"
    """It stays, being deleted, until they are gone."""


class ResourceVersionMatch(StrEnum):
    """How a list's ``resource_version`` is meant (``metav1.ResourceVersionMatch``)."""

    NOT_OLDER_THAN = "NotOlderThan"
    EXACT = "Exact"


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What must be true of an object for it to be deleted; else ``ConflictError`` (``metav1.Preconditions``)."""

    uid: str | None = None
    """It is this very object, not another of the same name."""
    resource_version: str | None = None
    """It has not changed since."""

    @classmethod
    def of(cls, obj: HasMetadata) -> Self:
        """That it is this object in this version."""
        return cls(obj.metadata.uid, obj.metadata.resource_version)


def encode_patch(patch: PatchBody, kind: PatchType) -> bytes:
    """A patch as JSON bytes.

    Raises:
        TypeError: It holds what is no JSON, or is an object where operations are due, or the other way round.
    """
    if isinstance(patch, bytes):
        return patch
    if isinstance(patch, Mapping) is (kind is PatchType.JSON):
        due = "a list of operations" if kind is PatchType.JSON else "an object"
        raise TypeError(f"a patch of type {kind.name} is {due}, not {type(patch).__name__}")
    return msgspec.json.encode(_plain(patch), enc_hook=_refuse)


def _plain(value: object) -> object:
    """A value less what msgspec does not know, or would write in its own way: other mappings and sequences, models."""
    to_wire = getattr(value, "to_wire", None)
    if to_wire is not None:
        return msgspec.Raw(to_wire())
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in cast("Mapping[object, object]", value).items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(item) for item in cast("Sequence[object]", value)]
    return value


def _refuse(value: object) -> object:
    raise TypeError(f"{type(value).__name__} is no JSON")
