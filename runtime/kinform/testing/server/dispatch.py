"""From a request's path and method to the verb that it means, and back to an HTTP answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

from kinform.testing.server import refusals
from kinform.testing.server.address import Address
from kinform.testing.server.admission import WriteOptions
from kinform.testing.server.asking import Asking
from kinform.testing.server.connection import BODY_LIMIT
from kinform.testing.server.documents import encode
from kinform.testing.server.options import ListOptions, parse_flag
from kinform.testing.server.patches import APPLY_PATCH
from kinform.testing.server.refusals import Refusal
from kinform.testing.server.requests import RecordedRequest
from kinform.testing.server.resources import EVICTION
from kinform.testing.server.shaping import CutError
from kinform.testing.server.watching import Ending, OpenWatch, WatchSession

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from kinform.testing.server.address import Answer
    from kinform.testing.server.connection import Request
    from kinform.testing.server.discovery import Discovery
    from kinform.testing.server.eviction import Evictions
    from kinform.testing.server.requests import RequestLog
    from kinform.testing.server.resources import Registry
    from kinform.testing.server.storage import Storage
    from kinform.testing.server.verbs import Verbs
    from kinform.testing.server.watching import WatchSettings, WatchTable
    from kinform.testing.server.writes import Writes

__all__ = ["Dispatcher"]

A = TypeVar("A", bound=Asking)

_COLLECTION_VERBS: Final[Mapping[str, str]] = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}
_OBJECT_VERBS: Final[Mapping[str, str]] = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_SUBRESOURCE_VERBS: Final[Mapping[str, str]] = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch"}
_READING: Final = frozenset({"get", "list", "watch"})
_TABLE: Final = "Table"
_PARTIAL: Final = ("PartialObjectMetadata", "PartialObjectMetadataList")
_OF_NAMESPACES: Final = frozenset({"status", "finalize"})  # subresources of the resource "namespaces" itself


class Dispatcher(Generic[A]):
    """Answers requests; called by many threads at once. Its parts are plain attributes: wiring, not policy.

    Args:
        intercept: Sees each request once it is recorded, with where it leads (None: to no resource), and says whether
            it has answered it.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        storage: Storage,
        verbs: Verbs,
        writes: Writes,
        evictions: Evictions,
        discovery: Discovery,
        watches: WatchTable,
        log: RequestLog,
        settings: WatchSettings,
        intercept: Callable[[A, RecordedRequest, Address | None], bool],
    ) -> None:
        self.settings = settings
        self._registry = registry
        self._storage = storage
        self._verbs = verbs
        self._writes = writes
        self._evictions = evictions
        self._discovery = discovery
        self._watches = watches
        self._log = log
        self._intercept = intercept

    def __call__(self, exchange: A) -> None:
        """Answers one request.

        Raises:
            OSError: The client went away, or a fault cuts the connection.
        """
        request = exchange.request
        record = RecordedRequest(
            method=request.method,
            path=request.path,
            query=request.query,
            headers={name: value for name, value in request.headers.items() if name != "authorization"},
            body=request.body or b"",
        )
        at: Address | Refusal | None
        try:
            at = self._locate(request.segments)
            record.verb = _verb_of(request, at) if at else ""
        except Refusal as refusal:
            at = refusal
        self._log.add(record)
        try:
            if self._intercept(exchange, record, None if isinstance(at, Refusal) else at):
                return
            if isinstance(at, Refusal):
                raise at
            if at is None:
                self._answer_about_itself(exchange, record)
            else:
                self._answer_verb(exchange, record, at)
        except Refusal as refusal:
            self._log.answer(record, refusal.code)
            later = [] if refusal.retry_after is None else [("Retry-After", str(refusal.retry_after))]
            exchange.respond(refusal.code, refusal.body, headers=later)

    # ---- where to

    def _locate(self, segments: tuple[str, ...]) -> Address | None:
        """What a path names; None for what is no resource."""
        match segments:
            case ["api", version, *rest] if rest:
                group = ""
            case ["apis", group, version, *rest] if rest:
                pass
            case _:
                return None
        namespace = ""
        if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in _OF_NAMESPACES:
            _, namespace, *rest = rest
        served = self._registry.get(group, version, rest[0])
        if served is None and not self._registry.has_group_version(group, version):
            return None
        if served is None or len(rest) > 3 or "" in rest or (namespace and not served.resource.namespaced):
            raise refusals.no_such_path()
        name, subresource, *_ = [*rest[1:], "", ""]
        if name and served.resource.namespaced and not namespace:
            raise refusals.no_such_path()
        return Address(served, namespace, name, subresource)

    # ---- answers

    def _answer_about_itself(self, exchange: A, record: RecordedRequest) -> None:
        request = exchange.request
        host, accept = (request.headers.get(name, "") for name in ("host", "accept"))
        found = self._discovery.answer(request.segments, host, accept)
        if found is None and self._registry.versions(_group_of(request.segments)):
            raise refusals.no_such_path()
        if found is None:
            self._log.answer(record, 404)
            exchange.respond(404, b"404 page not found\n", content_type="text/plain; charset=utf-8")
        elif request.method != "GET":
            raise refusals.method_not_allowed()
        else:
            self._log.answer(record, 200)
            content_type, body = found
            exchange.respond(200, body, content_type=content_type)

    def _answer_verb(self, exchange: A, record: RecordedRequest, at: Address) -> None:
        if at.subresource and not at.served.has_subresource(at.subresource):
            raise refusals.no_such_path()
        if not record.verb:
            raise refusals.method_not_allowed()
        form = _wanted_form(exchange.request, record.verb, at)
        at = at._replace(partial=form in _PARTIAL, table=form == _TABLE)
        if record.verb == "watch":
            self._watch(exchange, record, at)
            return
        answer = self._perform(exchange, record.verb, at)
        self._log.answer(record, answer.code)
        if self.settings.gzip and record.verb in {"get", "list"}:
            exchange.compress()
        warnings = [("Warning", f"299 - {encode(each).decode()}") for each in answer.warnings]
        exchange.respond(answer.code, answer.body, headers=warnings)

    def _perform(self, exchange: A, verb: str, at: Address) -> Answer:
        request = exchange.request
        body, query, agent = request.body, request.query, request.headers.get("user-agent", "")
        if body is None:
            raise refusals.too_large_body(BODY_LIMIT)
        match verb:
            case "create" if at.subresource == EVICTION:
                _check_content_type(request)
                return self._evictions.evict(at, query, body)
            case _ if at.subresource == EVICTION:
                raise refusals.method_not_allowed()
            case "get":
                return self._verbs.get(at, query, lambda: exchange.abandoned)
            case "list":
                options = self._options(at, query)
                return self._verbs.list(at, options, lambda: exchange.abandoned)
            case "create" if not at.subresource:
                _check_content_type(request)
                return self._writes.create(at, WriteOptions.parse(query, agent, "CreateOptions"), body)
            case "update":
                _check_content_type(request)
                return self._writes.update(at, WriteOptions.parse(query, agent, "UpdateOptions"), body)
            case "patch":
                content_type = _media_type(request.headers.get("content-type", ""))
                applies = content_type == APPLY_PATCH
                writing = WriteOptions.parse(query, agent, "PatchOptions", applies=applies)
                if applies:
                    return self._writes.apply(at, writing, body)
                return self._writes.patch(at, writing, content_type, body)
            case "delete":
                return self._verbs.delete(at, query, body)
            case "deletecollection":
                options = self._options(at, query)
                return self._verbs.delete_collection(at, options, query, body)
            case _:
                raise refusals.method_not_allowed()

    def _options(self, at: Address, query: Mapping[str, str]) -> ListOptions:
        """What a list or watch asks for; field selectors name only what the resource has selectable.

        Raises:
            Refusal: 400, 422.
        """
        options = ListOptions.parse(query, self.settings.watch_list)
        for term in options.fields.terms:
            if not at.served.selects(term.field):
                raise refusals.unselectable(term.field, plainly=not (at.served.custom or at.served.selectable))
        return options

    def _watch(self, exchange: A, record: RecordedRequest, at: Address) -> None:
        pieces = self._events(exchange, record, at)
        next(pieces)  # now it has its place in history
        exchange.stream(pieces)

    def _events(self, exchange: A, record: RecordedRequest, at: Address) -> Generator[bytes]:
        """A watch: the first piece, which is empty, comes when it has begun; it lasts until the generator is closed.

        Raises:
            Refusal: In place of the first piece.
            CutError: At the end, where it breaks off.
        """
        options = self._options(at, record.query)
        session = WatchSession(self._storage, self._verbs.collection(at.served), at, options, self.settings)
        with self._storage.lock:
            initial = session.open(exchange)
            revision = self._storage.revision
            self._log.answer(record, 200)
            self._watches.add(session, OpenWatch(at.served.resource, at.namespace, record.query))
        if self.settings.gzip and session.is_watch_list:
            exchange.compress()
        try:
            yield b""
            ending = yield from session.pieces(exchange, initial, revision)
        finally:
            self._watches.remove(session)
        if ending is Ending.CUT:
            raise CutError


def _group_of(segments: tuple[str, ...]) -> str:
    """The named group that a path lies in, or one that nobody serves."""
    return segments[1] if len(segments) > 1 and segments[0] == "apis" else "/"


def _verb_of(request: Request, at: Address) -> str:
    """The verb as Kubernetes calls it; ``""`` where the method is not allowed there."""
    if at.name:
        verbs = _SUBRESOURCE_VERBS if at.subresource else _OBJECT_VERBS
        return verbs.get(request.method, "")
    verb = _COLLECTION_VERBS.get(request.method, "")
    if verb == "list":
        return "watch" if parse_flag(request.query.get("watch")) else "list"
    everywhere = at.served.resource.namespaced and not at.namespace
    return "" if everywhere else verb


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def _check_content_type(request: Request) -> None:
    if _media_type(request.headers.get("content-type") or "application/json") != "application/json":
        raise refusals.unsupported_media_type("application/json")


def _wanted_form(request: Request, verb: str, at: Address) -> str:
    """As what objects are to be read, ``""`` for what they are: the first wish that can be fulfilled decides.

    Forms such as protobuf, or tables of built-in kinds, may be preferred, but not demanded.

    Raises:
        Refusal: There is none (406).
    """
    for wish in request.headers.get("accept", "*/*").split(","):
        kind, *parameters = (part.strip() for part in wish.split(";"))
        forms = [each.removeprefix("as=") for each in parameters if each.startswith("as=")]
        if kind.lower() not in {"application/json", "application/*", "*/*"}:
            continue
        if not forms:
            return ""
        if "g=meta.k8s.io" not in parameters or "v=v1" not in parameters or verb not in _READING:
            continue
        if forms[0] == _TABLE and at.served.custom and not at.subresource:
            return _TABLE
        if forms[0] in _PARTIAL:
            if (forms[0] == _PARTIAL[1]) is not (verb == "list"):
                raise refusals.not_of_that_form(forms[0], "a list" if verb == "list" else "not a list")
            return forms[0]
    raise refusals.not_acceptable()
