"""Who set which field: ``metadata.managedFields`` through updates, and server-side apply itself (KEP-555).

Ownership is by manager, operation, apiVersion and subresource. An update takes what it changes from everybody; an apply
is refused where it would change what another manager owns, unless it is forced.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from kinform.testing.server import field_sets
from kinform.testing.server.documents import child, metadata_of
from kinform.testing.server.field_sets import FieldSet, Path
from kinform.testing.server.merging import difference, fields_of, merged, without
from kinform.testing.server.refusals import Cause, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kinform.testing.server.documents import Json, JsonObject
    from kinform.testing.server.shapes import Shape

__all__ = ["Manager", "apply", "manager_name", "track_update"]

_NAME_LIMIT: Final = 128
_FIRST: Final = "before-first-apply"

# What belongs to nobody: the server's own fields, and what only names the object.
_NOBODYS: Final[FieldSet] = frozenset(
    [
        *[("f:apiVersion",), ("f:kind",), ("f:metadata",)],
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                *("name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation"),
                *("managedFields", "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds"),
            )
        ),
    ]
)


class Manager(NamedTuple):
    """On whose behalf a request writes.

    Attributes:
        name: The ``fieldManager``, or what the client calls itself.
        api_version: The version that the request speaks.
        subresource: Such as ``status``; ``""`` for the object itself.
    """

    name: str
    api_version: str
    subresource: str


@dataclass(frozen=True, slots=True)
class _Entry:
    manager: Manager
    operation: str
    time: str
    fields: FieldSet

    def rendered(self) -> JsonObject:
        entry: JsonObject = {
            "manager": self.manager.name,
            "operation": self.operation,
            "apiVersion": self.manager.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": field_sets.rendered(self.fields),
        }
        if self.manager.subresource:
            entry["subresource"] = self.manager.subresource
        return entry

    def order(self) -> tuple[str, ...]:
        return (self.operation, self.time, self.manager.name, self.manager.api_version, self.manager.subresource)


def manager_name(field_manager: str, user_agent: str) -> str:
    """Who writes: what the request says, or how its client calls itself."""
    return field_manager or user_agent.partition("/")[0][:_NAME_LIMIT] or "unknown"


def _entries(metadata: JsonObject) -> list[_Entry]:
    listed = metadata.get("managedFields")
    found: list[_Entry] = []
    for each in listed if isinstance(listed, list) else []:
        if not isinstance(each, dict):
            continue
        text = {name: value for name, value in each.items() if isinstance(value, str)}
        names = (text.get(name, "") for name in ("manager", "apiVersion", "subresource"))
        fields = field_sets.parse(child(each, "fieldsV1"))
        found.append(_Entry(Manager(*names), text.get("operation", ""), text.get("time", ""), fields))
    return found


def _write(tree: JsonObject, entries: Iterable[_Entry]) -> None:
    metadata = metadata_of(tree)
    listed: list[Json] = [entry.rendered() for entry in sorted(entries, key=_Entry.order) if entry.fields]
    metadata.pop("managedFields", None)
    if listed:
        metadata["managedFields"] = listed


def _owned(fields: FieldSet, manager: Manager, *, has_status: bool) -> FieldSet:
    """What of these may belong to a manager: the status to those of /status, all else to the others."""
    of_status = manager.subresource == "status"
    if has_status or of_status:
        fields = frozenset(path for path in fields if (path[0] == "f:status") is of_status)
    return fields - _NOBODYS


def track_update(
    old: JsonObject | None, new: JsonObject, shape: Shape, manager: Manager, *, has_status: bool, now: str
) -> None:
    """Writes into the new state who owns its fields after an update (or creation) by this manager.

    What a client sends as managedFields counts if it reads; a single empty entry drops them all. Subresources keep
    those of before.

    Args:
        old: The state of before; None for none.
        new: The state as it is to be stored, but for the managedFields.
        shape: The schema of the object.
        manager: Who writes.
        has_status: Whether the status has a life of its own.
        now: The time to note.
    """
    sent = metadata_of(new).get("managedFields")
    before = _entries(child(old or {}, "metadata"))
    entries = before
    if sent == [{}]:
        entries = []
    elif not manager.subresource and (given := _entries(metadata_of(new))):
        entries = given
    changes = difference({**(old or {"metadata": {}}), **_always(old, shape)}, new, shape)
    taken = _owned(changes.added | changes.modified, manager, has_status=has_status)
    lost = changes.removed
    mine = [e for e in entries if e.operation == "Update" and e.manager == manager]
    others = [replace(e, fields=e.fields - taken - lost) for e in entries if e not in mine]
    had = mine[0] if mine else _Entry(manager, "Update", now, frozenset())
    fields = (had.fields - lost) | taken
    changed = taken or changes.removed - _NOBODYS
    _write(new, [*others, replace(had, fields=fields, time=now if changed or fields != had.fields else had.time)])


def _always(old: JsonObject | None, shape: Shape) -> JsonObject:
    """The structs that Go writes even into an object that has nothing yet."""
    if old is not None:
        return {}
    return {name: {} for name in child(shape.node, "properties") if shape.always_there(name)}


class _Conflict(NamedTuple):
    entry: _Entry
    path: Path


def _conflicting(conflicts: list[_Conflict]) -> Refusal:
    by_manager: dict[str, list[str]] = {}
    causes: list[Json] = []
    for entry, path in sorted(conflicts, key=lambda each: (each.entry.manager, each.path)):
        who = f'"{entry.manager.name}"'
        if entry.manager.subresource:
            who += f' with subresource "{entry.manager.subresource}"'
        if entry.operation == "Update":
            who += f" using {entry.manager.api_version}"
        by_manager.setdefault(who, []).append(field_sets.shown(path))
        cause = Cause("FieldManagerConflict", field_sets.shown(path), f"conflict with {who}")
        causes.append({"reason": cause.reason, "message": cause.message, "field": cause.field})
    if len(conflicts) == 1:
        ((who, (shown,)),) = by_manager.items()
        said = f"conflict with {who}: {shown}"
        message = f"Apply failed with 1 conflict: {said}"
    else:
        said = "\n".join(
            "\n".join([f"conflicts with {who}:", *(f"- {each}" for each in paths)]) for who, paths in by_manager.items()
        )
        message = f"Apply failed with {len(conflicts)} conflicts: {said}"
    return Refusal(409, message, details={"causes": causes})


def apply(
    live: JsonObject | None,
    applied: JsonObject,
    shape: Shape,
    manager: Manager,
    *,
    force: bool,
    has_status: bool,
    now: str,
    finish: Callable[[JsonObject], JsonObject] = lambda tree: tree,
) -> JsonObject:
    """The object as an apply leaves it, managedFields and all.

    Fields that this manager applied before, applies no longer and nobody else owns go away.

    Args:
        live: The state of before; None for none.
        applied: What is applied.
        shape: The schema of the object.
        manager: Who applies.
        force: Take fields over where others own them.
        has_status: Whether the status has a life of its own.
        now: The time to note.
        finish: What the server does to the merged object: defaults, for instance.

    Raises:
        Refusal: Others own what would change (409).
    """
    entries = _entries(child(live or {}, "metadata"))
    if live is not None and not entries:
        empty: JsonObject = {"metadata": {}, **_always(None, shape)}
        everything = _owned(difference(empty, live, shape).added, manager, has_status=False)
        entries = [_Entry(Manager(_FIRST, manager.api_version, ""), "Update", now, everything)]
    wanted = _owned(fields_of(applied, shape), manager, has_status=has_status)
    mine = [e for e in entries if e.operation == "Apply" and e.manager == manager]
    others = [e for e in entries if e not in mine]
    base: JsonObject = live if live is not None else {"metadata": {}}
    tree = merged(base, applied, shape)
    assert isinstance(tree, dict)
    changes = difference(base, tree, shape)
    touched = changes.added | changes.modified
    conflicts = [_Conflict(e, path) for e in others for path in e.fields & touched & wanted]
    if conflicts and not force:
        raise _conflicting(conflicts)
    others = [replace(e, fields=e.fields - (touched & wanted)) for e in others]
    had = mine[0].fields if mine else frozenset[Path]()
    held = frozenset[Path]().union(wanted, *(e.fields for e in others))
    tree = finish(without(tree, had - held, held, shape))
    gone = difference(base, tree, shape).removed
    others = [replace(e, fields=e.fields - gone) for e in others]
    same = bool(mine) and had == wanted and _bare(tree) == _bare(base)
    _write(tree, [*others, _Entry(manager, "Apply", mine[0].time if same else now, wanted)])
    return tree


def _bare(tree: JsonObject) -> JsonObject:
    """The object but for what counts as no change: managedFields."""
    metadata = {name: value for name, value in child(tree, "metadata").items() if name != "managedFields"}
    return {**tree, "metadata": metadata}
