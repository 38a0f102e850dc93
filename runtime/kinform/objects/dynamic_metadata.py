"""The metadata of an object of any kind, typed: a view of the JSON, which stays what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from kinform.objects.metadata import OwnerReference
from kinform.objects.metadata_views import Fields, TextList, TextMap, metadata_of
from kinform.objects.values import described, text_of
from kinform.scalars import WireTime

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping, MutableSequence, Sequence
    from datetime import datetime

    from kinform.wire import Json

__all__ = ["DynamicMetadata"]

# Has msgspec learn of the class now, where one thread runs: it does so bit by bit, and none must take half for all.
msgspec.json.Decoder(OwnerReference)


class DynamicMetadata:
    """The metadata of a ``DynamicObject``, by the names and types of ``meta/v1.ObjectMeta``.

    It holds nothing: it reads the object's fields when asked, and writes into them. What is absent or null reads as
    Go's zero; a value that is set to its zero is taken away. All that it does not name stays. Thread-safe as the object
    is.

    Raises:
        TypeError: Any attribute, where the object holds something of another type there.
    """

    __slots__ = ("_object",)

    def __init__(self, fields: Fields) -> None:
        self._object = fields

    def _text(self, name: str) -> str:
        return text_of(metadata_of(self._object).get(name), f"metadata.{name}")

    def _number(self, name: str) -> int | None:
        value = metadata_of(self._object).get(name)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise TypeError(f"metadata.{name} is {described(value)}, not an integer")

    def _time(self, name: str) -> datetime | None:
        text = self._text(name)
        return WireTime.read(text) if text else None

    def _items(self, name: str) -> list[Json]:
        found = metadata_of(self._object).get(name)
        if found is None:
            return []
        if not isinstance(found, list):
            raise TypeError(f"metadata.{name} is {described(found)}, not a list")
        return found

    def _set(self, name: str, value: Json) -> None:
        if value:
            metadata_of(self._object, make=True)[name] = value
        else:
            metadata_of(self._object).pop(name, None)

    # ---- what is who

    @property
    def name(self) -> str:
        """The object's name; ``""``: none yet."""
        return self._text("name")

    @name.setter
    def name(self, value: str) -> None:
        self._set("name", value)

    @property
    def generate_name(self) -> str:
        """What the server is to make a name of, in ``create``."""
        return self._text("generateName")

    @generate_name.setter
    def generate_name(self, value: str) -> None:
        self._set("generateName", value)

    @property
    def namespace(self) -> str:
        """The object's namespace; ``""``: its kind has none, or none is given yet."""
        return self._text("namespace")

    @namespace.setter
    def namespace(self, value: str) -> None:
        self._set("namespace", value)

    @property
    def uid(self) -> str:
        """What tells it from all other objects, earlier ones of its name included; the server gives it."""
        return self._text("uid")

    @property
    def resource_version(self) -> str:
        """Its version; sent back in an update, it makes sure that nothing is overwritten that was not read."""
        return self._text("resourceVersion")

    @resource_version.setter
    def resource_version(self, value: str) -> None:
        self._set("resourceVersion", value)

    @property
    def generation(self) -> int:
        """Which version of what is wanted; 0 where its kind does not count them."""
        return self._number("generation") or 0

    # ---- its life

    @property
    def creation_timestamp(self) -> datetime | None:
        """When the server created it.

        Raises:
            ValueError: What stands there is no time.
        """
        return self._time("creationTimestamp")

    @property
    def deletion_timestamp(self) -> datetime | None:
        """When it is or was to be gone, once its deletion has been asked for.

        Raises:
            ValueError: What stands there is no time.
        """
        return self._time("deletionTimestamp")

    @property
    def deletion_grace_period_seconds(self) -> int | None:
        """How many seconds it has to end, once its deletion has been asked for."""
        return self._number("deletionGracePeriodSeconds")

    # ---- what others put on it

    @property
    def labels(self) -> MutableMapping[str, str]:
        """Its labels, to be read and written."""
        return TextMap(self._object, "labels")

    @labels.setter
    def labels(self, value: Mapping[str, str]) -> None:
        self._set("labels", dict(value))

    @property
    def annotations(self) -> MutableMapping[str, str]:
        """Its annotations, to be read and written."""
        return TextMap(self._object, "annotations")

    @annotations.setter
    def annotations(self, value: Mapping[str, str]) -> None:
        self._set("annotations", dict(value))

    @property
    def finalizers(self) -> MutableSequence[str]:
        """What must be done before it goes, to be read and written."""
        return TextList(self._object, "finalizers")

    @finalizers.setter
    def finalizers(self, value: Iterable[str]) -> None:
        self._set("finalizers", list(value))

    @property
    def owner_references(self) -> Sequence[OwnerReference]:
        """What it depends on; to change them, set them anew."""
        try:
            return tuple(msgspec.convert(each, OwnerReference) for each in self._items("ownerReferences"))
        except msgspec.ValidationError as error:
            raise TypeError(f"metadata.ownerReferences: {error}") from None

    @owner_references.setter
    def owner_references(self, value: Iterable[OwnerReference]) -> None:
        self._set("ownerReferences", cast("list[Json]", msgspec.to_builtins(list(value))))

    def __repr__(self) -> str:
        fields = self._object.get("metadata")
        names = sorted(fields) if isinstance(fields, dict) else []
        return f"<{type(self).__name__} with {', '.join(names) or 'nothing'}>"
