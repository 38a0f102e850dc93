"""Kubernetes objects as JSON in all the ways that servers might write it, and what a plain decoder makes of them."""

from __future__ import annotations

import json
import math
import random
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final

from hypothesis import strategies as st

__all__ = ["STYLES", "Facts", "Full", "Style", "facts_of", "full", "objects", "pod_texts", "without_managed_fields"]

# ---- writing

_KEYS_ESCAPED: Final = ("metadata", "managedFields", "name", "object", "type", "kind", "items", "labels")


@dataclass(frozen=True, slots=True)
class Style:
    """How JSON is written: white space, escapes of text, escapes of keys, and the order of members."""

    comma: str = ","
    colon: str = ":"
    ascii: bool = False
    escape: tuple[str, ...] = ()
    order: str = "as is"
    seed: int = 0

    def write(self, value: object) -> bytes:
        """The value as JSON."""
        return self._text(value, random.Random(self.seed)).encode("utf-8", "surrogatepass")

    def _text(self, value: object, chance: random.Random) -> str:
        if isinstance(value, dict):
            members = list(value.items())
            if self.order == "sorted":
                members.sort()
            elif self.order == "any":
                chance.shuffle(members)
            parts = [f"{self._key(name)}{self.colon}{self._text(each, chance)}" for name, each in members]
            return f"{{{self.comma.join(parts)}}}"
        if isinstance(value, list):
            return f"[{self.comma.join(self._text(each, chance) for each in value)}]"
        return json.dumps(value, ensure_ascii=self.ascii)

    def _key(self, name: str) -> str:
        text = json.dumps(name, ensure_ascii=self.ascii)
        return f'"\\u{ord(name[0]):04x}{text[2:]}' if name in self.escape else text


STYLES: Final = st.builds(
    Style,
    comma=st.sampled_from([",", ",", ", ", ",\n  ", "\r\n,\t"]),
    colon=st.sampled_from([":", ":", ": ", " :\n"]),
    ascii=st.booleans(),
    escape=st.one_of(st.just(()), st.lists(st.sampled_from(_KEYS_ESCAPED), max_size=3).map(tuple)),
    order=st.sampled_from(["as is", "as is", "sorted", "any"]),
    seed=st.integers(0, 50),
)

# ---- objects

# Text that looks like a part of the object around it.
_TREACHEROUS: Final = (
    ',"managedFields":[',
    '"managedFields":[{"manager":"x"}]',
    '"metadata":{"name":"other","resourceVersion":"666"}',
    '}},"type":"DELETED","object":{"metadata":{"name":"other"',
    "}}",
    '"}]}',
    "\\",
    "\\\\",
    '\\"',
    "\r\n",
    "\x00",
    "\u2028",
    "é\N{SNOWMAN}😀",
    "",
    '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"other","managedFields":[]},"spec":{}}',
)
_TEXT: Final = st.one_of(st.sampled_from(_TREACHEROUS), st.text(max_size=12))
_NAME: Final = st.one_of(st.sampled_from(["web-0", "a", "naïve", "日本", 'q"uo\\te']), st.text(min_size=1, max_size=9))
_SCALAR: Final = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), _TEXT
)
_MANAGED: Final = st.lists(
    st.fixed_dictionaries({"manager": _TEXT, "fieldsV1": st.just({"f:metadata": {"f:managedFields": {}}})}), max_size=2
)
_ANY: Final = st.recursive(
    _SCALAR,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from(["metadata", "managedFields", "name", "a"]), _TEXT), inner, max_size=3
        ),
        st.fixed_dictionaries({"metadata": st.fixed_dictionaries({"name": inner, "managedFields": _MANAGED})}),
    ),
    max_leaves=8,
)
_OWNER: Final = st.fixed_dictionaries(
    {"apiVersion": st.just("apps/v1"), "kind": st.just("ReplicaSet"), "name": _NAME, "uid": _TEXT},
    optional={"controller": st.sampled_from([True, False, None]), "blockOwnerDeletion": st.booleans()},
)
_TEXTS: Final = st.dictionaries(_TEXT, _TEXT, max_size=3)
_METADATA: Final = st.fixed_dictionaries(
    {"name": _NAME},
    optional={
        "managedFields": st.one_of(_MANAGED, st.none()),
        "generateName": st.just("web-"),
        "namespace": st.one_of(st.none(), _NAME),
        "selfLink": st.none(),
        "uid": st.one_of(st.none(), _TEXT),
        "resourceVersion": st.one_of(st.none(), st.just("7"), _TEXT),
        "generation": st.one_of(st.none(), st.integers(0, 2**63 - 1)),
        "creationTimestamp": st.one_of(st.none(), st.just("2026-01-01T00:00:00Z")),
        "deletionTimestamp": st.one_of(st.none(), st.just("2026-01-01T00:00:00Z")),
        "labels": st.one_of(st.none(), _TEXTS),
        "annotations": st.one_of(
            st.none(),
            _TEXTS,
            st.just({"kubectl.kubernetes.io/last-applied-configuration": _TREACHEROUS[-1] + "\n"}),
            st.sampled_from(_TREACHEROUS).map(lambda text: {"note": text}),
        ),
        "ownerReferences": st.one_of(st.none(), st.lists(_OWNER, max_size=2)),
        "finalizers": st.lists(_TEXT, max_size=2),
    },
)


def _placed(found: tuple[dict[str, Any], int]) -> dict[str, Any]:
    """Puts managedFields somewhere else among the metadata: the real server has them last."""
    metadata, place = found
    members = list(metadata.items())
    members.insert(place % len(members), members.pop())
    return dict(reversed(members) if place % 2 else members)


_HEADS: Final = st.sampled_from(
    [
        {"kind": "Pod", "apiVersion": "v1"},
        {"kind": "Pod", "apiVersion": "v1"},
        {"apiVersion": "v1", "kind": "Pod"},
        {},
        {"kind": "Pod"},
        {"apiVersion": "v1"},
        {"kind": "", "apiVersion": None},
    ]
)


def objects() -> st.SearchStrategy[dict[str, Any]]:
    """Pods: usual ones, and such as no API server would write but JSON allows."""
    rest = st.dictionaries(st.one_of(st.sampled_from(["spec", "status", "data"]), _TEXT), _ANY, max_size=3)
    metadata = st.tuples(_METADATA, st.integers(0, 12)).map(_placed)
    return st.builds(
        lambda head, meta, body: {
            **head,
            "metadata": meta,
            **{name: each for name, each in body.items() if name not in {"kind", "apiVersion", "metadata"}},
        },
        _HEADS,
        metadata,
        rest,
    )


def pod_texts() -> st.SearchStrategy[bytes]:
    """Pods in JSON."""
    return st.builds(lambda style, pod: style.write(pod), STYLES, objects())


# ---- the reference

_IN: Final = ord("[")
_STEPS: Final = bytes.maketrans(b"{}", b"[]")


class _Twice(Exception):  # noqa: N818  (no error: the text is JSON)
    """A key stands twice in one object."""


@dataclass(frozen=True, slots=True)
class Full:
    """A text as a plain decoder reads all of it.

    Attributes:
        value: The value; of keys that stand twice the last.
        sound: No key stands twice, no number is beyond a float, nothing is nested hundreds deep: then there is only
            one way to read it.
    """

    value: Any
    sound: bool


def full(data: bytes) -> Full | None:
    """What the standard library makes of it, as strictly as RFC 8259 has it; None where it is no JSON."""
    sound = True

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal sound
        found = dict(pairs)
        sound = sound and len(found) == len(pairs)
        return found

    def refuse(name: str) -> float:
        raise ValueError(name)

    def number(text: str) -> float:
        nonlocal sound
        value = float(text)
        sound = sound and math.isfinite(value)
        return value

    try:
        text = data.decode()
        value = json.loads(text, object_pairs_hook=members, parse_constant=refuse, parse_float=number)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        return None
    return Full(value, sound and _depth(data) < 200)


def _depth(data: bytes) -> int:
    brackets = data.translate(_STEPS, bytes(set(range(256)) - set(b"{[}]")))
    return max(accumulate(1 if bracket == _IN else -1 for bracket in brackets), default=0)


@dataclass(frozen=True, slots=True)
class Facts:
    """What an entry says of its object."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    deletion_timestamp: str
    labels: dict[str, str]
    owner: tuple[str, str, str, str] | None


def facts_of(value: Any) -> Facts | None:
    """What is to be said of an object that was decoded in full; None where it is none, or its metadata is not right."""
    metadata = value.get("metadata") if isinstance(value, dict) else None
    if not isinstance(metadata, dict):
        return None
    texts = [metadata.get(each) for each in ("namespace", "name", "uid", "resourceVersion", "deletionTimestamp")]
    generation = metadata.get("generation")
    labels, owners = metadata.get("labels"), metadata.get("ownerReferences")
    if not all(each is None or isinstance(each, str) for each in texts) or not texts[1]:
        return None
    if not (generation is None or (type(generation) is int and abs(generation) < 2**63)):
        return None
    if not (labels is None or (isinstance(labels, dict) and all(isinstance(each, str) for each in labels.values()))):
        return None
    if not (owners is None or (isinstance(owners, list) and all(map(_is_owner, owners)))):
        return None
    namespace, name, uid, version, deleted = (each or "" for each in texts)
    controller = next((each for each in owners or [] if each.get("controller")), None)
    owner = controller and tuple(controller.get(each, "") for each in ("apiVersion", "kind", "name", "uid"))
    return Facts(namespace, name, uid, version, generation or 0, deleted, labels or {}, owner)


def _is_owner(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and all(isinstance(value.get(each, ""), str) for each in ("apiVersion", "kind", "name", "uid"))
        and (value.get("controller") is None or isinstance(value["controller"], bool))
    )


def without_managed_fields(value: dict[str, Any]) -> dict[str, Any]:
    """The object as the cache should hold it."""
    metadata = {name: each for name, each in value["metadata"].items() if name != "managedFields"}
    return {**value, "metadata": metadata}
