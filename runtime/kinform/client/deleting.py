"""The verbs that delete: one object, or all of a selection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from kinform.client.resource import UNREADABLE, ResourceClient, T, read, selection

if TYPE_CHECKING:
    from kinform.client.options import Preconditions, PropagationPolicy
    from kinform.selectors import FieldSelector, LabelSelectorLike

__all__ = ["CollectionDeletable", "Deletable"]


class _Kind(msgspec.Struct):
    kind: str = ""


_decode_kind = msgspec.json.Decoder(_Kind).decode


def _options(
    propagation: PropagationPolicy | None,
    grace_period_seconds: int | None,
    preconditions: Preconditions | None,
    *,
    dry_run: bool,
) -> bytes:
    options: dict[str, object] = {"kind": "DeleteOptions", "apiVersion": "v1"}
    if propagation is not None:
        options["propagationPolicy"] = propagation.value
    if grace_period_seconds is not None:
        options["gracePeriodSeconds"] = grace_period_seconds
    if preconditions is not None:
        given = {"uid": preconditions.uid, "resourceVersion": preconditions.resource_version}
        options["preconditions"] = {name: value for name, value in given.items() if value is not None}
    if dry_run:
        options["dryRun"] = ["All"]
    return msgspec.json.encode(options)


class Deletable(ResourceClient[T]):
    """``delete``."""

    def delete(
        self,
        name: str,
        *,
        propagation: PropagationPolicy | None = None,
        grace_period_seconds: int | None = None,
        preconditions: Preconditions | None = None,
        dry_run: bool = False,
    ) -> T | None:
        """Deletes an object, or asks for that: finalizers and a grace period may keep it. Blocks.

        Args:
            name: The object's name.
            propagation: What becomes of its dependents; None: what the kind does by default.
            grace_period_seconds: Time to end well; 0: at once; None: what the object says.
            preconditions: Delete only that very object, or only if it has not changed.
            dry_run: Do everything but delete it.

        Returns:
            The object where the server returns it: always while it goes on to exist. None where it answers with a
            mere success.

        Raises:
            NotFoundError: There is none.
            ConflictError: A precondition does not hold.
            ValueError: The client is for all namespaces, or the name is empty.
            ApiStatusError, TransportError: As for every request.
        """
        path = self._path(name)
        options = _options(propagation, grace_period_seconds, preconditions, dry_run=dry_run)
        body = self._send("DELETE", path, [], options)
        try:
            if _decode_kind(body).kind == "Status":
                return None
        except UNREADABLE:
            pass  # reading it as the object says what is wrong with it
        return read(self._model, body, f"DELETE {path}")


class CollectionDeletable(ResourceClient[T]):
    """``delete_collection``."""

    def delete_collection(
        self,
        *,
        label_selector: LabelSelectorLike = "",
        field_selector: str | FieldSelector | None = None,
        propagation: PropagationPolicy | None = None,
        grace_period_seconds: int | None = None,
        dry_run: bool = False,
    ) -> None:
        """Deletes the objects of a selection; **without a selector all** of the client's namespace. Blocks.

        Args:
            label_selector: Only objects with such labels: text (``""``: all), or a selector.
            field_selector: Only objects with such fields.
            propagation: As for ``delete``.
            grace_period_seconds: As for ``delete``.
            dry_run: Do everything but delete them.

        Raises:
            SelectorError: A selector does not parse.
            ValueError: The client is for all namespaces: no API deletes over these.
            ApiStatusError, TransportError: As for every request.
        """
        query = selection(label_selector, field_selector)
        path = self._resource.path(self._one(self._namespace))
        self._send("DELETE", path, query, _options(propagation, grace_period_seconds, None, dry_run=dry_run))
