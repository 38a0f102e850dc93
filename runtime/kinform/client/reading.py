"""The verbs that read: get, list, and get of the status subresource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, overload

import msgspec

from kinform.client.options import ResourceVersionMatch
from kinform.client.resource import UNREADABLE, Query, ResourceClient, T, read, selection
from kinform.errors import ExpiredError, UndecodableObjectError

if TYPE_CHECKING:
    import builtins
    from collections.abc import Iterator

    from kinform.meta import Resource
    from kinform.selectors import FieldSelector, LabelSelectorLike

__all__ = ["Gettable", "Listable", "ObjectList", "StatusReadable"]

_PAGE = 500
"""Objects per page of ``list_all``, as client-go's pager asks for them."""


class Gettable(ResourceClient[T]):
    """``get``."""

    def get(self, name: str, *, resource_version: str | None = None) -> T:
        """Reads one object. Blocks.

        Args:
            name: The object's name.
            resource_version: Unset: as it is now. ``"0"``: as the API server's cache has it, however old. Else: at
                least as new as that.

        Raises:
            NotFoundError: There is none.
            ValueError: The client is for all namespaces, or the name is empty.
            ApiStatusError, TransportError: As for every request.
        """
        query = [] if resource_version is None else [("resourceVersion", resource_version)]
        return self._ask(self._model, "GET", self._path(name), query)


class StatusReadable(ResourceClient[T]):
    """``get_status``."""

    def get_status(self, name: str) -> T:
        """Reads one object by its status subresource: the whole object, with the permission for its status. Blocks.

        Raises:
            NotFoundError: There is none.
            ValueError: As ``get``.
            ApiStatusError, TransportError: As for every request.
        """
        return self._ask(self._model, "GET", self._path(name, "status"), [])


@dataclass(frozen=True, slots=True)
class ObjectList(Generic[T]):
    """Objects that one request returned, and where the server was then. Iterable, indexable, has a length."""

    items: tuple[T, ...]
    resource_version: str
    """The version of the list, to watch from."""
    continue_token: str = ""
    """To ask for the next page; ``""``: this is the last."""
    remaining_item_count: int | None = None
    """How many more there are; None where the server does not say."""

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self.items[index]

    def __repr__(self) -> str:
        more = ", more to come" if self.continue_token else ""
        return f"<ObjectList of {len(self.items)} at resourceVersion {self.resource_version}{more}>"


class _ListMeta(msgspec.Struct, rename="camel", frozen=True):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")
    remaining_item_count: int | None = None


class _List(msgspec.Struct):
    items: list[msgspec.Raw] | None
    metadata: _ListMeta = _ListMeta()
    kind: str = ""


class _TypeMeta(msgspec.Struct, rename="camel"):
    kind: str = ""
    api_version: str = ""


_decode_list = msgspec.json.Decoder(_List).decode
_decode_type = msgspec.json.Decoder(_TypeMeta).decode


def _typed(item: bytes, resource: Resource) -> bytes:
    """A list's item with apiVersion and kind, which the items of built-in kinds come without."""
    found = _decode_type(item)
    head = b""
    if not found.kind:
        head += b'"kind":%b,' % msgspec.json.encode(resource.kind)
    if not found.api_version:
        head += b'"apiVersion":%b,' % msgspec.json.encode(resource.api_version)
    rest = item[1:].lstrip()
    return b"{" + (head.rstrip(b",") if rest.startswith(b"}") else head) + rest if head else item


class Listable(ResourceClient[T]):
    """``list`` and ``list_all``."""

    def list(
        self,
        *,
        label_selector: LabelSelectorLike = "",
        field_selector: str | FieldSelector | None = None,
        limit: int | None = None,
        continue_token: str | None = None,
        resource_version: str | None = None,
        resource_version_match: ResourceVersionMatch = ResourceVersionMatch.NOT_OLDER_THAN,
    ) -> ObjectList[T]:
        """Reads the objects, or one page of them, in one request. Blocks.

        Args:
            label_selector: Only objects with such labels: text (``""``: all), or a selector.
            field_selector: Only objects with such fields; which fields, differs by kind.
            limit: At most so many; the list's ``continue_token`` asks for more.
            continue_token: The next page after the one that carried this token; all else as before.
            resource_version: Unset: as they are now. ``"0"``: as the API server's cache has them, however old, and
                without regard to ``limit``. Else: at that version, in the sense of ``resource_version_match``.
            resource_version_match: How ``resource_version`` is meant.

        Raises:
            ExpiredError: The token, or the exact version, is too old.
            SelectorError: A selector does not parse.
            ValueError: A token together with a version: the token says the version.
            ApiStatusError, TransportError: As for every request.
        """
        query = selection(label_selector, field_selector)
        if limit is not None:
            query.append(("limit", str(limit)))
        if continue_token:
            if resource_version is not None:
                raise ValueError(
                    "a continue token says at which resourceVersion the list goes on: give one or the other"
                )
            query.append(("continue", continue_token))
        elif resource_version is not None:
            # Without a match, a limit would make the server take the version as exact.
            query += [("resourceVersion", resource_version), ("resourceVersionMatch", resource_version_match.value)]
        return self._list(query)

    def list_all(
        self,
        *,
        label_selector: LabelSelectorLike = "",
        field_selector: str | FieldSelector | None = None,
    ) -> ObjectList[T]:
        """Reads all objects, in pages of one version of the list. Blocks.

        Where the pages expire on the way, it begins again with a single request (client-go: ``pager.ListPager``).

        Args:
            label_selector: As for ``list``.
            field_selector: As for ``list``.

        Raises:
            SelectorError: A selector does not parse.
            ApiStatusError, TransportError: As for every request.
        """
        query = selection(label_selector, field_selector)
        first = page = self._list([*query, ("limit", str(_PAGE))])
        items = [*first.items]
        try:
            while page.continue_token:
                page = self._list([*query, ("limit", str(_PAGE)), ("continue", page.continue_token)])
                items += page.items
        except ExpiredError:
            return self._list(query)
        return ObjectList(tuple(items), first.resource_version)

    def _list(self, query: Query) -> ObjectList[T]:
        path = self._resource.path(self._namespace)
        request = f"GET {path}"
        body = self._send("GET", path, query)
        try:
            found = _decode_list(body)
            raw: builtins.list[bytes] = [_typed(bytes(item), self._resource) for item in found.items or ()]
        except UNREADABLE as error:
            raise UndecodableObjectError(f"the answer to {request}", f"it is no list: {error}") from error
        metadata = found.metadata
        return ObjectList(
            tuple(read(self._model, item, request) for item in raw),
            metadata.resource_version,
            metadata.continue_,
            metadata.remaining_item_count,
        )
