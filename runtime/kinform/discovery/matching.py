"""Finds resources by the names that they have, and says what might have been meant where there is none."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from kinform.errors import AmbiguousMatchError, NoMatchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kinform.discovery.resources import ApiResource, Discovered

__all__ = ["check_api_version", "match_kind", "match_name", "match_resource"]

_API_VERSION: Final = re.compile(r"([a-z0-9][a-z0-9.-]*/)?[a-z0-9][a-z0-9-]*")
_FEW: Final = 8
_LATE: Final = "; a definition that was applied a moment ago may take some seconds to be served"

# From what names a resource best to what names it least: what fits a better name is not looked for among the others.
_NAMES: Final[Sequence[Callable[[ApiResource], Iterable[str]]]] = (
    lambda each: (each.resource.plural,),
    lambda each: (each.singular,),
    lambda each: each.short_names,
    lambda each: (each.resource.kind.lower(),),
)


def check_api_version(text: str) -> None:
    """Sees that this is what stands in an object's ``apiVersion``.

    Raises:
        ValueError: It is not.
    """
    if not _API_VERSION.fullmatch(text):
        raise ValueError(f"{text!r} is no apiVersion: give group and version, such as 'apps/v1', or 'v1' for the core")


def match_resource(found: Discovered, api_version: str, name: str) -> ApiResource:
    """The resource of a group and version that has this plural, singular or short name.

    Raises:
        NoMatchError: There is none.
        AmbiguousMatchError: Several have it.
    """
    served = _served(found, api_version)
    matches = _named(served, name)
    if not matches:
        raise _no_match(found, api_version, f"resource {name!r}", name, [each.resource.plural for each in served])
    return _only(matches, f"{name!r} of {api_version}")


def match_kind(found: Discovered, api_version: str, kind: str) -> ApiResource:
    """The resource of a group and version whose objects are of this kind.

    Raises:
        NoMatchError: There is none.
        AmbiguousMatchError: Several are.
    """
    served = _served(found, api_version)
    matches = [each for each in served if each.resource.kind == kind]
    if not matches:
        raise _no_match(found, api_version, f"kind {kind!r}", kind, [each.resource.kind for each in served])
    return _only(matches, f"the kind {kind} of {api_version}")


def match_name(found: Discovered, text: str) -> ApiResource:
    """The resource of a name as people type it: ``deploy``, ``deployments.apps``, ``Deployment.v1.apps``.

    Raises:
        NoMatchError: There is none.
        AmbiguousMatchError: Resources of several groups have it, none of them the core group, which comes before all.
    """
    name, _, place = text.partition(".")
    matches = _named([each for each in found.resources if place in {"", *_places(each)}], name)
    if not matches:
        names = {each.resource.plural for each in found.resources} | {each.resource.kind for each in found.resources}
        near = tuple(get_close_matches(name, sorted(names)))
        said = f"the server has no resource {text!r}{_did_you_mean(near)}{_said_failed(found.failures)}"
        raise NoMatchError(f"{said}; `kubectl api-resources` lists what it has{_LATE}", near)
    core = [each for each in matches if not each.resource.group]
    # Of several versions of one resource the preferred one comes first.
    one_each = {(each.resource.group, each.resource.plural): each for each in reversed(core or matches)}
    return _only(list(reversed(one_each.values())), repr(text))


def _served(found: Discovered, api_version: str) -> list[ApiResource]:
    return [each for each in found.resources if each.resource.api_version == api_version]


def _named(resources: list[ApiResource], name: str) -> list[ApiResource]:
    wanted = name.lower()
    for names in _NAMES:
        if matches := [each for each in resources if wanted in names(each)]:
            return matches
    return []


def _places(found: ApiResource) -> Iterator[str]:
    """What may stand behind a name: the group, or version and group."""
    resource = found.resource
    if resource.group:
        yield resource.group
        yield f"{resource.version}.{resource.group}"
    else:
        yield resource.version


def _only(matches: list[ApiResource], asked: str) -> ApiResource:
    if len(matches) == 1:
        return matches[0]
    candidates = tuple(str(each.resource) for each in matches)
    example = matches[0].resource
    raise AmbiguousMatchError(
        f"{asked} may be {' or '.join(candidates)}: say which, such as"
        f" {'.'.join(part for part in (example.plural, example.version, example.group) if part)!r}",
        candidates,
    )


# ---- what to say where there is none


def _no_match(found: Discovered, api_version: str, asked: str, name: str, names: list[str]) -> NoMatchError:
    served = found.api_versions
    if api_version not in served:
        group = api_version.rpartition("/")[0] or api_version  # one may have left out the version
        versions = next((each.api_versions for each in found.groups if each.name == group), ())
        near = versions or tuple(get_close_matches(api_version, served))
        said = f"the server has no {api_version}"
        said += f": of that group it has {' and '.join(versions)}" if versions else _did_you_mean(near)
        return NoMatchError(
            f"{said}{_said_failed(found.failures)}; `kubectl api-versions` lists what it has{_LATE}", near
        )
    near = tuple(dict.fromkeys(get_close_matches(name, names)))
    elsewhere = [str(each.resource) for each in found.resources if name in {each.resource.plural, each.resource.kind}]
    said = f"{api_version} has no {asked}{_did_you_mean(near)}"
    if elsewhere:
        said += f"; there is {' and '.join(elsewhere)}"
    elif not near and 0 < len(names) <= _FEW:
        said += f"; it has {', '.join(sorted(names))}"
    failed = {each: error for each, error in found.failures.items() if each == api_version}
    return NoMatchError(f"{said}{_said_failed(failed)}{_LATE}", near or tuple(elsewhere))


def _did_you_mean(near: tuple[str, ...]) -> str:
    return f": did you mean {' or '.join(near)}?" if near else ""


def _said_failed(failures: Iterable[str]) -> str:
    """That something is not known, as far as there is anything."""
    names = sorted(failures)
    return f" (of {', '.join(names)} nothing certain could be found out)" if names else ""
