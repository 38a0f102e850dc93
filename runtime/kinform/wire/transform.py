"""Transforms: what is cut from an object before it is cached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from kinform.wire.fields import split_field_path

__all__ = ["Json", "Projection", "Transform", "TransformFunction", "drop", "keep"]

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"
"""Any JSON value."""

TransformFunction: TypeAlias = Callable[[dict[str, Json]], dict[str, Json]]
"""Gets an object of its own, which it may change, and returns what is to be cached of it."""

_RAW_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])

# What a cache cannot do without, and what kinform itself reads of every object.
_IDENTITY = (
    ("apiVersion",),
    ("kind",),
    ("metadata", "name"),
    ("metadata", "namespace"),
    ("metadata", "uid"),
    ("metadata", "resourceVersion"),
)
_ENVELOPE = (
    *_IDENTITY,
    ("metadata", "generation"),
    ("metadata", "deletionTimestamp"),
    ("metadata", "labels"),
    ("metadata", "ownerReferences"),
)

_Tree: TypeAlias = "dict[str, _Tree]"
"""Paths folded into one tree; an empty one is the end of a path."""


@dataclass(frozen=True)
class Projection:
    """What ``drop`` and ``keep`` return: a transform that works on bytes. Equal to another with the same paths.

    Attributes:
        keeps: True for ``keep``, False for ``drop``.
        paths: The paths as segments, sorted.
    """

    keeps: bool
    paths: tuple[tuple[str, ...], ...]

    @property
    def touches_metadata(self) -> bool:
        """True where the transform changes what an entry holds beside the body."""
        return not self.keeps and any(path[0] == "metadata" for path in self.paths)

    def apply(self, body: bytes) -> bytes:
        """The object less what this transform drops. Values that stay keep their bytes.

        Raises:
            msgspec.DecodeError: The bytes are not valid JSON.
        """
        tree = _tree(self.paths)
        return _keep(body, tree) if self.keeps else _drop(body, tree)


Transform: TypeAlias = Projection | TransformFunction
"""``drop(…)``, ``keep(…)``, or a function from one JSON object to another."""


def drop(*paths: str) -> Projection:
    """A transform that drops these fields; cheap, since it works on the bytes.

    A path that leads through a list applies to all its items: ``drop("spec.containers.env")``. See
    ``split_field_path`` for names with dots in them. ``metadata.managedFields`` never reaches the cache anyway.

    Raises:
        ValueError: No path; a path does not parse; or it would drop what makes an object findable: ``apiVersion``,
            ``kind``, or the name, namespace, uid or resourceVersion in ``metadata``.
    """
    parsed = _parse(paths)
    for path in parsed:
        for needed in _IDENTITY:
            if needed[: len(path)] == path:
                raise ValueError(f"drop({'.'.join(path)!r}): a cache cannot do without {'.'.join(needed)}")
    return Projection(keeps=False, paths=parsed)


def keep(*paths: str) -> Projection:
    """A transform that keeps only these fields; cheap, since it works on the bytes.

    Kept in any case is what kinform itself reads: ``apiVersion``, ``kind``, and of ``metadata`` name, namespace, uid,
    resourceVersion, generation, deletionTimestamp, labels and ownerReferences. A path that leads through a list applies
    to all its items.

    Raises:
        ValueError: No path, or a path does not parse.
    """
    return Projection(keeps=True, paths=tuple(sorted({*_parse(paths), *_ENVELOPE})))


def _parse(paths: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    if not paths:
        raise ValueError("at least one field path is needed")
    return tuple(sorted({split_field_path(path) for path in paths}))


def _tree(paths: tuple[tuple[str, ...], ...]) -> _Tree:
    """Folds the paths; a path that runs on below another's end adds nothing to it."""
    root: _Tree = {}
    for path in sorted(paths, key=len):
        node = root
        for segment in path[:-1]:
            if segment in node and not node[segment]:
                break
            node = node.setdefault(segment, {})
        else:
            node[path[-1]] = {}
    return root


def _drop(body: bytes, tree: _Tree) -> bytes:
    first = body[:1]
    if first == b"[":
        return b"[%b]" % b",".join(_drop(bytes(item), tree) for item in _RAW_LIST.decode(body))
    if first != b"{":
        return body
    parts: list[bytes] = []
    for name, value in _RAW_OBJECT.decode(body).items():
        below = tree.get(name)
        if below is None:
            parts.append(b"%b:%b" % (msgspec.json.encode(name), bytes(value)))
        elif below:
            parts.append(b"%b:%b" % (msgspec.json.encode(name), _drop(bytes(value), below)))
    return b"{%b}" % b",".join(parts)


def _keep(body: bytes, tree: _Tree) -> bytes:
    first = body[:1]
    if first == b"[":
        return b"[%b]" % b",".join(_keep(bytes(item), tree) for item in _RAW_LIST.decode(body))
    if first != b"{":
        return b"null"  # the path leads on, but here is nothing to lead into
    parts: list[bytes] = []
    for name, value in _RAW_OBJECT.decode(body).items():
        below = tree.get(name)
        if below is not None:
            kept = _keep(bytes(value), below) if below else bytes(value)
            parts.append(b"%b:%b" % (msgspec.json.encode(name), kept))
    return b"{%b}" % b",".join(parts)
