"""Makes entries of objects: metadata decoded, the body cut out of the bytes around it, never decoded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

import msgspec

from kinform.errors import UndecodableObjectError
from kinform.meta import ObjectKey
from kinform.wire import shallow
from kinform.wire.entry import Entry
from kinform.wire.events import EventType, ObjectEvent, PoisonEvent
from kinform.wire.metadata import LabelPool, Metadata, OwnerPool, TextPool
from kinform.wire.transform import Projection

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.meta import Resource
    from kinform.wire.transform import Transform

__all__ = ["UNREADABLE", "Object", "ObjectReader", "TransformFailed"]

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for JSON that it cannot read, or skip: malformed, not UTF-8, nested too deeply."""

_MANAGED_FIELDS: Final = b',"managedFields":['
_PARTIAL: Final = ("PartialObjectMetadata", "meta.k8s.io/v1")
_NULL: Final = msgspec.Raw(b"null")
_LEADING_FIELDS: Final = frozenset({"kind", "apiVersion", "metadata"})


class Object(msgspec.Struct, rename="camel", gc=False):
    """Any Kubernetes object, as far as it is decoded."""

    metadata: Metadata | None = None
    kind: str | msgspec.UnsetType | None = msgspec.UNSET
    api_version: str | msgspec.UnsetType | None = msgspec.UNSET


class _Nothing(msgspec.Struct, gc=False):
    """Any JSON object: decoding it proves that it is one, and keeps nothing."""


_decode_object = msgspec.json.Decoder(Object).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_nothing = msgspec.json.Decoder(_Nothing).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.encode


class TransformFailed(Exception):  # noqa: N818  (it carries a result rather than an error)
    """The user's transform failed on one object.

    Attributes:
        poison: What takes the object's place.
    """

    def __init__(self, poison: PoisonEvent) -> None:
        super().__init__(poison.error)
        self.poison = poison


class ObjectReader:
    """Reads the objects of one resource. Not thread-safe. The arguments are those of ``Decoder``."""

    def __init__(
        self,
        resource: Resource,
        transform: Transform | None,
        known: Callable[[ObjectKey], Entry | None] | None,
        *,
        metadata_only: bool,
    ) -> None:
        self._resource = resource
        self._transform = transform
        self._known = known
        self._metadata_only = metadata_only
        self._labels = LabelPool()
        self._owners = OwnerPool()
        self._namespaces = TextPool()
        # Built-in kinds are written with kind first, custom resources (sorted keys) with apiVersion first. Items of
        # lists, which come without both, are filled in as built-in kinds, since only those lack them.
        self._type_fields = b",".join(_type_fields(resource.kind, resource.api_version))
        kind, api_version = _type_fields(*(_PARTIAL if metadata_only else (resource.kind, resource.api_version)))
        self.head_pattern: Final = rb'\{(?:%b,%b|%b,%b),"metadata":\{' % tuple(
            re.escape(part) for part in (kind, api_version, api_version, kind)
        )
        self._match_head = re.compile(self.head_pattern).match

    def read(self, data: bytes, kind: EventType) -> ObjectEvent | PoisonEvent:
        """One object that is exactly ``data``: an item of a list, or of a frame that does not fit the pattern."""
        try:
            return self.read_strictly(data, kind)
        except UNREADABLE as error:
            return self._poison(data, kind, str(error))

    def read_strictly(self, data: bytes, kind: EventType) -> ObjectEvent | PoisonEvent:
        """As ``read``, for who does not know yet that this is one object.

        Raises:
            msgspec.DecodeError: It is none, or one that cannot be taken (or another of ``UNREADABLE``).
        """
        found = _decode_object(data)
        metadata = found.metadata
        wrong_type = self._wrong_type(found.kind or "", found.api_version or "")
        if metadata is None or wrong_type:
            return self._poison(data, kind, wrong_type or "it has no metadata")
        if found.kind is found.api_version is msgspec.UNSET and data.startswith(b'{"metadata":{'):
            data = b"{%b,%b" % (self._type_fields, data[1:])  # now the very bytes that a watch sends
        head = self._match_head(data)
        at = head.end() - 1 if head is not None else -1
        try:
            return ObjectEvent(kind, self.entry(metadata, kind, data, (0, at, len(data))))
        except TransformFailed as failure:
            return failure.poison

    def entry(self, metadata: Metadata, kind: EventType, data: bytes, place: tuple[int, int, int]) -> Entry:
        """The entry of one object, whose metadata has been decoded already.

        Args:
            metadata: The object's.
            kind: What the event says has happened to it.
            data: A valid JSON document in which the object stands.
            place: Where in ``data`` the object's first bracket is; where its metadata's first bracket is, or -1 if the
                object does not begin with its type and then its metadata, without white space; and where it ends.

        Raises:
            msgspec.DecodeError: Labels, owners or name are not what they should be (or another of ``UNREADABLE``).
            TransformFailed: The transform raised; the exception holds what takes the object's place.
        """
        name = metadata.name
        if not name:
            raise msgspec.DecodeError("it has no name")
        namespace = metadata.namespace
        key = ObjectKey(self._namespaces[namespace] if namespace else "", name)
        uid = metadata.uid or ""
        version = metadata.resource_version or ""
        if self._known is not None and kind is EventType.ADDED and version:
            known = self._known(key)
            if known is not None and known.resource_version == version and known.uid == uid and known.stored:
                return known
        entry = Entry(
            key,
            uid,
            version,
            metadata.generation or 0,
            metadata.deletion_timestamp or "",
            self._labels[bytes(metadata.labels)],
            self._owners[bytes(metadata.owner_references)],
            self._body(metadata, data, place),
        )
        if self._transform is not None:
            self._apply(self._transform, entry, kind)
        return entry

    # ---- the body

    def _body(self, metadata: Metadata, data: bytes, place: tuple[int, int, int]) -> bytes:
        """The object, or what is wanted of it, less its managedFields, as bytes of its own."""
        start, metadata_at, end = place
        if self._metadata_only and metadata_at >= 0:
            if not _is_object(data[metadata_at : end - 1]):  # more follows behind the metadata
                return self._rebuilt(data[start:end])
            # The same under the name of its kind: whoever meets it in the cache wants to know of what it is.
            head = b'{%b,"metadata":' % self._type_fields
            data = head + data[metadata_at:end]
            start, metadata_at, end = 0, len(head), len(data)
        if metadata_at >= 0:
            size = memoryview(metadata.managed_fields).nbytes
            if not size:
                return data[start:end]
            at = data.find(_MANAGED_FIELDS, metadata_at, end)
            # If what stands before, closed with a bracket, is a JSON object, then this is a key of metadata itself and
            # neither text in a string nor a field of some inner object: the one whose value has been decoded.
            if at >= 0 and _is_object(data[metadata_at:at] + b"}"):
                view = memoryview(data)
                return b"".join((view[start:at], view[at + len(_MANAGED_FIELDS) - 1 + size : end]))
        return self._rebuilt(data[start:end])

    def _rebuilt(self, data: bytes) -> bytes:
        """The same by taking the object apart: values keep their bytes, type and metadata come first.

        Raises:
            msgspec.DecodeError: This is no object with metadata.
        """
        fields = _decode_fields(data)
        metadata = _decode_fields(fields.get("metadata", _NULL))
        metadata.pop("managedFields", None)
        if self._metadata_only:
            fields = {}
        rest = [b"%b:%b" % (_encode(k), bytes(v)) for k, v in fields.items() if k not in _LEADING_FIELDS]
        inner = b",".join(b"%b:%b" % (_encode(k), bytes(v)) for k, v in metadata.items())
        return b"{%b}" % b",".join((self._type_fields, b'"metadata":{%b}' % inner, *rest))

    def _apply(self, transform: Transform, entry: Entry, kind: EventType) -> None:
        """Runs the transform on a new entry; key, uid and resourceVersion stay what the server said."""
        try:
            if isinstance(transform, Projection):
                entry.stored = transform.apply(entry.stored)
                if not transform.touches_metadata:
                    return
            else:
                entry.stored = _encode(_returned(transform(_decode_any(entry.stored))))
            metadata = _decode_object(entry.stored).metadata or Metadata()
            entry.labels = self._labels[bytes(metadata.labels)]
            entry.owner = self._owners[bytes(metadata.owner_references)]
            entry.generation = metadata.generation or 0
            entry.deletion_timestamp = metadata.deletion_timestamp or ""
        except (Exception, SystemExit) as error:  # user code: whatever it raises must cost one object, not the sync
            entry.stored = b""
            reason = f"the transform failed: {type(error).__name__}: {error}"
            undecodable = UndecodableObjectError(str(entry.key), reason)
            undecodable.__cause__ = error
            raise TransformFailed(PoisonEvent(str(entry.key), undecodable, kind, entry)) from error

    # ---- what is not as it should be

    def _wrong_type(self, kind: str, api_version: str) -> str:
        """Why this object does not belong here; ``""`` where it does, or does not say what it is."""
        expected = self._resource
        if kind in {"", expected.kind} and api_version in {"", expected.api_version}:
            return ""
        if self._metadata_only and (kind, api_version) == _PARTIAL:
            return ""
        return f"it is a {kind} of {api_version}, not a {expected.kind} of {expected.api_version}"

    def _poison(self, data: bytes, kind: EventType, reason: str) -> PoisonEvent:
        """Saves of a bad object what can be: with a name it gets an entry, so that it is not taken for deleted."""
        fields = _members(data)
        metadata = _members(fields.get("metadata"))
        name = shallow.text(metadata.get("name"))
        key = ObjectKey(shallow.text(metadata.get("namespace")), name)
        hint = str(key) if name else ""
        error = UndecodableObjectError(hint or "an object without a readable name", reason)
        if not name or self._wrong_type(shallow.text(fields.get("kind")), shallow.text(fields.get("apiVersion"))):
            return PoisonEvent(hint, error, kind)
        uid, version = shallow.text(metadata.get("uid")), shallow.text(metadata.get("resourceVersion"))
        return PoisonEvent(hint, error, kind, Entry(key, uid, version, 0, "", {}, None, b""))


def _type_fields(kind: str, api_version: str) -> tuple[bytes, bytes]:
    return b'"kind":%b' % _encode(kind), b'"apiVersion":%b' % _encode(api_version)


def _is_object(data: bytes) -> bool:
    try:
        _decode_nothing(data)
    except msgspec.DecodeError:
        return False
    return True


def _members(data: bytes | None) -> dict[str, bytes]:
    try:
        return shallow.members(data or b"")
    except ValueError:
        return {}


def _returned(value: object) -> object:
    if not isinstance(value, dict):
        raise TypeError(f"a transform must return the object as a dict, not {type(value).__name__}")
    return cast("object", value)
