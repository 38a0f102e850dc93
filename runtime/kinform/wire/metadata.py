"""What is read of every object's metadata, and how equal parts of it come to be shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from kinform.wire.entry import Owner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LabelPool", "Metadata", "OwnerPool", "TextPool"]

_POOL_SIZE: Final = 8192
_T = TypeVar("_T")

_decode_labels: Callable[[bytes], dict[str, str] | None] = msgspec.json.Decoder(dict[str, str] | None).decode


class _OwnerReference(msgspec.Struct, rename="camel", gc=False):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool | None = None


_decode_owners: Callable[[bytes], list[_OwnerReference] | None] = msgspec.json.Decoder(
    list[_OwnerReference] | None
).decode


class Metadata(msgspec.Struct, rename="camel", gc=False):
    """The part of ``metadata`` that an entry needs; the larger pieces stay undecoded until a pool has seen them."""

    name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    generation: int | None = None
    deletion_timestamp: str | None = None
    labels: msgspec.Raw = msgspec.Raw(b"")
    owner_references: msgspec.Raw = msgspec.Raw(b"")
    managed_fields: msgspec.Raw = msgspec.Raw(b"")


class _Pool(dict[bytes, _T]):
    """Values by the JSON they are read from, each decoded once.

    Bounded by forgetting everything when full: what is hot comes back at once, what is unique to one object (the labels
    of a stateful set's pods) would fill any pool.
    """

    __slots__ = ()

    def __missing__(self, raw: bytes) -> _T:
        value = self._decode(raw)
        if len(self) >= _POOL_SIZE:
            self.clear()
        self[raw] = value
        return value

    def _decode(self, raw: bytes) -> _T:
        raise NotImplementedError


class LabelPool(_Pool["Mapping[str, str]"]):
    """Labels by their JSON; absent and null are empty. Raises ``msgspec.DecodeError`` for what are no labels."""

    __slots__ = ()

    def _decode(self, raw: bytes) -> Mapping[str, str]:
        return (_decode_labels(raw) if raw else None) or {}


class OwnerPool(_Pool["Owner | None"]):
    """The controlling owner by the JSON of ``ownerReferences``; raises ``msgspec.DecodeError`` for what are none."""

    __slots__ = ()

    def _decode(self, raw: bytes) -> Owner | None:
        references = (_decode_owners(raw) if raw else None) or []
        return next((Owner(r.api_version, r.kind, r.name, r.uid) for r in references if r.controller), None)


class TextPool(dict[str, str]):
    """One string for all that are equal: namespaces."""

    __slots__ = ()

    def __missing__(self, text: str) -> str:
        if len(self) >= _POOL_SIZE:
            self.clear()
        self[text] = text
        return text
