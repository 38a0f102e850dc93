"""Which objects, and which changes to them, a handler wants to hear of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar, cast, overload

import msgspec

from kinform.selectors import LabelSelector

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.selectors import LabelSelectorLike
    from kinform.wire import Entry

__all__ = [
    "Predicate",
    "annotations_changed",
    "as_predicate",
    "generation_changed",
    "labels_changed",
    "matches_labels",
    "resource_version_changed",
    "satisfies",
]

T = TypeVar("T")
S = TypeVar("S")
T_contra = TypeVar("T_contra", contravariant=True)


class Predicate(ABC, Generic[T_contra]):
    """A test that a handler gives as ``where=``; combined with ``|``, ``&`` and ``~``.

    A predicate answers two questions. Which *objects* belong to the handler: where an update moves one in or out, the
    handler hears of an addition or a deletion (client-go: ``FilteringResourceEventHandler``). And which *changes* to
    an object that belongs are worth a call: ``generation_changed`` lets all objects in and most updates out
    (controller-runtime's predicates). A test of objects concerns every change to them; a test of changes selects
    every object; so additions and deletions always pass ``generation_changed``, also below ``~``.

    The ready-made ones read what the cache knows without inflating objects. Contravariant: a ``Predicate[object]``
    serves any kind. Not callable, so that ``where=lambda pod: …`` keeps its type; and without a truth value, since
    ``and``, ``or`` and ``not`` would throw a half away. Thread-safe: predicates keep no state.
    """

    @abstractmethod
    def selects(self, entry: Entry, inflate: Callable[[Entry], T_contra]) -> bool:
        """Whether the object belongs to the handler in this state."""

    @abstractmethod
    def concerns(self, old: Entry, new: Entry, inflate: Callable[[Entry], T_contra]) -> bool:
        """Whether the change of an object that belongs, before and after, is worth a call."""

    @abstractmethod
    def __invert__(self) -> Predicate[T_contra]: ...

    @overload
    def __or__(self: Predicate[object], other: Predicate[S]) -> Predicate[S]: ...
    @overload
    def __or__(self: Predicate[S], other: Predicate[S]) -> Predicate[S]: ...
    def __or__(self: Predicate[S], other: Predicate[S]) -> Predicate[S]:
        return _Either(self, other) if _is_predicate(other) else NotImplemented

    @overload
    def __and__(self: Predicate[object], other: Predicate[S]) -> Predicate[S]: ...
    @overload
    def __and__(self: Predicate[S], other: Predicate[S]) -> Predicate[S]: ...
    def __and__(self: Predicate[S], other: Predicate[S]) -> Predicate[S]:
        return _Both(self, other) if _is_predicate(other) else NotImplemented

    def __bool__(self) -> NoReturn:
        raise TypeError("a predicate has no truth value: combine predicates with '&', '|' and '~'")


class _Either(Predicate[T]):
    def __init__(self, left: Predicate[T], right: Predicate[T]) -> None:
        self._left = left
        self._right = right

    def selects(self, entry: Entry, inflate: Callable[[Entry], T]) -> bool:
        return self._left.selects(entry, inflate) or self._right.selects(entry, inflate)

    def concerns(self, old: Entry, new: Entry, inflate: Callable[[Entry], T]) -> bool:
        return self._left.concerns(old, new, inflate) or self._right.concerns(old, new, inflate)

    def __invert__(self) -> Predicate[T]:
        return _Both(~self._left, ~self._right)

    def __repr__(self) -> str:
        return f"({self._left!r} | {self._right!r})"


class _Both(Predicate[T]):
    def __init__(self, left: Predicate[T], right: Predicate[T]) -> None:
        self._left = left
        self._right = right

    def selects(self, entry: Entry, inflate: Callable[[Entry], T]) -> bool:
        return self._left.selects(entry, inflate) and self._right.selects(entry, inflate)

    def concerns(self, old: Entry, new: Entry, inflate: Callable[[Entry], T]) -> bool:
        return self._left.concerns(old, new, inflate) and self._right.concerns(old, new, inflate)

    def __invert__(self) -> Predicate[T]:
        return _Either(~self._left, ~self._right)

    def __repr__(self) -> str:
        return f"({self._left!r} & {self._right!r})"


class _OfObjects(Predicate[T]):
    """Tests objects. In ``p | generation_changed`` it concerns the changes of objects that it selects."""

    def __init__(self, name: str, test: Callable[[Entry, Callable[[Entry], T]], bool], *, wanted: bool = True) -> None:
        self._name = name
        self._test = test
        self._wanted = wanted

    def selects(self, entry: Entry, inflate: Callable[[Entry], T]) -> bool:
        return bool(self._test(entry, inflate)) is self._wanted

    def concerns(self, old: Entry, new: Entry, inflate: Callable[[Entry], T]) -> bool:
        return self.selects(new, inflate) or self.selects(old, inflate)

    def __invert__(self) -> Predicate[T]:
        return _OfObjects(self._name, self._test, wanted=not self._wanted)

    def __repr__(self) -> str:
        return self._name if self._wanted else f"~{self._name}"


class _OfChanges(Predicate[object]):
    """Tests changes; every object is selected."""

    def __init__(self, name: str, test: Callable[[Entry, Entry], bool], *, wanted: bool = True) -> None:
        self._name = name
        self._test = test
        self._wanted = wanted

    def selects(self, entry: Entry, inflate: Callable[[Entry], object]) -> bool:  # noqa: ARG002
        return True

    def concerns(self, old: Entry, new: Entry, inflate: Callable[[Entry], object]) -> bool:  # noqa: ARG002
        return self._test(old, new) is self._wanted

    def __invert__(self) -> Predicate[object]:
        return _OfChanges(self._name, self._test, wanted=not self._wanted)

    def __repr__(self) -> str:
        return self._name if self._wanted else f"~{self._name}"


generation_changed: Predicate[object] = _OfChanges(
    "generation_changed", lambda old, new: old.generation != new.generation
)
"""Updates that raised ``metadata.generation``: the spec changed, not only status or metadata.

A kind whose objects carry no generation never passes with an update. Resync passes nothing through it either.
"""

labels_changed: Predicate[object] = _OfChanges("labels_changed", lambda old, new: old.labels != new.labels)
"""Updates that changed a label."""


class _Annotated(msgspec.Struct):
    annotations: dict[str, str] | None = None


class _Object(msgspec.Struct):
    metadata: _Annotated | None = None


_decode_annotations: Callable[[bytes], _Object] = msgspec.json.Decoder(_Object).decode


def _annotations(entry: Entry) -> dict[str, str]:
    metadata = _decode_annotations(entry.body).metadata
    return (metadata and metadata.annotations) or {}


def _other_annotations(old: Entry, new: Entry) -> bool:
    if old.body == new.body:
        return False
    try:
        return _annotations(old) != _annotations(new)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return True  # nobody can say: better a call too many


annotations_changed: Predicate[object] = _OfChanges("annotations_changed", _other_annotations)
"""Updates that changed an annotation; read from the objects' bytes, so after the transform, without inflating."""

resource_version_changed: Predicate[object] = _OfChanges(
    "resource_version_changed",
    lambda old, new: old.resource_version != new.resource_version or (old is not new and not new.resource_version),
)
"""Updates that are news: all but resync. Those of objects without resourceVersion may be, so they pass."""


def satisfies(test: Callable[[T], bool]) -> Predicate[T]:
    """A predicate of objects from a function, to be combined with others; it inflates the objects that it is asked of.

    ``where=`` takes the bare function too. What the function raises is reported, and the event is not delivered.
    """
    return _OfObjects(f"satisfies({function_name(test)})", lambda entry, inflate: test(inflate(entry)))


def matches_labels(selector: LabelSelectorLike) -> Predicate[object]:
    """A predicate of objects from a label selector, tested without inflating.

    Raises:
        SelectorError: The selector does not parse.
    """
    parsed = LabelSelector.of(selector)

    def test(entry: Entry, inflate: Callable[[Entry], object]) -> bool:  # noqa: ARG001
        return parsed.matches(entry.labels)

    return _OfObjects(f"matches_labels({str(parsed)!r})", test)


def as_predicate(where: Predicate[T] | Callable[[T], bool] | None) -> Predicate[T] | None:
    """What ``where=`` was given, as a predicate."""
    if where is None or _is_predicate(where):
        return cast("Predicate[T] | None", where)
    return satisfies(cast("Callable[[T], bool]", where))


def _is_predicate(thing: object) -> bool:
    return isinstance(thing, Predicate)


def function_name(function: Callable[..., object]) -> str:
    """How a function is called in names of threads, in reports and in statistics (client-go: ``nameForHandler``)."""
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return str(name).replace("<locals>.", "")
