"""The server's refusals: ``Status`` bodies, shaped and worded as a kube-apiserver's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from kinform.testing.server.documents import encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kinform.meta import Resource
    from kinform.testing.server.documents import Json, JsonObject

__all__ = [
    "REASONS",
    "Cause",
    "Refusal",
    "already_exists",
    "bad_request",
    "conflict",
    "expired_continue",
    "expired_list",
    "expired_watch",
    "forbidden_parameter",
    "immutable",
    "internal",
    "internal_error",
    "invalid_causes",
    "invalid_object",
    "invalid_options",
    "malformed_resource_version",
    "method_not_allowed",
    "namespace_terminating",
    "no_such_path",
    "not_acceptable",
    "not_found",
    "not_of_that_form",
    "other_kind",
    "success",
    "too_large_body",
    "too_large_resource_version",
    "too_many_disruptions",
    "unauthorized",
    "unselectable",
    "unsupported_media_type",
    "unsupported_patch",
    "unsupported_value",
]

REASONS: Final[Mapping[int, str]] = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    406: "NotAcceptable",
    409: "Conflict",
    410: "Expired",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
"""The reason that usually goes with a code."""


class Refusal(Exception):  # noqa: N818  (an answer of the server, not a mishap of this program)
    """An answer other than success, raised by whoever finds the fault and written by the dispatcher.

    Args:
        code: The HTTP status.
        message: For people.
        reason: For programs; None takes the usual one of the code, ``""`` leaves it out.
        details: ``Status.details``; None leaves them out.
        next_token: ``Status.metadata.continue``.
        retry_after: Seconds, for ``details.retryAfterSeconds`` and the ``Retry-After`` header.
    """

    def __init__(
        self,
        code: int,
        message: str,
        *,
        reason: str | None = None,
        details: JsonObject | None = None,
        next_token: str = "",
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after
        status: JsonObject = {"kind": "Status", "apiVersion": "v1"}
        status["metadata"] = {"continue": next_token} if next_token else {}
        status |= {"status": "Failure", "message": message}
        if known := REASONS.get(code, "") if reason is None else reason:
            status["reason"] = known
        if retry_after is not None:
            details = {**(details or {}), "retryAfterSeconds": retry_after}
        if details is not None:
            status["details"] = details
        status["code"] = code
        self.body: bytes = encode(status)


def success(resource: Resource, name: str, uid: str) -> bytes:
    """The ``Status`` that tells of a deletion."""
    details = {**_about(name, resource.group, resource.plural), "uid": uid}
    return encode({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})


def _about(name: str, group: str, kind: str) -> JsonObject:
    return {"name": name, **({"group": group} if group else {}), "kind": kind}


def _qualified(name: str, group: str) -> str:
    return f"{name}.{group}" if group else name


# ---- about objects


def not_found(resource: Resource, name: str) -> Refusal:
    """404: there is no such object."""
    kind = _qualified(resource.plural, resource.group)
    return Refusal(404, f'{kind} "{name}" not found', details=_about(name, resource.group, resource.plural))


def already_exists(resource: Resource, name: str) -> Refusal:
    """409 on create."""
    kind = _qualified(resource.plural, resource.group)
    details = _about(name, resource.group, resource.plural)
    return Refusal(409, f'{kind} "{name}" already exists', reason="AlreadyExists", details=details)


def conflict(resource: Resource, name: str, why: str = "", *, by_kind: bool = False) -> Refusal:
    """409: the object is not in the state that the request asks for; ``by_kind`` names it as preconditions do."""
    kind = resource.kind if by_kind else resource.plural
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {_qualified(kind, resource.group)} "{name}": {why}'
    return Refusal(409, message, details=_about(name, resource.group, kind))


class Cause(NamedTuple):
    """One thing wrong with one field."""

    reason: str
    field: str
    message: str


def _invalid(kind: str, group: str, name: str, causes: Sequence[Cause]) -> Refusal:
    said = [f"{cause.field}: {cause.message}" for cause in causes]
    listed = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    about = _about(name, group, kind)
    if not name:
        del about["name"]
    told: list[Json] = [{"reason": c.reason, "message": c.message, "field": c.field} for c in causes]
    details: JsonObject = {**about, "causes": told}
    return Refusal(422, f'{_qualified(kind, group)} "{name}" is invalid: {listed}', details=details)


def invalid_object(resource: Resource, name: str, cause: Cause, *, by_plural: bool = False) -> Refusal:
    """422: a field of the object does not do."""
    return _invalid(resource.plural if by_plural else resource.kind, resource.group, name, [cause])


def invalid_causes(resource: Resource, name: str, causes: Sequence[Cause]) -> Refusal:
    """422: some fields of the object do not do."""
    return _invalid(resource.kind, resource.group, name, causes)


def immutable(resource: Resource, name: str, field: str, value: Json) -> Refusal:
    """422: a field that cannot be changed was."""
    why = f"Invalid value: {encode(value).decode()}: field is immutable"
    return invalid_object(resource, name, Cause("FieldValueInvalid", field, why))


def other_kind(kind: str, group: str, name: str, wanted: str) -> Refusal:
    """422: a custom resource of another kind than that of its path."""
    return _invalid(
        kind, group, name, [Cause("FieldValueInvalid", "kind", f'Invalid value: "{kind}": must be {wanted}')]
    )


def namespace_terminating(resource: Resource, name: str, namespace: str) -> Refusal:
    """403: nothing new in a namespace that is going."""
    kind = _qualified(resource.plural, resource.group)
    why = f"unable to create new content in namespace {namespace} because it is being terminated"
    cause: JsonObject = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    details: JsonObject = {**_about(name, resource.group, resource.plural), "causes": [cause]}
    return Refusal(403, f'{kind} "{name}" is forbidden: {why}', details=details)


# ---- about requests


def bad_request(message: str) -> Refusal:
    """400."""
    return Refusal(400, message)


def unauthorized() -> Refusal:
    """401: nobody that the server knows."""
    return Refusal(401, "Unauthorized")


def internal(message: str) -> Refusal:
    """500 without a reason, as a kube-apiserver answers what it has no better word for."""
    return Refusal(500, message, reason="")


def internal_error(why: str) -> Refusal:
    """500, as a kube-apiserver answers what went wrong inside it."""
    return Refusal(500, f"Internal error occurred: {why}", details={"causes": [{"message": why}]})


def no_such_path() -> Refusal:
    """404: the group-version is served, the resource is not."""
    return Refusal(404, "the server could not find the requested resource", details={})


def method_not_allowed() -> Refusal:
    """405."""
    return Refusal(405, "the server does not allow this method on the requested resource", details={})


def not_acceptable() -> Refusal:
    """406: the client takes nothing that this server can write."""
    return Refusal(406, "406: Not Acceptable\n\nAvailable representations: application/json", details={})


def not_of_that_form(wanted: str, found: str) -> Refusal:
    """406: the client wants one object as a list of them, or the other way round."""
    return Refusal(406, f"you requested {wanted}, but the requested object is {found}")


def unsupported_media_type(*accepted: str) -> Refusal:
    """415: the body is of a type that this server does not read."""
    known = ", ".join(accepted)
    return Refusal(415, f"the body of the request was in an unknown format - accepted media types include: {known}")


def unselectable(path: str, *, plainly: bool) -> Refusal:
    """400: selectors cannot name that field; ``plainly``: of a built-in kind that has none of its own."""
    if plainly:
        return bad_request(f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"')
    return bad_request(f"field label not supported: {path}")


def unsupported_patch() -> Refusal:
    """415: no such kind of patch, or not for this resource."""
    return Refusal(415, "415: Unsupported Media Type", details={})


def too_large_body(limit: int) -> Refusal:
    """413."""
    return Refusal(413, f"Request entity too large: limit is {limit}")


def forbidden_parameter(field: str, why: str) -> Cause:
    """A parameter that may not be there."""
    return Cause("FieldValueForbidden", field, f"Forbidden: {why}")


def unsupported_value(field: str, value: str, *supported: str) -> Cause:
    """A parameter with a value that is none of the known ones; ``value`` comes as it is to be shown."""
    known = ", ".join(f'"{each}"' for each in supported)
    return Cause("FieldValueNotSupported", field, f"Unsupported value: {value}: supported values: {known}")


def invalid_options(kind: str, causes: Sequence[Cause]) -> Refusal:
    """422: parameters that contradict each other or mean nothing; ``kind`` is ``ListOptions`` or one of its kin."""
    return _invalid(kind, "meta.k8s.io", "", causes)


def too_many_disruptions(why: str, *, retry_after: int | None = None) -> Refusal:
    """429: a disruption budget refuses an eviction."""
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    cause: JsonObject = {"reason": "DisruptionBudget", "message": why}
    return Refusal(429, message, details={"causes": [cause]}, retry_after=retry_after)


# ---- about resourceVersions


def malformed_resource_version(text: str, *, of_list: bool) -> Refusal:
    """A resourceVersion that is no number: 400 on a list, 500 (sic) on get and watch."""
    message = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
    return bad_request(f"invalid resource version: {message}") if of_list else internal(message)


def too_large_resource_version(wanted: int, current: int) -> Refusal:
    """504: the server has not come that far."""
    cause: JsonObject = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    message = f"Timeout: Too large resource version: {wanted}, current: {current}"
    return Refusal(504, message, details={"causes": [cause]}, retry_after=1)


def expired_watch(wanted: int, oldest: int) -> Refusal:
    """410: the changes after ``wanted`` are no longer all known."""
    return Refusal(410, f"too old resource version: {wanted} ({oldest})")


def expired_list() -> Refusal:
    """410: an exact list at a resourceVersion that cannot be rebuilt."""
    return Refusal(410, "The resourceVersion for the provided list is too old.")


def expired_continue(next_token: str) -> Refusal:
    """410: the continue token's list cannot be rebuilt; ``next_token`` goes on from its place in today's state."""
    message = (
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
        "modified, or deleted between the time the first chunk was returned and now may show up in the list."
    )
    return Refusal(410, message, next_token=next_token)
