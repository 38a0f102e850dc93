"""The base of typed clients: where a resource's objects are, how they are asked for, and how answers are read."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

import msgspec

from kinform.client.options import PatchBody, PatchType, encode_patch
from kinform.errors import UndecodableObjectError
from kinform.meta import HasMetadata, Resource, WireObject
from kinform.selectors import FieldSelector, LabelSelector

if TYPE_CHECKING:
    from kinform.selectors import LabelSelectorLike
    from kinform.transport import Transport

__all__ = ["UNREADABLE", "ApiObject", "M", "Query", "ResourceClient", "T", "selection"]

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for JSON that it cannot read: malformed, not UTF-8, nested too deeply."""

_log = logging.getLogger("kinform.client")

_WARNING = re.compile(r'\b299 \S+ "((?:[^"\\]|\\.)*)"')


class ApiObject(WireObject, HasMetadata, Protocol):
    """The model of a kind with a client: it can be read and written, and has metadata. Generated ones satisfy it."""


T = TypeVar("T", bound=ApiObject)
"""The model of a client's resource."""
M = TypeVar("M", bound=WireObject)
"""Any model."""
R = TypeVar("R", bound=WireObject)

Query = list[tuple[str, str]]


def selection(label_selector: LabelSelectorLike, field_selector: str | FieldSelector | None) -> Query:
    """Selectors as query parameters.

    Raises:
        SelectorError: One does not parse.
        TypeError: The one of labels is None, as a model's may be: that selects nothing, and would be sent as all.
    """
    query: Query = []
    if text := str(LabelSelector.of(label_selector)):
        query.append(("labelSelector", text))
    if field_selector is not None and (text := str(FieldSelector.of(field_selector))):
        query.append(("fieldSelector", text))
    return query


def write_options(*, dry_run: bool, field_manager: str | None, force: bool = False) -> Query:
    """What all writing requests share, as query parameters."""
    query: Query = []
    if dry_run:
        query.append(("dryRun", "All"))
    if field_manager:
        query.append(("fieldManager", field_manager))
    if force:
        query.append(("force", "true"))
    return query


class ResourceClient(Generic[T]):
    """Requests for one resource, in one namespace or in all. Generated clients derive from the verbs, these from here.

    Each call is one request: blocking, thread-safe, never retried. All of them raise ``ApiStatusError`` where the
    server refuses (by its subclass: ``NotFoundError``, ``ConflictError``, …), ``TransportError`` where it cannot be
    reached, and ``UndecodableObjectError`` where its answer is not of the model. (client-go: ``gentype.Client``.)
    """

    def __init__(self, transport: Transport, resource: Resource, model: type[T], namespace: str = "") -> None:
        """Sends nothing.

        Args:
            transport: Makes the requests; may be shared, and is not closed by this.
            resource: The resource.
            model: The model of its objects.
            namespace: The namespace of a namespaced resource; ``""``: lists and watches cover all namespaces, objects
                are written to the one that they name, and what goes by a bare name is refused.

        Raises:
            ValueError: A namespace for a resource that has none.
        """
        if namespace and not resource.namespaced:
            raise ValueError(f"{resource} is cluster-scoped: it has no namespace {namespace!r}")
        self._transport = transport
        self._resource = resource
        self._model = model
        self._namespace = namespace

    @property
    def resource(self) -> Resource:
        """The resource that this client is for."""
        return self._resource

    @property
    def namespace(self) -> str:
        """The namespace that this client is for; ``""``: all, or the resource has none."""
        return self._namespace

    def __repr__(self) -> str:
        where = f" in {self._namespace}" if self._namespace else ""
        return f"<{type(self).__name__} {self._resource}{where}>"

    # ---- paths

    def _path(self, name: str, subresource: str = "", *, namespace: str | None = None) -> str:
        """The path of an object, in ``namespace`` or else this client's.

        Raises:
            ValueError: There is no name, or no namespace where one is needed.
        """
        if not name:  # it would be the path of the collection: deleting "" would delete all
            raise ValueError(f"an object of {self._resource} is asked for by its name, but the name is empty")
        return self._resource.path(self._one(namespace or self._namespace), name, subresource)

    def _one(self, namespace: str) -> str:
        """That namespace, which must be there where the resource is namespaced.

        Raises:
            ValueError: It is not.
        """
        if self._resource.namespaced and not namespace:
            plural = self._resource.plural
            raise ValueError(
                f"{plural} live in namespaces, and this client is for all of them, where it can only list and watch:"
                f' take a client of one namespace, such as {plural}("default") of the clientset gives,'
                " or, to write an object, set its metadata.namespace"
            )
        return namespace

    def _namespace_of(self, obj: HasMetadata) -> str:
        """The namespace to write an object to.

        Raises:
            ValueError: The client and the object name different ones, or neither names any.
        """
        given = obj.metadata.namespace
        if not self._resource.namespaced:
            return ""
        if given and self._namespace and given != self._namespace:
            name = obj.metadata.name
            raise ValueError(f"{name!r} has metadata.namespace {given!r}, but this client is for {self._namespace!r}")
        return self._one(given or self._namespace)

    # ---- requests

    def _send(
        self,
        method: str,
        path: str,
        query: Query,
        body: bytes | None = None,
        *,
        content_type: str = "application/json",
    ) -> bytes:
        response = self._transport.request(method, path, query=query, body=body, content_type=content_type)
        for text in _WARNING.findall(response.headers.get("warning", "")):
            _log.warning("%s %s: the API server warns: %s", method, path, text.replace('\\"', '"'))
        return response.body

    def _ask(
        self,
        model: type[M],
        method: str,
        path: str,
        query: Query,
        *,
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> M:
        """Sends a request and reads its answer as ``model``."""
        return read(model, self._send(method, path, query, body, content_type=content_type), f"{method} {path}")

    def _patch(
        self,
        model: type[M],
        path: str,
        patch: PatchBody,
        kind: PatchType,
        query: Query,
    ) -> M:
        return self._ask(model, "PATCH", path, query, body=encode_patch(patch, kind), content_type=kind.value)

    # ---- subresources, for methods of generated clients

    def _get_subresource(self, name: str, subresource: str, model: type[M]) -> M:
        """Reads a subresource, such as ``scale``."""
        return self._ask(model, "GET", self._path(name, subresource), [])

    def _create_subresource(
        self,
        name: str,
        subresource: str,
        body: WireObject,
        response_model: type[R],
        *,
        dry_run: bool = False,
        field_manager: str | None = None,
    ) -> R:
        """Posts to a subresource that answers with an object, such as ``token``."""
        query = write_options(dry_run=dry_run, field_manager=field_manager)
        return self._ask(response_model, "POST", self._path(name, subresource), query, body=body.to_wire())

    def _send_to_subresource(
        self,
        name: str,
        subresource: str,
        body: WireObject,
        *,
        dry_run: bool = False,
        field_manager: str | None = None,
    ) -> None:
        """Posts to a subresource that answers with a mere success, such as ``eviction`` or ``binding``."""
        query = write_options(dry_run=dry_run, field_manager=field_manager)
        self._send("POST", self._path(name, subresource), query, body.to_wire())

    def _update_subresource(
        self,
        name: str,
        subresource: str,
        body: M,
        *,
        dry_run: bool = False,
        field_manager: str | None = None,
    ) -> M:
        """Replaces a subresource, such as ``scale``."""
        query = write_options(dry_run=dry_run, field_manager=field_manager)
        return self._ask(type(body), "PUT", self._path(name, subresource), query, body=body.to_wire())

    def _patch_subresource(
        self,
        name: str,
        subresource: str,
        patch: PatchBody,
        model: type[M],
        *,
        type: PatchType = PatchType.MERGE,  # noqa: A002  (the name that users know)
        dry_run: bool = False,
        field_manager: str | None = None,
        force: bool = False,
    ) -> M:
        """Patches a subresource, such as ``scale``."""
        query = write_options(dry_run=dry_run, field_manager=field_manager, force=force)
        return self._patch(model, self._path(name, subresource), patch, type, query)


def read(model: type[M], body: bytes, request: str) -> M:
    """The answer to a request as its model.

    Raises:
        UndecodableObjectError: It is none.
    """
    try:
        return model.from_wire(body)
    except ValueError as error:
        raise UndecodableObjectError(f"the answer to {request}", str(error)) from error
