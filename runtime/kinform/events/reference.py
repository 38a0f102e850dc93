"""Which object an event is about."""

from __future__ import annotations

from typing import Protocol

import msgspec

from kinform.meta import HasMetadata

__all__ = ["EventSubject", "ObjectReference", "reference_to"]


class EventSubject(HasMetadata, Protocol):
    """An object that says what it is; generated models of kinds do."""

    @property
    def api_version(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102


class ObjectReference(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """An object by its name (``core/v1.ObjectReference``), where there is no model of it at hand. Hashable.

    Attributes:
        api_version: As in the object, such as ``"apps/v1"``.
        kind: Its kind.
        namespace: Its namespace; ``""`` where it is cluster-scoped.
        name: Its name.
        uid: Its uid; ``kubectl describe`` passes over events with another.
        resource_version: In which version it was seen.
        field_path: The part of it that is meant, such as ``"spec.containers{web}"``.
    """

    api_version: str = ""
    kind: str
    namespace: str = ""
    name: str
    uid: str = ""
    resource_version: str = ""
    field_path: str = ""

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells it from others, whatever its version."""
        return (self.api_version, self.kind, self.namespace, self.name, self.uid, self.field_path)


def reference_to(subject: EventSubject | ObjectReference, *, field_path: str = "") -> ObjectReference:
    """The reference to an object, or to a part of it (client-go: ``reference.GetReference``).

    Args:
        subject: The object; a reference is taken as it is, with another ``field_path`` if one is given.
        field_path: The part of it, such as ``"spec.containers{web}"``.

    Raises:
        ValueError: The object names no kind or has no name: nobody could find it by that.
    """
    if isinstance(subject, ObjectReference):
        found = msgspec.structs.replace(subject, field_path=field_path) if field_path else subject
    else:
        found = ObjectReference(
            api_version=subject.api_version,
            kind=subject.kind,
            namespace=subject.metadata.namespace,
            name=subject.metadata.name,
            uid=subject.metadata.uid,
            resource_version=subject.metadata.resource_version,
            field_path=field_path,
        )
    if not found.kind or not found.name:
        raise ValueError(f"an event is about an object with a kind and a name, not kind {found.kind!r}, {found.name!r}")
    return found
