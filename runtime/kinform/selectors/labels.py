"""Label selectors: which objects, by their labels."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from operator import gt, lt
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias, final

from kinform.errors import SelectorError
from kinform.selectors.label_grammar import parse_terms
from kinform.selectors.names import label_key_problem, label_value_problem, parse_int64

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["LabelSelector", "LabelSelectorLike", "Operator", "Requirement", "RequirementLike", "SelectorModel"]


class Operator(StrEnum):
    """How a requirement judges a label. The members' values are those of ``meta/v1`` and node selectors.

    ``a=b`` is ``IN`` with one value and ``a!=b`` is ``NOT_IN``: they mean the same.
    """

    IN = "In"
    """The label is there and has one of the values."""
    NOT_IN = "NotIn"
    """The label has none of the values, **or is not there**."""
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"
    GREATER_THAN = "Gt"
    """The label is there, is a whole number, and is greater. No ``meta/v1`` selector has this, only the text form."""
    LESS_THAN = "Lt"


# What meta/v1.LabelSelector may say; Gt and Lt belong to the text form and to node selectors.
_OF_MODELS: Final = frozenset({Operator.IN, Operator.NOT_IN, Operator.EXISTS, Operator.DOES_NOT_EXIST})


class RequirementLike(Protocol):
    """A requirement as models hold it (``meta/v1.LabelSelectorRequirement``)."""

    @property
    def key(self) -> str: ...  # noqa: D102
    @property
    def operator(self) -> str: ...  # noqa: D102
    @property
    def values(self) -> Sequence[str]: ...  # noqa: D102


class SelectorModel(Protocol):
    """A selector as models hold it (``meta/v1.LabelSelector``), such as ``deployment.spec.selector``."""

    @property
    def match_labels(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def match_expressions(self) -> Sequence[RequirementLike]: ...  # noqa: D102


@final
@dataclass(frozen=True, slots=True, init=False, order=True)
class Requirement:
    """One condition on one label (apimachinery: ``labels.Requirement``). Immutable, equal by value.

    Attributes:
        key: The label's key.
        operator: How its value is judged.
        values: The values, each once and sorted; none for ``EXISTS`` and ``DOES_NOT_EXIST``, one for ``GREATER_THAN``
            and ``LESS_THAN``.

    Raises:
        SelectorError: The operator is unknown, its number of values is wrong, or no label can have the key or a value.
    """

    key: str
    operator: Operator
    values: tuple[str, ...]

    def __init__(self, key: str, operator: str, values: Iterable[str] = ()) -> None:
        if isinstance(values, str):
            raise TypeError(f"values is a collection of strings: write [{values!r}]")
        distinct = tuple(sorted(set(values)))
        try:
            known = Operator(operator)
        except ValueError:
            raise SelectorError(f"{operator!r} is no operator: expected {', '.join(Operator)}") from None
        if problem := label_key_problem(key):
            raise SelectorError(f"{key!r} cannot be a label key: it {problem}")
        for value in distinct:
            if problem := label_value_problem(value):
                raise SelectorError(f"{value!r} cannot be a value of label {key!r}: it {problem}")
        if problem := _count_problem(known, distinct):
            raise SelectorError(f"requirement on label {key!r}: {known} {problem}")
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "operator", known)
        object.__setattr__(self, "values", distinct)

    def __str__(self) -> str:
        match self.operator:
            case Operator.EXISTS:
                return self.key
            case Operator.DOES_NOT_EXIST:
                return f"!{self.key}"
            case Operator.GREATER_THAN:
                return f"{self.key}>{self.values[0]}"
            case Operator.LESS_THAN:
                return f"{self.key}<{self.values[0]}"
            case Operator.IN:
                if len(self.values) == 1:
                    return f"{self.key}={self.values[0]}"
                return f"{self.key} in ({','.join(self.values)})"
            case Operator.NOT_IN:
                if len(self.values) == 1:
                    return f"{self.key}!={self.values[0]}"
                return f"{self.key} notin ({','.join(self.values)})"


def _count_problem(operator: Operator, values: tuple[str, ...]) -> str | None:
    match operator:
        case Operator.IN | Operator.NOT_IN:
            return None if values else "needs at least one value"
        case Operator.EXISTS | Operator.DOES_NOT_EXIST:
            return f"takes no values, {list(values)} given" if values else None
        case Operator.GREATER_THAN | Operator.LESS_THAN:
            if len(values) == 1 and parse_int64(values[0]) is not None:
                return None
            return f"needs one whole number of at most 64 bits, {list(values)} given"


_Test: TypeAlias = "tuple[str, Callable[[str | None], bool], bool]"
"""A label's key, a question about its value (None: the label is not there), and the answer that passes."""

_NOT_THERE: Final = frozenset({None})


def _test(requirement: Requirement) -> _Test:
    """A requirement in the form that is quickest to judge: for most a look-up in a set, without a line of Python."""
    key, wanted = requirement.key, requirement.values
    match requirement.operator:
        case Operator.IN:
            return key, frozenset(wanted).__contains__, True
        case Operator.NOT_IN:
            return key, frozenset(wanted).__contains__, False
        case Operator.EXISTS:
            return key, _NOT_THERE.__contains__, False
        case Operator.DOES_NOT_EXIST:
            return key, _NOT_THERE.__contains__, True
        case Operator.GREATER_THAN:
            return key, partial(_compares, gt, int(wanted[0])), True
        case Operator.LESS_THAN:
            return key, partial(_compares, lt, int(wanted[0])), True


def _compares(compare: Callable[[int, int], bool], bound: int, value: str | None) -> bool:
    number = None if value is None else parse_int64(value)
    return number is not None and compare(number, bound)


@final
class LabelSelector:
    """Which objects, by their labels: all its requirements must hold; without any it selects everything.

    Immutable, hashable, equal by what it requires; ``str()`` is its canonical text, which parses back to an equal
    selector: ``a=b`` and ``a in (b)`` are one, requirements and values are sorted, repetitions gone. Safe to use from
    any thread (apimachinery: ``labels.Selector``).

    Args:
        match_labels: Labels that must have just these values.
        match_expressions: Further requirements: ``Requirement`` or what looks like one.

    Raises:
        SelectorError: No label can have such a key or value, or an operator does not fit its values.

    Example:
        >>> selector = LabelSelector({"app": "web"}, [Requirement("tier", Operator.NOT_IN, ["test", "dev"])])
        >>> str(selector)
        'app=web,tier notin (dev,test)'
        >>> selector.matches({"app": "web"})
        True
    """

    __slots__ = ("_requirements", "_tests", "_text")

    def __init__(
        self,
        match_labels: Mapping[str, str] | None = None,
        match_expressions: Iterable[RequirementLike] = (),
    ) -> None:
        found = {Requirement(key, Operator.IN, (value,)) for key, value in (match_labels or {}).items()}
        found.update(
            each if isinstance(each, Requirement) else Requirement(each.key, each.operator, each.values)
            for each in match_expressions
        )
        self._requirements = tuple(sorted(found))
        self._tests = tuple(map(_test, self._requirements))
        self._text = ",".join(map(str, self._requirements))

    @classmethod
    def parse(cls, text: str) -> LabelSelector:
        """Reads the text form: ``app=web,tier notin (test,dev),!canary,shard>3`` (apimachinery: ``labels.Parse``).

        ``=``, ``==``, ``in``, ``>`` and ``<`` ask that the label be there; ``!=`` and ``notin`` also match objects that
        lack it; ``key`` and ``!key`` ask for its presence or absence. A comma means *and*. Empty text is everything.

        Raises:
            SelectorError: The text does not parse; the message tells the place.
        """
        return cls(match_expressions=[Requirement(*term) for term in parse_terms(text)])

    @classmethod
    def everything(cls) -> LabelSelector:
        """The selector without requirements, which matches all objects (apimachinery: ``labels.Everything``)."""
        return _EVERYTHING

    @classmethod
    def of(cls, selector: LabelSelectorLike) -> LabelSelector:
        """Any form of label selector as this class: text, a model such as ``deployment.spec.selector``, or one of us.

        An empty model or text selects everything. A *null* selector means "nothing" in some of Kubernetes' fields and
        "everything" in others, so None is refused: decide at the call (client-go: ``LabelSelectorAsSelector``).

        Raises:
            SelectorError: The text does not parse, or the model holds what no label selector can say.
            TypeError: It is no selector at all, such as None.
        """
        if isinstance(selector, LabelSelector):
            return selector
        if isinstance(selector, str):
            return cls.parse(selector) if selector else _EVERYTHING
        try:
            match_labels, match_expressions = selector.match_labels, selector.match_expressions
        except AttributeError:
            raise TypeError(f"expected a label selector, got {selector!r}") from None
        for each in match_expressions:
            if each.operator not in _OF_MODELS:
                names = ", ".join(sorted(_OF_MODELS))
                raise SelectorError(f"{each.operator!r} is no operator of a label selector: expected {names}")
        return cls(match_labels, match_expressions)

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """What must hold, sorted by key."""
        return self._requirements

    @property
    def empty(self) -> bool:
        """True where it selects everything (apimachinery: ``Selector.Empty``)."""
        return not self._requirements

    def matches(self, labels: Mapping[str, str]) -> bool:
        """True where an object with these labels is selected."""
        for key, test, passing in self._tests:  # noqa: SIM110  (a generator costs more than what it goes through)
            if test(labels.get(key)) is not passing:
                return False
        return True

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"LabelSelector.parse({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return self._requirements == other._requirements if isinstance(other, LabelSelector) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._requirements)


_EVERYTHING: Final = LabelSelector()

LabelSelectorLike: TypeAlias = str | LabelSelector | SelectorModel
"""What stands for a label selector in calls: its text, one built in code, or a model's ``LabelSelector``."""
