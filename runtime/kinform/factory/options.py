"""What an informer is asked for: the options as users give them, and what they come to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias, TypedDict

from kinform.informer import ListOptions
from kinform.informer.options import resync_seconds
from kinform.informer.source import reflector_options
from kinform.meta import Resource, WireObject
from kinform.objects import View, view_of
from kinform.selectors import FieldSelector, LabelSelector
from kinform.store import checked_mode

if TYPE_CHECKING:
    from datetime import timedelta

    from kinform.selectors import LabelSelectorLike
    from kinform.store import StoreMode
    from kinform.wire import Transform

__all__ = ["InformerKey", "InformerOptions", "InformerSpec", "Namespaces", "TweakListOptions", "resolve"]

Namespaces: TypeAlias = str | Iterable[str] | None
"""One namespace, several, or all (None, and ``""`` as in Kubernetes' own API)."""

TweakListOptions: TypeAlias = Callable[[ListOptions], ListOptions]
"""Gets what the other options came to and returns what is to be used (client-go: ``TweakListOptionsFunc``)."""


class InformerOptions(TypedDict, total=False):
    """What a factory is made with, and what each of its accessors takes; what is given there wins over the factory's.

    Attributes:
        namespace: One, several, or all (None). A factory's is passed over by kinds without namespaces.
        label_selector: Text, a selector built in code, or a model's; None: all.
        field_selector: Text or a selector built in code; None: all.
        tweak: Changes the list options that the above came to.
        transform: What to cut from objects before they are cached: ``drop(…)``, ``keep(…)`` or a function.
        store: How objects are kept: ``"auto"``, ``"packed"``, ``"raw"`` or ``"inflated"``; see ``StoreMode``.
        resync: How often handlers are told of everything again, unless they say otherwise; None: never.
    """

    namespace: Namespaces
    label_selector: LabelSelectorLike | None
    field_selector: str | FieldSelector | None
    tweak: TweakListOptions | None
    transform: Transform | None
    store: StoreMode
    resync: timedelta | None


InformerKey: TypeAlias = tuple[Resource, tuple[str, ...], ListOptions, View]
"""What informers are shared by."""

_NAMES: Final = frozenset(InformerOptions.__annotations__)


@dataclass(frozen=True, slots=True)
class InformerSpec:
    """One informer, as it was asked for.

    Attributes:
        resource: What to watch.
        model: The class of its objects.
        namespaces: Where, sorted; ``("",)``: everywhere.
        options: Which objects; selectors in canonical text.
        transform: What to cut from them, or None.
        store: How they are kept.
        resync: As given.
    """

    resource: Resource
    model: type[WireObject]
    namespaces: tuple[str, ...]
    options: ListOptions
    transform: Transform | None
    store: StoreMode
    resync: timedelta | None

    @property
    def key(self) -> InformerKey:
        """What informers are shared by."""
        return self.resource, self.namespaces, self.options, view_of(self.model)

    def differences(self, other: InformerSpec) -> list[str]:
        """Names of what two specifications with one key do not agree on."""
        return [
            name for name in ("model", "transform", "store", "resync") if getattr(self, name) != getattr(other, name)
        ]


def resolve(
    resource: Resource, model: type[WireObject], defaults: InformerOptions, given: InformerOptions
) -> InformerSpec:
    """What the options come to.

    Raises:
        SelectorError: A selector does not parse.
        TypeError: There is no such option, or ``tweak`` did not return list options.
        ValueError: A namespace cannot be one, or is given for a kind without; ``resync`` is negative; there is
            no such ``store``; or ``tweak`` set a parameter that is kinform's own to set.
    """
    if unknown := given.keys() - _NAMES:
        raise TypeError(
            f"unknown informer options: {', '.join(sorted(unknown))}; known are {', '.join(sorted(_NAMES))}"
        )
    if not resource.namespaced and any(asked := namespace_tuple(given.get("namespace"))):
        raise ValueError(f"{resource} is cluster-scoped: it cannot be watched in namespace {', '.join(asked)}")
    wanted: InformerOptions = {**defaults, **given}
    namespaces = namespace_tuple(wanted.get("namespace")) if resource.namespaced else ("",)
    for namespace in namespaces:
        resource.path(namespace)
    labels, fields = wanted.get("label_selector"), wanted.get("field_selector")
    options = ListOptions(
        label_selector="" if labels is None else str(LabelSelector.of(labels)),
        field_selector="" if fields is None else str(FieldSelector.of(fields)),
    )
    tweak = wanted.get("tweak")
    if tweak is not None:
        options = _canonical(tweak(options))
    resync = wanted.get("resync")
    resync_seconds(resync)
    store = checked_mode(wanted.get("store", "auto"))
    return InformerSpec(resource, model, namespaces, options, wanted.get("transform"), store, resync)


def namespace_tuple(value: Namespaces) -> tuple[str, ...]:
    """The namespaces sorted and each once; ``("",)`` for all.

    Raises:
        ValueError: There are none, or ``""`` is among several.
    """
    if value is None or isinstance(value, str):
        return (value or "",)
    namespaces = tuple(sorted(set(value)))
    if not namespaces or "" in namespaces:
        raise ValueError(f"namespaces are one or several names, or None for all of them, not {list(namespaces)}")
    return namespaces


def _canonical(options: object) -> ListOptions:
    if not isinstance(options, ListOptions):
        raise TypeError(f"tweak returned {type(options).__name__}, not ListOptions")
    canonical = ListOptions(
        str(LabelSelector.parse(options.label_selector)),
        str(FieldSelector.parse(options.field_selector)),
        tuple(options.query),
    )
    reflector_options(canonical)
    return canonical
