"""What clients asked for: one action for each request, as reactors see it and as it is recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypedDict, TypeVar

from kinform.client import PatchType
from kinform.meta import Resource, WireObject
from kinform.testing.server.documents import JsonObject, child, decode
from kinform.testing.server.options import parse_flag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.testing.server.address import Address
    from kinform.testing.server.requests import RecordedRequest

__all__ = [
    "Action",
    "CreateAction",
    "DeleteAction",
    "DeleteCollectionAction",
    "GetAction",
    "ListAction",
    "ObjectAction",
    "PatchAction",
    "UpdateAction",
    "WatchAction",
    "WriteAction",
    "action_of",
]

M = TypeVar("M", bound=WireObject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One request of a client (client-go: ``testing.Action``). ``str(action)``: ``"update pods/status shop/web-0"``.

    Attributes:
        verb: As Kubernetes calls it: ``get``, ``list``, ``watch``, ``create``, ``update``, ``patch``, ``delete``,
            ``deletecollection``.
        resource: Of what.
        subresource: Such as ``"status"``; ``""``: of the objects themselves.
        namespace: ``""``: all, or the resource has none.
        name: The object's, also of one that is created; ``""`` where no single object is meant, or it has no name yet.
    """

    verb: str
    resource: Resource
    subresource: str
    namespace: str
    name: str

    def matches(self, verb: str, resource: str) -> bool:
        """Whether it is of this verb and resource, as ``prepend_reactor`` means them."""
        plural, _, subresource = resource.partition("/")
        of_verb = verb in {"*", self.verb}
        return of_verb and (plural == "*" or (plural == self.resource.plural and subresource in {"", self.subresource}))

    def __str__(self) -> str:
        what = f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural
        where = "/".join(filter(None, (self.namespace, self.name)))
        return f"{self.verb} {what} {where}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class GetAction(Action):
    """An object, or a subresource of it, is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListAction(Action):
    """Objects are listed.

    Attributes:
        label_selector: As text; ``""``: all.
        field_selector: As text; ``""``: all.
        resource_version: As old as that, or newer; ``""``: as they are now.
    """

    label_selector: str
    field_selector: str
    resource_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchAction(ListAction):
    """Objects are watched; ``resource_version``: from there on.

    Attributes:
        send_initial_events: Whether the watch is a streaming list, as informers begin.
    """

    send_initial_events: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteAction(Action):
    """Something is changed.

    Attributes:
        dry_run: Whether nothing is to be kept.
    """

    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectAction(WriteAction):
    """Something is written that the client sends whole.

    Attributes:
        field_manager: Who writes, where the client says so.
        body: The object as it was sent, in JSON.
    """

    field_manager: str
    body: bytes = field(repr=False)

    @property
    def object(self) -> JsonObject:
        """The object as it was sent; a copy at each call."""
        return _tree(self.body)

    def object_as(self, model: type[M]) -> M:
        """The object as it was sent, as a model: ``action.object_as(Pod)``.

        Raises:
            ValueError: It is none of that model.
        """
        return model.from_wire(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateAction(ObjectAction):
    """An object is created, or something posted to a subresource, such as an ``Eviction``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateAction(ObjectAction):
    """An object, or a subresource of it, is replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchAction(WriteAction):
    """An object, or a subresource of it, is patched or applied.

    Attributes:
        patch_type: How the patch is meant; ``PatchType.APPLY`` where the object is applied.
        patch: The patch as it was sent, in JSON.
        field_manager: Who writes, where the client says so.
        force: Whether fields are taken from other managers.
    """

    patch_type: PatchType
    patch: bytes
    field_manager: str
    force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAction(WriteAction):
    """An object is deleted.

    Attributes:
        options: ``DeleteOptions`` as they were sent, in JSON.
    """

    options: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteCollectionAction(WriteAction):
    """The objects of a selection are deleted.

    Attributes:
        label_selector: As text; ``""``: all.
        field_selector: As text; ``""``: all.
        options: ``DeleteOptions`` as they were sent, in JSON.
    """

    label_selector: str
    field_selector: str
    options: bytes = field(repr=False)


_PATCH_TYPES: Final[Mapping[str, PatchType]] = {kind.value: kind for kind in PatchType}


class _Where(TypedDict):
    verb: str
    resource: Resource
    subresource: str
    namespace: str
    name: str


class _Which(TypedDict):
    label_selector: str
    field_selector: str


def action_of(record: RecordedRequest, at: Address) -> Action | None:
    """The action that a request is; None for what no server would do: no verb, or no kind of patch."""
    query, body = record.query, record.body
    where = _Where(
        verb=record.verb,
        resource=at.served.resource,
        subresource=at.subresource,
        namespace=at.namespace,
        name=at.name,
    )
    which = _Which(label_selector=query.get("labelSelector", ""), field_selector=query.get("fieldSelector", ""))
    version = query.get("resourceVersion", "")
    manager = query.get("fieldManager", "")
    dry_run = query.get("dryRun", "") == "All"
    match record.verb:
        case "get":
            return GetAction(**where)
        case "list":
            return ListAction(**where, **which, resource_version=version)
        case "watch":
            streams = bool(parse_flag(query.get("sendInitialEvents")))
            return WatchAction(**where, **which, resource_version=version, send_initial_events=streams)
        case "create":
            where["name"] = at.name or str(child(_tree(body), "metadata").get("name") or "")
            return CreateAction(**where, dry_run=dry_run, field_manager=manager, body=body)
        case "update":
            return UpdateAction(**where, dry_run=dry_run, field_manager=manager, body=body)
        case "patch":
            kind = _PATCH_TYPES.get(record.headers.get("content-type", "").partition(";")[0].strip())
            if kind is None:
                return None
            force = bool(parse_flag(query.get("force")))
            return PatchAction(
                **where, dry_run=dry_run, field_manager=manager, patch_type=kind, patch=body, force=force
            )
        case "delete":
            return DeleteAction(**where, dry_run=dry_run or _is_dry(body), options=body)
        case "deletecollection":
            return DeleteCollectionAction(**where, **which, dry_run=dry_run or _is_dry(body), options=body)
        case _:
            return None


def _is_dry(options: bytes) -> bool:
    return _tree(options).get("dryRun") == ["All"]


def _tree(body: bytes) -> JsonObject:
    """The JSON object that is there; an empty one where that is none."""
    try:
        tree = decode(body)
    except ValueError:
        return {}
    return tree if isinstance(tree, dict) else {}
