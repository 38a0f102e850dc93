"""Objects as server-side apply sees them: which fields they hold, how two differ, how one is merged into another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from kinform.testing.server import field_sets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinform.testing.server.documents import Json, JsonObject
    from kinform.testing.server.field_sets import FieldSet, Path
    from kinform.testing.server.shapes import Shape

__all__ = ["Difference", "difference", "fields_of", "merged", "misfit", "without"]


def _elements(items: list[Json], shape: Shape) -> dict[str, Json] | None:
    """The items of a list by their path element; None where the list is one value as a whole."""
    kind = shape.list_type
    if kind == "set":
        if any(isinstance(item, (dict, list)) for item in items):
            return None
        return {field_sets.value(item): item for item in items}
    keys = shape.list_keys
    if kind != "map" or not keys or not all(isinstance(item, dict) for item in items):
        return None
    found: dict[str, Json] = {}
    for item in items:
        members: JsonObject = {}
        for name in keys:
            each = cast("JsonObject", item).get(name, shape.item().field(name).default)
            if each is not None:
                members[name] = each
        if not members:
            return None
        found[field_sets.key(members)] = item
    return found


def _members(value: Json, shape: Shape) -> Iterator[tuple[str, Json, Shape]] | None:
    """What a value is made of: path element, value and shape of each; None where it is one value as a whole."""
    if isinstance(value, dict) and not shape.atomic:
        return ((field_sets.field(name), below, shape.field(name)) for name, below in value.items())
    if isinstance(value, list) and (elements := _elements(value, shape)) is not None:
        item = shape.item()
        return ((element, below, item) for element, below in elements.items())
    return None


def fields_of(value: Json, shape: Shape, path: Path = ()) -> FieldSet:
    """The fields that somebody who applies this value owns."""
    return frozenset(_owned(value, shape, path))


def _owned(value: Json, shape: Shape, path: Path) -> Iterator[Path]:
    members = _members(value, shape)
    if members is None:
        yield path
        return
    for element, below, inner in members:
        own = (*path, element)
        yield from _owned(below, inner, own)
        if below is None or below == {} or not (element.startswith("f:") and shape.declares(element[2:])):
            yield own


class Difference(NamedTuple):
    """What became of the fields from one state to another."""

    added: FieldSet
    modified: FieldSet
    removed: FieldSet


def difference(old: Json, new: Json, shape: Shape) -> Difference:
    """How two states differ."""
    added: set[Path] = set()
    modified: set[Path] = set()
    removed: set[Path] = set()

    def walk(old: Json, new: Json, shape: Shape, path: Path) -> None:
        before, after = _members(old, shape), _members(new, shape)
        if before is None or after is None:
            if old != new:
                modified.add(path)
            return
        left = {element: (below, inner) for element, below, inner in before}
        right = {element: (below, inner) for element, below, inner in after}
        for element in [*left, *(each for each in right if each not in left)]:
            own = (*path, element)
            name = element[2:]
            if element not in left:
                below, inner = right[element]
                everything = _everything(below, inner, own)
                silent = element.startswith("f:") and _members(below, inner) is not None and shape.always_there(name)
                added.update(each for each in everything if not (silent and each == own))
            elif element not in right:
                removed.update(_everything(*left[element], own))
            else:
                walk(left[element][0], right[element][0], right[element][1], own)

    walk(old, new, shape, ())
    return Difference(frozenset(added), frozenset(modified), frozenset(removed))


def _everything(value: Json, shape: Shape, path: Path) -> Iterator[Path]:
    """A field with all that is in it."""
    yield path
    for element, below, inner in _members(value, shape) or ():
        own = (*path, element)
        everything = _everything(below, inner, own)
        if element.startswith("f:") and _members(below, inner) is not None and shape.always_there(element[2:]):
            next(everything)
        yield from everything


def misfit(value: Json, shape: Shape, path: Path = ()) -> str:
    """Why a value cannot be applied by its schema, in the words of structured-merge-diff; ``""`` where it can."""
    where = field_sets.shown(path)
    if isinstance(value, dict):
        for name, below in value.items():
            own = (*path, field_sets.field(name))
            if not shape.knows(name):
                return f"{field_sets.shown(own)}: field not declared in schema"
            if said := misfit(below, shape.field(name), own):
                return said
    if isinstance(value, list) and shape.list_type != "atomic":
        seen: set[str] = set()
        for place, item in enumerate(value):
            elements = _elements([item], shape)
            if elements is None and shape.list_type == "map":
                keys = " ".join(f'"{key}"' for key in shape.list_keys)
                return (
                    f"{where}: element {place}: associative list with keys has an element that omits all key fields "
                    f"[{keys}] (and doesn't have default values for any key fields)"
                )
            for element in elements or ():
                if element in seen:
                    return f"{where}: duplicate entries for key {field_sets.shown((element,))}"
                seen.add(element)
                if said := misfit(item, shape.item(), (*path, element)):
                    return said
    return ""


def merged(live: Json, applied: Json, shape: Shape) -> Json:
    """The live value with an applied one laid over it."""
    if isinstance(live, dict) and isinstance(applied, dict) and not shape.atomic:
        result = dict(live)
        for name, value in applied.items():
            result[name] = merged(live[name], value, shape.field(name)) if name in live else value
        return result
    if isinstance(live, list) and isinstance(applied, list):
        left, right = _elements(live, shape), _elements(applied, shape)
        if left is not None and right is not None:
            return _merged_items(left, right, shape.item())
    return applied


def _merged_items(left: dict[str, Json], right: dict[str, Json], item: Shape) -> list[Json]:
    """Items that both have stand in the order of the applied ones; what only the live list has keeps its place."""
    result: list[Json] = []
    waiting = list(right)
    for element, value in left.items():
        if element not in right:
            result.append(value)
        elif element in waiting:
            place = waiting.index(element) + 1
            result += [
                merged(left[each], right[each], item) if each in left else right[each] for each in waiting[:place]
            ]
            del waiting[:place]
    return [*result, *(right[each] for each in waiting)]


def without(tree: JsonObject, fields: FieldSet, kept: FieldSet, shape: Shape) -> JsonObject:
    """The object without some fields.

    Members that hold a field that is kept stay, and so do the keys of items that stay. An item whose own path goes
    takes with it what others own inside.
    """
    prefixes = {path[:depth] for path in kept for depth in range(1, len(path))}
    holding = kept | {path for path in prefixes if path[-1].startswith("f:")}

    def pruned(value: Json, shape: Shape, path: Path) -> tuple[bool, Json]:
        """Whether it stays, and as what."""
        if path in fields and path not in holding:
            return False, None
        if not any(each[: len(path)] == path for each in fields):
            return True, value
        if isinstance(value, dict) and not shape.atomic:
            keys = path[-1:] and path[-1].startswith("k:")
            left: JsonObject = {}
            for name, below in value.items():
                own = (*path, field_sets.field(name))
                stays, rest = (True, below) if keys and name in path[-1] else pruned(below, shape.field(name), own)
                if stays:
                    left[name] = rest
            return bool(left) or not value, left
        if isinstance(value, list) and (elements := _elements(value, shape)) is not None:
            item = shape.item()
            tried = [pruned(below, item, (*path, element)) for element, below in elements.items()]
            items = [rest for stays, rest in tried if stays]
            return bool(items) or not value, cast("Json", items)
        return True, value

    return cast("JsonObject", pruned(tree, shape, ())[1])
