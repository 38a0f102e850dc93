"""Strategic merge patches: merge patches that know how the lists of built-in kinds are merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from kinform.testing.server.refusals import internal

if TYPE_CHECKING:
    from kinform.testing.server.documents import Json, JsonObject
    from kinform.testing.server.shapes import Shape

__all__ = ["strategic_merge"]

_PATCH: Final = "$patch"
_RETAIN: Final = "$retainKeys"
_DELETE_ITEMS: Final = "$deleteFromPrimitiveList/"
_ORDER: Final = "$setElementOrder/"


def strategic_merge(target: JsonObject, patch: JsonObject, shape: Shape) -> JsonObject:
    """The target with the patch applied, directives (``$patch``, ``$setElementOrder/…``) and all.

    Raises:
        Refusal: A directive is unknown, or an item lacks its merge key (500, as from a kube-apiserver).
    """
    directive = patch.get(_PATCH)
    if directive == "replace":
        return {name: value for name, value in patch.items() if name != _PATCH}
    if directive == "delete":
        return {}
    if directive is not None and directive != "merge":
        raise internal(f"unknown patch type: {directive} in map: map[$patch:{directive}]")
    result = dict(target)
    if isinstance(kept := patch.get(_RETAIN), list):
        result = {name: value for name, value in result.items() if name in kept}
    for name, value in patch.items():
        if name.startswith(_DELETE_ITEMS):
            of = name.removeprefix(_DELETE_ITEMS)
            gone = value if isinstance(value, list) else []
            if isinstance(items := result.get(of), list):
                result[of] = [item for item in items if item not in gone]
    for name, value in patch.items():
        if name.startswith("$"):
            continue
        if value is None:
            result.pop(name, None)
            continue
        result[name] = _merged(result.get(name), value, shape.field(name))
    for name, order in patch.items():
        of = name.removeprefix(_ORDER)
        if name.startswith(_ORDER) and isinstance(order, list) and isinstance(items := result.get(of), list):
            before = target.get(of)
            result[of] = _arranged(items, order, before if isinstance(before, list) else [], shape.field(of).merge_key)
    return result


def _merged(target: Json, value: Json, shape: Shape) -> Json:
    if isinstance(value, dict):
        return strategic_merge(target if isinstance(target, dict) else {}, value, shape)
    if not isinstance(value, list):
        return value
    replaced = any(isinstance(item, dict) and item.get(_PATCH) == "replace" for item in value)
    items = [item for item in value if not (isinstance(item, dict) and item.get(_PATCH) == "replace")]
    before = target if isinstance(target, list) and not replaced else []
    if "merge" not in shape.patch_strategies or replaced:
        return items
    if not shape.merge_key:
        return _arranged([*before, *(item for item in items if item not in before)], items, before, "")
    return _arranged(_merged_items(before, items, shape), items, before, shape.merge_key)


def _merged_items(before: list[Json], items: list[Json], shape: Shape) -> list[Json]:
    key, inner = shape.merge_key, shape.item()
    result = list(before)
    for item in items:
        if not isinstance(item, dict) or key not in item:
            shown = " ".join(f"{name}:{value}" for name, value in item.items()) if isinstance(item, dict) else item
            raise internal(f"map: map[{shown}] does not contain declared merge key: {key}")
        places = [n for n, each in enumerate(result) if isinstance(each, dict) and each.get(key) == item[key]]
        if item.get(_PATCH) == "delete":
            result = [each for n, each in enumerate(result) if n not in places]
        elif places:
            result[places[0]] = strategic_merge(cast("JsonObject", result[places[0]]), item, inner)
        else:
            result.append(strategic_merge({}, item, inner))
    return result


def _arranged(items: list[Json], order: list[Json], before: list[Json], key: str) -> list[Json]:
    """A merged list in the order that a kube-apiserver gives it (``normalizeElementOrder``).

    Items that ``order`` names stand as it says. Each other one stands before the first of these that it stood before;
    what is new was nowhere before, so nothing makes way for it: it comes first.

    Args:
        items: The merged list.
        order: The items of the patch, or what its ``$setElementOrder`` says.
        before: The list as it was.
        key: The merge key; ``""`` for lists of plain values.
    """

    def mark(item: Json) -> Json:
        return item.get(key) if key and isinstance(item, dict) else item

    wanted, were = [mark(each) for each in order], [mark(each) for each in before]
    named = sorted((each for each in items if mark(each) in wanted), key=lambda each: wanted.index(mark(each)))
    others = [each for each in items if mark(each) not in wanted]
    arranged: list[Json] = []
    for item in named:
        place = were.index(mark(item)) if mark(item) in were else -1
        while others and mark(others[0]) in were and were.index(mark(others[0])) < place:
            arranged.append(others.pop(0))
        arranged.append(item)
    return arranged + others
