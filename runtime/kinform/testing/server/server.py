"""The server as a test holds it: its life, its objects, its log, and the trouble it can be asked to make."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING, Final, Literal, Self, TypeVar, overload

from kinform.clock import SYSTEM_CLOCK
from kinform.testing._manifests import definitions_in
from kinform.testing.server.access import Access
from kinform.testing.server.core import Core
from kinform.testing.server.effects import Cut, Refuse
from kinform.testing.server.faults import Fault, FaultBoard, matcher
from kinform.testing.server.serving import Serving
from kinform.testing.server.trouble import Trouble
from kinform.testing.server.watching import Ending

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping
    from datetime import timedelta
    from pathlib import Path
    from types import TracebackType

    from kinform.clock import Clock
    from kinform.meta import Resource, WireObject
    from kinform.testing._manifests import Manifest
    from kinform.testing.server.connection import Exchange
    from kinform.testing.server.documents import JsonObject
    from kinform.testing.server.effects import Effect
    from kinform.testing.server.fault_plan import FaultPlan
    from kinform.testing.server.faults import RequestMatcher
    from kinform.testing.server.requests import RecordedRequest
    from kinform.testing.server.resources import ServedResource
    from kinform.testing.server.watching import OpenWatch
    from kinform.transport import ApiClient

    W = TypeVar("W", bound=WireObject)

__all__ = ["Server"]

_ENDINGS: Final = {"clean": Ending.CLEAN, "cut": Ending.CUT, "expired": Ending.EXPIRED}


class Server:
    """An API server in this process: real HTTP (or HTTPS) on a loopback port, all state in memory.

    Use it as a context manager, or call ``start`` and ``stop``. All methods are thread-safe. What it does and does not
    do is told by the package, ``kinform.testing.server``.

        with Server(resources=[PODS]) as server:
            server.put(pod)
            clientset = Clientset(server.client())

    Args:
        resources: What it serves: ``Resource`` constants of a generated package (``resources_in`` finds them all), or
            ``ServedResource`` to say how one behaves. Others answer 404; see ``register`` and ``install``.
        openapi: An OpenAPI v3 document of the built-in kinds, or its file: ``openapi/v1.37.json``, or what
            ``kinform-codegen capture`` makes. Strategic merge patches and server-side apply go by it, and ``/openapi``
            publishes it. Without one they go by rules for the well-known lists.
        strict: A namespace must exist before something is created in it; the usual four exist from the start.
        garbage_collection: What has owners goes with them, propagation policies count, and a namespace that is deleted
            takes its objects along: at once, where a cluster's controllers take their time.
        watch_list: What becomes of streaming lists: ``"on"``, ``"off"`` (422, as on servers that have them switched
            off), ``"ignored"`` (no end bookmark ever, as on servers that never heard of them).
        history: How many changes each resource remembers; a watch or page that needs older ones gets 410.
        expired_watches: How a watch that starts too far back is refused: ``"event"`` (200, then an ERROR event, as a
            kube-apiserver answers from its cache) or ``"http"`` (HTTP 410).
        bookmark_interval: Seconds between the bookmarks of a watch that asks for them; see also ``send_bookmarks``.
        freshness_timeout: Seconds that a read waits for a resourceVersion the server has not reached, before 504.
        gzip: Lists and streaming lists go out compressed where the client takes that, as from kube-apiservers (these
            from v1.37 on, and only from 128 KiB on): each flush of a stream is a gzip member of its own.
        faults: Which requests suffer what; see ``FaultPlan``, and ``follow`` to begin later.
        version: The Kubernetes version that ``/version`` shows; before v1.30 there is no aggregated discovery.
        host: The address to listen on. Anything but loopback lets everyone in, unless they are asked who they are.
        port: The port; 0 takes a free one, which then stays the same over ``restart``.
        tls: It speaks HTTPS, by a certificate of an authority of its own, which ``client`` and ``kubeconfig`` trust.
        token: A bearer token without which requests get 401; ``client`` and ``kubeconfig`` carry it. It is compared,
            nothing more: there are no users, and who is let in may do everything.
        client_certificates: Requests get 401 unless the connection shows a certificate of the server's authority, or
            they the token, where there is one; ``client`` and ``kubeconfig`` carry it. Needs ``tls``.
        clock: What timestamps, bookmarks and time-outs go by; ``kinform.testing.VirtualClock`` serves.

    Raises:
        ValueError: Two versions of a resource contradict each other, ``version`` is none, the token cannot be sent, or
            client certificates are asked for without TLS.
        ModuleNotFoundError: TLS needs the package ``cryptography`` (extra ``testing``).
    """

    def __init__(
        self,
        resources: Iterable[Resource | ServedResource] = (),
        *,
        openapi: Path | str | Mapping[str, object] | None = None,
        strict: bool = False,
        garbage_collection: bool = False,
        watch_list: Literal["on", "off", "ignored"] = "on",
        history: int = 10_000,
        expired_watches: Literal["event", "http"] = "event",
        bookmark_interval: float = 60.0,
        freshness_timeout: float = 3.0,
        gzip: bool = False,
        faults: FaultPlan | None = None,
        version: str = "v1.37.0",
        host: str = "127.0.0.1",
        port: int = 0,
        tls: bool = False,
        token: str | None = None,
        client_certificates: bool = False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._access = Access(host, tls=tls, token=token, client_certificates=client_certificates)
        self._faults = FaultBoard()
        if faults is not None:
            self._faults.follow(faults)
        self._core: Core[Exchange] = Core(
            lambda core: Trouble(self._access, self._faults, core.log, core.storage),
            openapi=openapi,
            strict=strict,
            garbage_collection=garbage_collection,
            watch_list=watch_list,
            history=history,
            expired_watches=expired_watches,
            bookmark_interval=bookmark_interval,
            freshness_timeout=freshness_timeout,
            gzip=gzip,
            version=version,
            clock=clock,
            rng=random.Random(),  # noqa: S311  (names, no secrets)
        )
        self._storage = self._core.storage
        self._watches = self._core.watches
        self._log = self._core.log
        self._serving = Serving((host, port), self._access, self._core.dispatch, self._storage.wake)
        for resource in resources:
            self.register(resource)
        self._core.make_namespaces()

    # ---- life

    def start(self) -> None:
        """Begins to serve.

        Raises:
            RuntimeError: It is serving already.
            OSError: The port is taken.
        """
        self._serving.start()

    def stop(self) -> None:
        """Stops serving, breaks all connections and waits for their threads. The objects stay; safe to call twice.

        Raises:
            RuntimeError: A thread is stuck; the message names it.
        """
        try:
            self._serving.pause()
        finally:
            self._access.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @contextlib.contextmanager
    def outage(self, *, keep_history: bool = True) -> Generator[None]:
        """Breaks all connections and refuses new ones for the duration of the block; then serves on the same port.

        Args:
            keep_history: False: the changes so far are forgotten meanwhile (as by ``compact``), so watches cannot be
                resumed: 410.
        """
        with self._serving.outage():
            try:
                yield
            finally:
                if not keep_history:
                    self.compact()

    def restart(self, *, keep_history: bool = True) -> None:
        """An ``outage`` of no length."""
        with self.outage(keep_history=keep_history):
            pass

    @property
    def url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:34567``.

        Raises:
            RuntimeError: It has never been started, so that the port is not known.
        """
        return self._serving.url

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return self._serving.connections

    # ---- its clients

    def client(self, *, lifetime: timedelta | None = None) -> ApiClient:
        """An ``ApiClient`` of the official ``kubernetes`` package that talks to this server, with all credentials.

        ``stop`` closes its idle connections, and removes the files of its certificates. Uncalled, ``server.client`` is
        what factories call again when they are refused.

        Args:
            lifetime: For how long a client certificate is good; None: for longer than any test.
        """
        return self._access.client(self.url, lifetime)

    def kubeconfig(self, *, lifetime: timedelta | None = None) -> str:
        """The text of a kubeconfig file (JSON, which is YAML) whose current context is this server.

        It holds all credentials itself: keep it from others if it has some.

        Args:
            lifetime: As for ``client``.
        """
        return self._access.kubeconfig(self.url, lifetime)

    def set_token(self, token: str) -> None:
        """Asks for another token from now on, as after a rotation: what carries the old one gets 401.

        Clients and kubeconfigs made from now on carry the new one. Open watches go on.

        Raises:
            ValueError: HTTP cannot carry it.
        """
        self._access.set_token(token)

    # ---- what it serves

    def register(self, resource: Resource | ServedResource) -> None:
        """Serves a resource from now on, as an installed CRD would.

        Raises:
            ValueError: Another version of it has another kind or scope.
        """
        self._core.register(resource)

    def install(self, *definitions: Manifest) -> None:
        """Installs CustomResourceDefinitions (or replaces them): what they define is served at once.

        Clients that create a definition have the same effect.

        Args:
            definitions: Models, JSON as mappings, files (YAML or JSON) or folders of these; of what else is in these
                nothing is installed.

        Raises:
            ValueError: One of them defines nothing that could be served, or a file cannot be understood.
            OSError: A file cannot be read.
        """
        self._core.serve_definitions()
        for definition in definitions_in(definitions):
            self.put(definition)

    def unregister(self, resource: Resource) -> None:
        """Serves it no longer: its watches end, requests get 404, and with its last version its objects go.

        Raises:
            LookupError: It is not served.
        """
        served = self._core.registry.remove(resource)
        for session in self._watches.sessions(resource):
            session.end(Ending.CLEAN)
        if not any(other.group_plural == served.group_plural for other in self._core.registry):
            self._storage.discard(served.group_plural)

    # ---- its objects

    @property
    def resource_version(self) -> str:
        """The resourceVersion of the latest change of any object."""
        return str(self._storage.revision)

    def put(self, obj: WireObject | Mapping[str, object]) -> JsonObject:
        """Creates an object or replaces it whole, status, finalizers and all, past every rule of the API.

        uid, creationTimestamp and generation are kept from what was there or made, where the object has none; a
        resourceVersion in it counts for nothing. Another uid than before is a deletion and a creation. Where nothing
        changes, nothing is written.

        Args:
            obj: A model, or JSON as a mapping; with apiVersion, kind, ``metadata.name`` and, for namespaced kinds,
                ``metadata.namespace``.

        Returns:
            The object as it is stored.

        Raises:
            LookupError: Its kind is not served.
            ValueError: It has no name, or its namespace does not go with the resource.
        """
        return self._core.put(obj)

    def delete(self, resource: Resource, name: str, namespace: str = "") -> None:
        """Removes an object at once, finalizers or not.

        Raises:
            LookupError: There is no such object, or its resource is not served.
        """
        self._core.shelf.delete(resource, name, namespace)

    def get(self, resource: Resource, name: str, namespace: str = "") -> JsonObject | None:
        """An object as JSON, or None.

        Raises:
            LookupError: The resource is not served.
        """
        return self._core.get(resource, name, namespace)

    @overload
    def objects(self, resource: Resource, *, namespace: str = "") -> list[JsonObject]: ...
    @overload
    def objects(self, resource: Resource, model: type[W], *, namespace: str = "") -> list[W]: ...
    def objects(
        self, resource: Resource, model: type[W] | None = None, *, namespace: str = ""
    ) -> list[JsonObject] | list[W]:
        """All objects of a resource, or those in one namespace, by namespace and name; as JSON or as models.

        Raises:
            LookupError: The resource is not served.
        """
        if model is None:
            return self._core.objects(resource, namespace=namespace)
        return self._core.objects(resource, model, namespace=namespace)

    # ---- its log

    @property
    def requests(self) -> list[RecordedRequest]:
        """The latest 10,000 requests, in order of arrival."""
        return self._log.list()

    def clear_requests(self) -> None:
        """Empties ``requests``."""
        self._log.clear()

    def wait_for_requests(self, which: RequestMatcher, count: int = 1, *, timeout: float = 10.0) -> None:
        """Blocks until ``requests`` holds at least so many of a kind.

        Raises:
            TimeoutError: It did not within ``timeout`` seconds.
        """
        self._log.await_count(count, matcher(which), timeout)

    @property
    def watches(self) -> list[OpenWatch]:
        """The watches that are open now."""
        return self._watches.list()

    def wait_for_watches(self, count: int = 1, *, resource: Resource | None = None, timeout: float = 10.0) -> None:
        """Blocks until just so many watches (of a resource) are open: then changes from now on reach them all.

        Raises:
            TimeoutError: They were not within ``timeout`` seconds.
        """
        self._watches.await_count(count, resource, timeout)

    # ---- trouble

    def compact(self) -> None:
        """Forgets all changes so far: continue tokens, exact lists and watches that need them get 410.

        A running watch that has kept up goes on.
        """
        self._storage.compact()

    def send_bookmarks(self, resource: Resource | None = None) -> int:
        """Has a bookmark sent, behind all events so far, on each open watch (of a resource) that allows them.

        Returns:
            On how many.
        """
        sessions = [session for session in self._watches.sessions(resource) if session.allows_bookmarks]
        for session in sessions:
            session.ask_bookmark()
        return len(sessions)

    def disconnect_watches(
        self, resource: Resource | None = None, *, how: Literal["clean", "cut", "expired"] = "clean"
    ) -> int:
        """Ends the open watches (of a resource).

        Args:
            resource: None means all.
            how: ``"clean"``: as after their time. ``"cut"``: the connection breaks in the middle of the body.
                ``"expired"``: an ERROR event with code 410 comes first.

        Returns:
            How many.
        """
        sessions = self._watches.sessions(resource)
        for session in sessions:
            session.end(_ENDINGS[how])
        return len(sessions)

    def fail_next(
        self,
        which: RequestMatcher,
        status: int = 500,
        *,
        retry_after: int | None = None,
        reason: str | None = None,
        message: str = "the test asked for this",
        times: int = 1,
    ) -> Fault:
        """Refuses the next requests of a kind with a ``Status``; nothing of what they ask is done.

        Args:
            which: A pattern for the path as in ``fnmatch`` (``"*/pods"``), or a predicate on the request.
            status: The HTTP status.
            retry_after: Seconds, for the ``Retry-After`` header and the ``Status``.
            reason: None takes the usual one of the status; ``""`` none.
            message: For people.
            times: How many requests.

        Returns:
            The fault: ``remaining`` tells how many it will still hit, ``cancel()`` takes it back.
        """
        return self._add_fault(Fault(matcher(which), Refuse(status, message, reason, retry_after), times))

    def cut_next(self, which: RequestMatcher, *, after_bytes: int | None = None, times: int = 1) -> Fault:
        """Breaks the connection of the next requests of a kind.

        Args:
            which: As in ``fail_next``.
            after_bytes: Bytes of the answer's body that still go out; None breaks it before the answer, with nothing
                done.
            times: How many requests.
        """
        return self._add_fault(Fault(matcher(which), Cut(after_bytes), times))

    def fault_next(self, which: RequestMatcher, effect: Effect, *, times: int = 1) -> Fault:
        """Has the next requests of a kind suffer an effect.

        Args:
            which: As in ``fail_next``.
            effect: Such as ``Stall(after_bytes=100)`` or ``Expire()``.
            times: How many requests.
        """
        return self._add_fault(Fault(matcher(which), effect, times))

    def follow(self, plan: FaultPlan) -> None:
        """Goes by a plan of faults from now on; ``plan.clear()`` ends that."""
        self._faults.follow(plan)

    def _add_fault(self, fault: Fault) -> Fault:
        self._faults.add(fault)
        return fault
