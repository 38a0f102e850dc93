"""Every error that kinform raises: one tree, one root, and what the server said kept with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AbortedError",
    "AlreadyExistsError",
    "AmbiguousMatchError",
    "ApiStatusError",
    "BadRequestError",
    "CacheMutationError",
    "CacheNotSyncedError",
    "CacheResetError",
    "CacheSyncError",
    "CacheWaitTimeoutError",
    "ConfigurationError",
    "ConflictError",
    "ConflictingInformerError",
    "DiscoveryError",
    "EventsDroppedError",
    "ExpiredError",
    "ForbiddenError",
    "ForkedError",
    "FrameError",
    "IndexFunctionError",
    "InformerNotStartedError",
    "InformerStoppedError",
    "InternalServerError",
    "InvalidError",
    "KinformError",
    "LeadershipLostError",
    "MethodNotAllowedError",
    "NoMatchError",
    "NotCachedError",
    "NotFoundError",
    "SelectorError",
    "ServerTimeoutError",
    "ServiceUnavailableError",
    "ShutDown",
    "Status",
    "StatusCause",
    "StatusDetails",
    "TooManyRequestsError",
    "TransportError",
    "UnauthorizedError",
    "UndecodableObjectError",
    "VerbNotSupportedError",
    "status_error",
]


class KinformError(Exception):
    """The root of everything that kinform raises."""


# ---- what the API server said


class StatusCause(msgspec.Struct, frozen=True):
    """One cause in a ``Status``: which field, and why (``meta/v1.StatusCause``)."""

    reason: str = ""
    message: str = ""
    field: str = ""


class StatusDetails(msgspec.Struct, frozen=True, rename="camel"):
    """What a ``Status`` is about (``meta/v1.StatusDetails``)."""

    name: str = ""
    group: str = ""
    kind: str = ""
    uid: str = ""
    causes: tuple[StatusCause, ...] = ()
    retry_after_seconds: int = 0


class Status(msgspec.Struct, frozen=True):
    """The API server's ``Status`` object (``meta/v1.Status``)."""

    code: int = 0
    reason: str = ""
    message: str = ""
    details: StatusDetails = StatusDetails()


class ApiStatusError(KinformError):
    """The API server refused or failed a request.

    Attributes:
        status: What the server said; made up from the HTTP status line where its body held no ``Status``.
        retry_after: Seconds that the server asks to wait (``Retry-After`` header, else ``details.retryAfterSeconds``),
            a day at most, or None.
        request: The request as ``"GET /api/v1/pods"``, or ``""`` where there was none (a lister's miss).
    """

    def __init__(self, status: Status, *, request: str = "", retry_after: float | None = None) -> None:
        self.status = status
        self.request = request
        self.retry_after = retry_after
        said = status.message or status.reason or "no reason given"
        super().__init__(f"{request}: {status.code} {said}" if request else said)

    @property
    def code(self) -> int:
        """The HTTP status code."""
        return self.status.code

    @property
    def reason(self) -> str:
        """The machine-readable reason, such as ``"NotFound"``; ``""`` where the server gave none."""
        return self.status.reason


class BadRequestError(ApiStatusError):
    """400: the server does not understand the request."""


class UnauthorizedError(ApiStatusError):
    """401: the credentials are missing, wrong or expired."""


class ForbiddenError(ApiStatusError):
    """403: the credentials are known but may not do this."""


class NotFoundError(ApiStatusError):
    """404: there is no such object, or no such resource. Listers raise it for a miss, too."""


class MethodNotAllowedError(ApiStatusError):
    """405: the resource does not have this verb."""


class ConflictError(ApiStatusError):
    """409: the object has changed since its resourceVersion was read; read it again and retry."""


class AlreadyExistsError(ApiStatusError):
    """409: an object of that name exists already."""


class ExpiredError(ApiStatusError):
    """410: the resourceVersion or continue token is too old."""


class InvalidError(ApiStatusError):
    """422: the object or the request's parameters failed validation; ``status.details.causes`` names the fields."""


class TooManyRequestsError(ApiStatusError):
    """429: the server asks to slow down, or a disruption budget refuses an eviction; see ``retry_after``."""


class InternalServerError(ApiStatusError):
    """500: the server failed."""


class ServiceUnavailableError(ApiStatusError):
    """503: the server, or an aggregated API behind it, cannot serve now."""


class ServerTimeoutError(ApiStatusError):
    """504: the server could not answer in time; also "too large resource version"."""

    @property
    def is_too_large_resource_version(self) -> bool:
        """True where the server's cache has not reached the resourceVersion that was asked for."""
        causes = self.status.details.causes
        return (
            any(c.reason == "ResourceVersionTooLarge" or "Too large resource version" in c.message for c in causes)
            or "Too large resource version" in self.status.message
        )


_BY_REASON: Mapping[str, type[ApiStatusError]] = {
    "AlreadyExists": AlreadyExistsError,
    "Conflict": ConflictError,
    "Expired": ExpiredError,
    "Gone": ExpiredError,
    "Invalid": InvalidError,
    "NotFound": NotFoundError,
}
_BY_CODE: Mapping[int, type[ApiStatusError]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    405: MethodNotAllowedError,
    409: ConflictError,
    410: ExpiredError,
    422: InvalidError,
    429: TooManyRequestsError,
    500: InternalServerError,
    503: ServiceUnavailableError,
    504: ServerTimeoutError,
}


_LONGEST_WAIT: Final = 86_400.0


def status_error(status: Status, *, request: str = "", retry_after: float | None = None) -> ApiStatusError:
    """The error class that fits a ``Status``: by reason first (two 409s differ only there), then by code.

    A wait of more than a day is taken for a day: no clock could measure what some proxies ask for.
    """
    cls = _BY_REASON.get(status.reason) or _BY_CODE.get(status.code) or ApiStatusError
    if retry_after is None and status.details.retry_after_seconds > 0:
        retry_after = min(status.details.retry_after_seconds, _LONGEST_WAIT)
    return cls(status, request=request, retry_after=None if retry_after is None else min(retry_after, _LONGEST_WAIT))


# ---- the way to the server


class ConfigurationError(KinformError):
    """No usable kubeconfig or in-cluster configuration; the message says what was tried and how to mend it."""


class TransportError(KinformError):
    """The connection failed: refused, reset, timed out, cut in the middle, or TLS did not agree."""


class AbortedError(TransportError):
    """A request was ended from another thread, by ``stop()``."""


class FrameError(TransportError):
    """A watch stream held what cannot be a frame: too long, or cut off in the middle."""


# ---- what the server has


class DiscoveryError(KinformError):
    """What is served under a group and version could not be found out; the rest of discovery goes on without it."""


class NoMatchError(KinformError):
    """The server has no such resource or kind, as far as could be found out just now.

    (client-go: ``NoResourceMatchError``, ``NoKindMatchError``.)

    Attributes:
        near: What it has that looks alike.
    """

    def __init__(self, message: str, near: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.near = near


class AmbiguousMatchError(KinformError):
    """A name fits several resources (client-go: ``AmbiguousResourceError``, ``AmbiguousKindError``).

    Attributes:
        candidates: These, such as ``"widgets.example.com/v1"``.
    """

    def __init__(self, message: str, candidates: tuple[str, ...]) -> None:
        super().__init__(message)
        self.candidates = candidates


class VerbNotSupportedError(KinformError):
    """The server has the resource, but not with the verbs that were needed; no request was made."""


# ---- the cache


class InformerNotStartedError(KinformError):
    """A lister was read before its informer was started."""


class InformerStoppedError(KinformError):
    """The informer has been stopped; it does not start again."""


class CacheNotSyncedError(KinformError):
    """A lister was read before its informer's first sync: an empty answer would be a lie."""


class NotCachedError(KinformError):
    """The namespace lies outside what this informer watches."""


class CacheSyncError(KinformError):
    """``wait_for_cache_sync`` ended before every informer had synced.

    Attributes:
        missing: For each informer that is missing, its name and the last error it met (None: no error, no answer yet).
    """

    def __init__(self, message: str, missing: Mapping[str, Exception | None]) -> None:
        super().__init__(message)
        self.missing: dict[str, Exception | None] = dict(missing)


class CacheWaitTimeoutError(KinformError, TimeoutError):
    """``wait_for`` or ``wait_for_deleted`` reached its deadline before the cache caught up."""


class CacheResetError(KinformError):
    """A relist came back at a lower resourceVersion than the one waited for (an etcd restore): the wait has no end."""


class ConflictingInformerError(KinformError):
    """The same informer was asked for with other options: one watch cannot have two transforms."""


class UndecodableObjectError(KinformError):
    """An object cannot be read as its model: one from the cache, or the answer to a request.

    Of a cached one only its readers see this; the informer goes on.

    Attributes:
        key: The object's key, as text.
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key} cannot be decoded: {reason}")
        self.key = key


class IndexFunctionError(KinformError):
    """An index function raised: the object is in none of this index's buckets. Reported, never raised to a reader.

    Attributes:
        index: The index's name.
        key: The object's key, as text.
    """

    def __init__(self, index: str, key: str, reason: str) -> None:
        super().__init__(f"index {index!r} failed on {key}: {reason}")
        self.index = index
        self.key = key


class CacheMutationError(KinformError):
    """Someone changed a cached object, which is shared and read-only; ``lister.copy(key)`` gives one to change.

    Only the mutation detector finds this (``KINFORM_CACHE_MUTATION_DETECTOR=1``).

    Attributes:
        key: The object's key, as text.
        paths: The fields that were changed, such as ``("metadata.labels.app",)``.
    """

    def __init__(self, key: str, paths: tuple[str, ...]) -> None:
        super().__init__(
            f"the cached object {key} was changed in place at {', '.join(paths)}: objects of the cache are shared and "
            "read-only, change a lister's copy(key) instead"
        )
        self.key = key
        self.paths = paths


class ForkedError(KinformError):
    """The informer belongs to the parent process: its threads did not survive the fork, so its cache is frozen."""


class SelectorError(KinformError, ValueError):
    """A label or field selector does not parse; the message points at the place."""


# ---- leader election


class LeadershipLostError(KinformError):
    """This process led and leads no more, without having been told to stop: another may lead already.

    Whatever it has left running must end now; the sure way is to end the process.

    Attributes:
        lease: The lease, as ``"namespace/name"``.
    """

    def __init__(self, lease: str, reason: str) -> None:
        super().__init__(f"the lease {lease} is lost: {reason}")
        self.lease = lease


# ---- events


class EventsDroppedError(KinformError):
    """Events were lost: too many waited to be written, or the recorder stopped before. Reported, never raised.

    Attributes:
        count: How many occurrences.
    """

    def __init__(self, count: int, reason: str) -> None:
        super().__init__(f"{count} events dropped: {reason}")
        self.count = count


# ---- queues


class ShutDown(KinformError):  # noqa: N818  (asyncio.QueueShutDown and queue.ShutDown are its namesakes)
    """``get()`` on a work queue that has been shut down and has handed out everything it held."""

    MESSAGE: ClassVar[str] = "the queue is shut down"

    def __init__(self) -> None:
        super().__init__(self.MESSAGE)
