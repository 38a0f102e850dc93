"""The base of generated fake clientsets."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Final, Self

from kinform.client import ClientsetBase
from kinform.clock import SYSTEM_CLOCK
from kinform.testing.fake_clientset.cluster import FakeCluster
from kinform.testing.server.definitions import CUSTOM_RESOURCE_DEFINITIONS
from kinform.testing.server.documents import decode, wire_of
from kinform.testing.server.resources import ServedResource, resources_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kinform.clock import Clock
    from kinform.meta import Resource, WireObject
    from kinform.testing.fake_clientset.actions import Action
    from kinform.testing.fake_clientset.reactions import Reactor, WatchReactor
    from kinform.testing.fake_clientset.tracker import ObjectTracker
    from kinform.transport import ApiClient

__all__ = ["FakeClientsetBase"]

_VERBS: Final = ("get", "list", "create", "update", "patch", "delete", "deletecollection")
_READING: Final = frozenset({"get", "list", "watch"})


class FakeClientsetBase(ClientsetBase):
    """A clientset over a cluster in memory: no network, no threads (client-go: ``fake.NewClientset``).

    The base of the generated ``FakeClientset``, which is a ``Clientset`` and goes wherever one goes. Its requests are
    answered by what answers those of ``kinform.testing.Server``, so that everything is as there: one resourceVersion
    over everything, conflicts, generation, finalizers, the status apart, selectors, all kinds of patches, watches that
    begin where a list has ended. Factories run on it: ``SharedInformerFactory(fake.client)``.

    Each request is recorded, then offered to reactors, then to the tracker, which holds the objects. Objects go in and
    come out as copies. Names and uids that are made are the same in each run. Thread-safe.

    Args:
        objects: What is there from the start, as ``ObjectTracker.add`` takes it; models or JSON as mappings.
            CustomResourceDefinitions among them take effect.
        openapi: As ``Server``'s: what merges and types of built-in kinds go by.
        strict: As ``Server``'s: a namespace must exist before something is created in it.
        garbage_collection: As ``Server``'s: what has owners goes with them, at once.
        clock: What timestamps and the ends of watches go by; ``kinform.testing.VirtualClock`` serves.

    Raises:
        AlreadyExistsError: Two objects have one name.
        LookupError: The kind of an object is not among those of the package.
        ValueError: An object has no name, or its namespace does not go with its kind.
    """

    resource_package: ClassVar[str]
    """The package whose ``Resource`` constants are served."""
    resources_without_status: ClassVar[tuple[Resource, ...]] = ()
    """Custom resources without a status subresource."""

    def __init__(
        self,
        *objects: WireObject | Mapping[str, object],
        openapi: Path | str | Mapping[str, object] | None = None,
        strict: bool = False,
        garbage_collection: bool = False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        cluster = FakeCluster(openapi=openapi, strict=strict, garbage_collection=garbage_collection, clock=clock)
        self._join(cluster, objects)
        cluster.core.make_namespaces()

    @classmethod
    def sharing(cls, fake: FakeClientsetBase, *objects: WireObject | Mapping[str, object]) -> Self:
        """A clientset of this package over the cluster of another: objects, actions and reactors are the same.

        ``acme_widgets.testing.FakeClientset.sharing(fake, widget)`` reads and writes widgets beside the built-in kinds
        of ``fake``.

        Args:
            fake: Of any package.
            objects: What is there besides.

        Raises:
            As the constructor.
        """
        shared = cls.__new__(cls)
        shared._join(fake._cluster, objects)  # noqa: SLF001  (of its own kind)
        return shared

    def _join(self, cluster: FakeCluster, objects: tuple[WireObject | Mapping[str, object], ...]) -> None:
        self._cluster = cluster
        super().__init__(cluster.client)
        for served in _served(self.resource_package, self.resources_without_status):
            cluster.core.register(served)
        wires = [wire_of(obj) for obj in objects]
        for first in (True, False):  # definitions before what they define
            for wire in wires:
                tree = decode(wire)
                if isinstance(tree, dict) and (tree.get("kind") == CUSTOM_RESOURCE_DEFINITIONS.kind) is first:
                    if first:
                        cluster.core.serve_definitions()
                    cluster.tracker.add(tree)

    # ---- objects

    @property
    def tracker(self) -> ObjectTracker:
        """The objects, past every rule of the API."""
        return self._cluster.tracker

    def client(self) -> ApiClient:
        """An ``ApiClient`` of this cluster, for factories, dynamic clients and whatever else takes one.

        Uncalled it serves as well, as ``kinform.connect`` does.
        """
        return self._cluster.client

    # ---- actions

    @property
    def actions(self) -> list[Action]:
        """All requests so far, in order, those of informers among them; what discovery asks is none of them."""
        return self._cluster.actions.all()

    @property
    def writes(self) -> list[Action]:
        """Those of ``actions`` that are meant to change something: all but get, list and watch."""
        return [action for action in self.actions if action.verb not in _READING]

    def clear_actions(self) -> None:
        """Empties ``actions``."""
        self._cluster.actions.clear()

    def wait_for_actions(self, verb: str, resource: str, *, count: int = 1, timeout: float = 10.0) -> list[Action]:
        """Blocks until ``actions`` holds so many of a kind, and returns these.

        Args:
            verb: As for :meth:`prepend_reactor`.
            resource: As for :meth:`prepend_reactor`.
            count: How many, at least.
            timeout: Seconds.

        Raises:
            TimeoutError: There were not in time; the message tells what there was.
            ValueError: There is no such verb or resource.
        """
        self._check(verb, resource, (*_VERBS, "watch"))
        return self._cluster.actions.await_count(lambda action: action.matches(verb, resource), count, timeout)

    # ---- reactors

    def prepend_reactor(self, verb: str, resource: str, react: Reactor) -> None:
        """Has a reactor asked before all others, and before the tracker (client-go: ``PrependReactor``).

        Args:
            verb: As actions have it, or ``"*"``. Watches have reactors of their own.
            resource: The plural; ``"pods/status"`` for that subresource alone, ``"pods"`` for all of a pod, ``"*"`` for
                everything.
            react: What says what comes of it.

        Raises:
            ValueError: There is no such verb or resource: it would never be asked.
        """
        self._check(verb, resource, _VERBS)
        self._cluster.reactors.prepend(verb, resource, react)

    def add_reactor(self, verb: str, resource: str, react: Reactor) -> None:
        """Has a reactor asked after all others (client-go: ``AddReactor``); the rest is as for ``prepend_reactor``.

        It comes behind the tracker, and that deals with all that the server in a box does: left are subresources that
        it has not, such as ``pods/binding`` and ``serviceaccounts/token``.

        Raises:
            ValueError: As ``prepend_reactor``.
        """
        self._check(verb, resource, _VERBS)
        self._cluster.reactors.append(verb, resource, react)

    def prepend_watch_reactor(self, resource: str, react: WatchReactor) -> None:
        """Has a reactor asked before the tracker when a watch begins (client-go: ``PrependWatchReactor``).

        Args:
            resource: The plural, or ``"*"``.
            react: What says what comes of it.

        Raises:
            ValueError: There is no such resource.
        """
        self._check("watch", resource, ("watch",))
        self._cluster.watch_reactors.prepend("watch", resource, react)

    def _check(self, verb: str, resource: str, verbs: tuple[str, ...]) -> None:
        if verb not in {"*", *verbs}:
            mend = " (watches have reactors of their own: prepend_watch_reactor)" if verb == "watch" else ""
            raise ValueError(f"{verb!r} is no verb here{mend}: known are {', '.join(verbs)} and *")
        plural = resource.partition("/")[0]
        known = {served.resource.plural for served in self._cluster.core.registry}
        if plural not in {"*", *known}:
            raise ValueError(
                f"no resource {plural!r} is served here, so this would never happen: resources go by their plural,"
                " without a group, and custom ones are there once their definition is"
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {len(self.actions)} actions>"


@lru_cache
def _served(package: str, without_status: tuple[Resource, ...]) -> tuple[ServedResource, ...]:
    return tuple(
        ServedResource.of(resource, status=False if resource in without_status else None)
        for resource in resources_in(package)
    )
