"""What the reflector tells the store: the four things that can happen to one partition of the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from kinform.meta import ObjectKey
    from kinform.wire.entry import Entry

__all__ = ["Bookmark", "Change", "Remove", "Replace", "Upsert"]


class Replace(msgspec.Struct, frozen=True, eq=False):
    """The partition is now exactly this (client-go: ``Replace``): a sync or a relist has completed.

    What was there and is not among ``entries`` has been deleted while nobody watched. Where an unchanged object was
    known to the decoder, its entry is the very one that the store holds.

    Attributes:
        entries: All objects, by key, in the order in which they came.
        resource_version: The resourceVersion that this is the state of.
    """

    entries: dict[ObjectKey, Entry]
    resource_version: str


class Upsert(msgspec.Struct, frozen=True, eq=False):
    """The object now looks like this; whether that is an add or an update, only the store knows."""

    entry: Entry


class Remove(msgspec.Struct, frozen=True, eq=False):
    """The object has been deleted, or no longer matches the selectors.

    Attributes:
        entry: Its last state, with the deletion's resourceVersion.
    """

    entry: Entry


class Bookmark(msgspec.Struct, frozen=True, eq=False):
    """Nothing changed up to this resourceVersion."""

    resource_version: str


Change: TypeAlias = Replace | Upsert | Remove | Bookmark
