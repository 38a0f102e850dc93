"""Takes a part of a specification: some groups, versions and resources, and the schemas that they need."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from kinform_codegen.errors import SettingsError
from kinform_codegen.spec.references import schema_name
from kinform_codegen.spec.resources import place_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from kinform_codegen.settings import Selection
    from kinform_codegen.spec.resources import ApiResource

__all__ = ["prune", "referenced", "select"]

_MOST_NAMED: Final = 12


def select(resources: Sequence[ApiResource], selection: Selection, left_out: Collection[str] = ()) -> list[ApiResource]:
    """The resources that are asked for.

    Args:
        resources: All that there are.
        selection: What is asked for.
        left_out: What could not be read, each ``GROUP/VERSION``: to name it is no error, as it has been told already.

    Raises:
        SettingsError: A group is not there, a pattern matches nothing, or nothing is left.
    """
    groups = {_group(each) for each in resources}
    for group in selection.groups:
        if group not in groups and not any(name.startswith(f"{group}/") for name in left_out):
            raise SettingsError(f"there is no group {group!r}", mend=f"take of these: {_listed(groups)}")
    kept = [each for each in resources if not selection.groups or _group(each) in selection.groups]
    if selection.include:
        matched = [_matching(kept, pattern, "include", left_out) for pattern in selection.include]
        kept = [each for each in kept if any(each in some for some in matched)]
    excluded = [_matching(resources, pattern, "exclude", left_out) for pattern in selection.exclude]
    kept = [each for each in kept if not any(each in some for some in excluded)]
    if not kept:
        raise SettingsError(
            "groups, include and exclude leave no resource", mend="widen include, or take patterns out of exclude"
        )
    return kept


def _matching(
    resources: Sequence[ApiResource], pattern: str, what: str, left_out: Collection[str]
) -> list[ApiResource]:
    parts = pattern.split("/")
    if not all(parts) or len(parts) > 3:
        raise SettingsError(
            f"the pattern {pattern!r} to {what} is not of the form GROUP[/VERSION[/PLURAL]]",
            mend="write apps, apps/v1, apps/v1/deployments, *.example.com or core/v1/pods",
        )
    matched = [
        each
        for each in resources
        if all(fnmatchcase(*pair) for pair in zip((_group(each), each.version, each.plural), parts, strict=False))
    ]
    absent = any(all(fnmatchcase(*pair) for pair in zip(name.split("/"), parts, strict=False)) for name in left_out)
    if not matched and not absent:
        raise SettingsError(
            f"the pattern {pattern!r} to {what} matches no resource",
            mend=f"the groups are {_listed({_group(each) for each in resources})}",
        )
    return matched


def _group(resource: ApiResource) -> str:
    """The group as users write it."""
    return resource.group or "core"


def _listed(names: Iterable[str]) -> str:
    ordered = sorted(names)
    more = f" and {len(ordered) - _MOST_NAMED} more" if len(ordered) > _MOST_NAMED else ""
    return ", ".join(ordered[:_MOST_NAMED]) + more


def prune(
    document: Mapping[str, object], resources: Sequence[ApiResource], *, without: Iterable[str] = ()
) -> dict[str, object]:
    """The document with the paths of some resources, and with the schemas that these need.

    Args:
        document: OpenAPI v3; not changed.
        resources: What to keep.
        without: Schemas that are had from elsewhere; what only they need is not kept.
    """
    components, paths = document["components"], document["paths"]
    assert isinstance(components, dict)
    assert isinstance(paths, dict)
    schemas: dict[str, object] = components["schemas"]
    kept = {(each.group, each.version, each.plural) for each in resources}
    roots = {name for each in resources for name in _roots(each)}
    needed = _closure(schemas, roots, frozenset(without))
    return {
        **document,
        "paths": {
            path: item
            for path, item in paths.items()
            if (place := place_of(path)) is not None and (place.group, place.version, place.plural) in kept
        },
        "components": {**components, "schemas": {name: schemas[name] for name in schemas if name in needed}},
    }


def referenced(resources: Iterable[ApiResource], document: Mapping[str, object]) -> set[str]:
    """The schemas that resources need, at any depth."""
    components = document["components"]
    assert isinstance(components, dict)
    return _closure(components["schemas"], {name for each in resources for name in _roots(each)}, frozenset())


def _roots(resource: ApiResource) -> Iterator[str]:
    """The schemas of a resource's own requests and responses."""
    yield resource.schema
    for each in resource.subresources:
        yield each.response
        if each.body is not None:
            yield each.body


def _closure(schemas: Mapping[str, object], roots: Iterable[str], without: frozenset[str]) -> set[str]:
    found: set[str] = set()
    waiting = [name for name in roots if name not in without]
    while waiting:
        name = waiting.pop()
        if name in found or name not in schemas:
            continue
        found.add(name)
        waiting.extend(each for each in schemas_in(schemas[name]) if each not in without)
    return found


def schemas_in(value: object) -> Iterator[str]:
    """The names of the schemas that a value refers to."""
    stack = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, dict):
            reference = current.get("$ref")
            if isinstance(reference, str) and (name := schema_name(reference)) is not None:
                yield name
            stack.extend(current.values())
        elif isinstance(current, list):
            stack.extend(current)
