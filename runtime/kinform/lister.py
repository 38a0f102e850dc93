"""Typed reads of an informer's cache: by name, by namespace, by label selector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from kinform.errors import NotFoundError, SelectorError, Status, StatusDetails
from kinform.meta import ObjectKey
from kinform.selectors import FieldSelector, LabelSelector
from kinform.store import Snapshot
from kinform.wire import FieldPath

if TYPE_CHECKING:
    import builtins

    from kinform.meta import Resource
    from kinform.selectors import LabelSelectorLike
    from kinform.selectors.fields import FieldTerm
    from kinform.store import CacheReader
    from kinform.wire import Entry

__all__ = ["ClusterLister", "GenericLister", "Lister", "NamespaceLister", "NamespacedLister"]

T_co = TypeVar("T_co", covariant=True)


class _Reads(Generic[T_co]):
    """What listers of all scopes have in common: one cache, one namespace or all."""

    def __init__(self, informer: CacheReader[T_co], namespace: str | None, *, allow_unsynced: bool) -> None:
        self._informer = informer
        self._namespace = namespace
        self._allow_unsynced = allow_unsynced

    def list(
        self, selector: LabelSelectorLike = "", *, field_selector: str | FieldSelector | None = None
    ) -> Snapshot[T_co]:
        """What is in the cache now, of those that the selectors match.

        Selectors are judged by labels and bytes, before anything is decoded. The snapshot decodes an object when it is
        looked at; objects are shared and read-only. Nothing blocks. In no particular order (client-go:
        ``Lister.List``, which has no field selectors).

        Args:
            selector: By labels: text (``""``: all), a ``LabelSelector``, or a model's. None raises: what a missing
                selector selects, nothing or everything, is told by the field that it stands in.
            field_selector: By fields, in JSON names: any field of what is cached, not only those that servers can
                select on. A field in the items of a list is equal to each of their values; an absent one is ``""``,
                also where servers have a default for it. What is asked often deserves an index: this reads each object.

        Raises:
            SelectorError: A selector does not parse.
            TypeError: A selector is None.
            InformerNotStartedError: The informer has not been started.
            CacheNotSyncedError: Its first sync is not complete (unless the lister was made with ``allow_unsynced``).
            NotCachedError: The namespace is outside the informer's scope.
            ForkedError: The informer belongs to the parent process.
        """
        entries = self._entries(selector)
        if field_selector is not None:
            terms = _compiled(field_selector)
            entries = [entry for entry in entries if all(_holds(entry, *term) for term in terms)]
        return Snapshot(entries, self._informer.inflate)

    def keys(self) -> builtins.list[ObjectKey]:
        """The keys of all objects; nothing is decoded. Raises as ``list`` does."""
        return [entry.key for entry in self._entries("")]

    def __len__(self) -> int:
        return len(self._entries(""))

    def __bool__(self) -> bool:
        # An empty cache is still a lister: `lister or default` must not depend on what happens to exist.
        return True

    def _entries(self, selector: LabelSelectorLike) -> builtins.list[Entry]:
        wanted = None if isinstance(selector, str) and not selector else LabelSelector.of(selector)
        return self._informer.read_entries(self._namespace, wanted, allow_unsynced=self._allow_unsynced)

    def _find(self, key: ObjectKey) -> Entry | None:
        return self._informer.read_entry(key, allow_unsynced=self._allow_unsynced)

    def _get(self, key: ObjectKey) -> Entry:
        entry = self._find(key)
        if entry is None:
            raise _not_found(self._informer.resource, key)
        return entry


class Lister(_Reads[T_co]):
    """Reads of everything that an informer caches (client-go: the generated ``PodLister`` and its like).

    Generated listers derive from ``NamespacedLister`` or ``ClusterLister``. Thread-safe; reads block on nothing and
    make no requests. ``len(lister)`` is the number of objects.

    Args:
        informer: Whose cache is read.
        allow_unsynced: Answer before the first sync, from what there is, instead of raising ``CacheNotSyncedError``.
    """

    def __init__(self, informer: CacheReader[T_co], *, allow_unsynced: bool = False) -> None:
        super().__init__(informer, None, allow_unsynced=allow_unsynced)

    def copy(self, key: ObjectKey) -> T_co:
        """A private copy of one object, to be changed and sent back; what ``get`` and ``list`` give is read-only.

        Raises:
            NotFoundError: The cache knows of no such object.
            UndecodableObjectError: The object is there but cannot be decoded.
            KinformError: The cache cannot be read; see ``list``.
        """
        return self._informer.copy(self._get(key))


class ClusterLister(Lister[T_co]):
    """Reads of a cluster-scoped kind, such as ``NodeLister``."""

    def get(self, name: str) -> T_co:
        """The object of this name, shared and read-only.

        Raises:
            NotFoundError: The cache knows of no such object.
            UndecodableObjectError: The object is there but cannot be decoded.
            KinformError: The cache cannot be read; see ``list``.
        """
        return self._informer.inflate(self._get(ObjectKey("", name)))

    def find(self, name: str) -> T_co | None:
        """The object of this name, shared and read-only, or None. Otherwise raises as ``get`` does."""
        entry = self._find(ObjectKey("", name))
        return None if entry is None else self._informer.inflate(entry)


class NamespacedLister(Lister[T_co]):
    """Reads of a namespaced kind, over all namespaces that are cached.

    A generated lister adds the way to one namespace: ``lister.pods("shop").get("web-0")``.
    """


class GenericLister(Lister[T_co]):
    """Reads of a kind that the program's text does not know, namespaced or not (client-go: ``GenericLister``)."""

    def namespace(self, namespace: str) -> NamespaceLister[T_co]:
        """The objects of one namespace, which can also be got by name.

        Raises:
            ValueError: The namespace is empty, or the kind has none.
        """
        self._informer.resource.path(namespace)
        return NamespaceLister(self._informer, namespace, allow_unsynced=self._allow_unsynced)

    def get(self, key: ObjectKey) -> T_co:
        """The object at this key, shared and read-only; cluster-scoped ones have no namespace in their keys.

        Raises:
            NotFoundError: The cache knows of no such object.
            UndecodableObjectError: The object is there but cannot be decoded.
            KinformError: The cache cannot be read; see ``list``.
        """
        return self._informer.inflate(self._get(key))

    def find(self, key: ObjectKey) -> T_co | None:
        """The object at this key, shared and read-only, or None. Otherwise raises as ``get`` does."""
        entry = self._find(key)
        return None if entry is None else self._informer.inflate(entry)


class NamespaceLister(_Reads[T_co]):
    """Reads of one namespace, such as ``PodNamespaceLister`` (client-go: the same). Costs nothing to make.

    Args:
        informer: Whose cache is read.
        namespace: The namespace; ``""`` is refused, for all namespaces ask the lister that this one came from.
        allow_unsynced: Answer before the first sync, from what there is, instead of raising ``CacheNotSyncedError``.

    Raises:
        ValueError: The namespace is empty.
    """

    def __init__(self, informer: CacheReader[T_co], namespace: str, *, allow_unsynced: bool = False) -> None:
        if not namespace:
            raise ValueError("a namespace lister needs a namespace; list() of the lister itself reads all of them")
        super().__init__(informer, namespace, allow_unsynced=allow_unsynced)

    def get(self, name: str) -> T_co:
        """The object of this name, shared and read-only.

        Raises:
            NotFoundError: The cache knows of no such object.
            UndecodableObjectError: The object is there but cannot be decoded.
            KinformError: The cache cannot be read; see ``list``.
        """
        return self._informer.inflate(self._get(self._key(name)))

    def find(self, name: str) -> T_co | None:
        """The object of this name, shared and read-only, or None. Otherwise raises as ``get`` does."""
        entry = self._find(self._key(name))
        return None if entry is None else self._informer.inflate(entry)

    def copy(self, name: str) -> T_co:
        """A private copy of one object, to be changed and sent back. Raises as ``get`` does."""
        return self._informer.copy(self._get(self._key(name)))

    def _key(self, name: str) -> ObjectKey:
        return ObjectKey(self._namespace or "", name)


def _compiled(selector: str | FieldSelector) -> builtins.list[tuple[FieldPath, FieldTerm]]:
    terms = FieldSelector.of(selector).terms
    try:
        return [(FieldPath(term.field), term) for term in terms]
    except ValueError as error:
        raise SelectorError(f"field selector {str(selector)!r}: {error}") from None


def _holds(entry: Entry, path: FieldPath, term: FieldTerm) -> bool:
    try:
        found = path.read(entry.body) or ("",)
    except ValueError:
        return True  # who looks at it hears what is wrong with it: it must not be missing in silence
    return (term.value in found) is not term.negated


def _not_found(resource: Resource, key: ObjectKey) -> NotFoundError:
    """What client-go's listers answer: resources are named by the kind, in lower case and singular."""
    kind = resource.kind.lower()
    qualified = f"{kind}.{resource.group}" if resource.group else kind
    place = f" in the cache of namespace {key.namespace!r}" if key.namespace else " in the cache"
    return NotFoundError(
        Status(
            code=404,
            reason="NotFound",
            message=f'{qualified} "{key.name}" not found{place}',
            details=StatusDetails(name=key.name, group=resource.group, kind=kind),
        )
    )
