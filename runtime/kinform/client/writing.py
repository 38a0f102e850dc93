"""The verbs that write: create, update, patch and apply, of objects and of their status."""

from __future__ import annotations

from kinform.client.options import PatchBody, PatchType
from kinform.client.resource import ResourceClient, T, write_options

__all__ = ["Creatable", "Patchable", "Sendable", "StatusPatchable", "StatusUpdatable", "Updatable"]


class Creatable(ResourceClient[T]):
    """``create``."""

    def create(self, obj: T, *, dry_run: bool = False, field_manager: str | None = None) -> T:
        """Creates an object and returns it as the server stored it. Blocks.

        Args:
            obj: The object; where this client is for all namespaces, it names its own.
            dry_run: Do everything but store it.
            field_manager: Who owns the fields; unset: the first part of the ``User-Agent``.

        Raises:
            AlreadyExistsError: There is one of that name.
            InvalidError: It is not valid; ``status.details.causes`` names the fields.
            ValueError: The client's namespace and the object's contradict each other, or there is none.
            ApiStatusError, TransportError: As for every request.
        """
        path = self._resource.path(self._namespace_of(obj))
        query = write_options(dry_run=dry_run, field_manager=field_manager)
        return self._ask(self._model, "POST", path, query, body=obj.to_wire())


class Sendable(ResourceClient[T]):
    """``create``, for kinds that tell the server what to do and are not kept: ``Binding``."""

    def create(self, obj: T, *, dry_run: bool = False, field_manager: str | None = None) -> None:
        """Has the server do what the object says. It answers with a mere success, so nothing is returned. Blocks.

        Args:
            obj: What to do; where this client is for all namespaces, it names its own.
            dry_run: Check everything, but do not do it.
            field_manager: Who owns the fields; unset: the first part of the ``User-Agent``.

        Raises:
            ValueError: The client's namespace and the object's contradict each other, or there is none.
            ApiStatusError, TransportError: As for every request.
        """
        path = self._resource.path(self._namespace_of(obj))
        query = write_options(dry_run=dry_run, field_manager=field_manager)
        self._send("POST", path, query, obj.to_wire())


class Updatable(ResourceClient[T]):
    """``update``."""

    def update(self, obj: T, *, dry_run: bool = False, field_manager: str | None = None) -> T:
        """Replaces an object, less its status, and returns it as the server stored it. Blocks.

        Args:
            obj: The object, with the name of the one to replace. Its ``resource_version`` makes sure that nothing is
                overwritten that was not read.
            dry_run: Do everything but store it.
            field_manager: As for ``create``.

        Raises:
            ConflictError: It has changed since it was read.
            NotFoundError: There is none to replace.
            InvalidError: It is not valid.
            ValueError: As ``create``, or the object has no name.
            ApiStatusError, TransportError: As for every request.
        """
        path = self._path(obj.metadata.name, namespace=self._namespace_of(obj))
        query = write_options(dry_run=dry_run, field_manager=field_manager)
        return self._ask(self._model, "PUT", path, query, body=obj.to_wire())


class StatusUpdatable(ResourceClient[T]):
    """``update_status``."""

    def update_status(self, obj: T, *, dry_run: bool = False, field_manager: str | None = None) -> T:
        """Replaces an object's status and nothing else; arguments, result and errors are those of ``update``. Blocks.

        Raises:
            ApiStatusError, TransportError, ValueError: As ``update``.
        """
        path = self._path(obj.metadata.name, "status", namespace=self._namespace_of(obj))
        query = write_options(dry_run=dry_run, field_manager=field_manager)
        return self._ask(self._model, "PUT", path, query, body=obj.to_wire())


class Patchable(ResourceClient[T]):
    """``patch`` and ``apply``."""

    def patch(
        self,
        name: str,
        patch: PatchBody,
        *,
        type: PatchType = PatchType.MERGE,  # noqa: A002  (the name that users know)
        dry_run: bool = False,
        field_manager: str | None = None,
        force: bool = False,
    ) -> T:
        """Changes an object in part and returns it as the server stored it. Blocks.

        Args:
            name: The object's name.
            patch: JSON bytes, an object, or (``PatchType.JSON``) a list of operations.
            type: How the patch is meant.
            dry_run: Do everything but store it.
            field_manager: As for ``create``; ``PatchType.APPLY`` needs it.
            force: Take fields from other managers; for ``PatchType.APPLY`` only.

        Raises:
            NotFoundError: There is none.
            ConflictError: The patch names a ``resourceVersion`` that has passed; or fields have other owners.
            InvalidError: The result is not valid, or a JSON patch's ``test`` failed.
            TypeError: The patch is not what its type needs, or is no JSON.
            ValueError: The client is for all namespaces, or the name is empty.
            ApiStatusError, TransportError: As for every request.
        """
        query = write_options(dry_run=dry_run, field_manager=field_manager, force=force)
        return self._patch(self._model, self._path(name), patch, type, query)

    def apply(self, obj: T, *, field_manager: str, force: bool = False, dry_run: bool = False) -> T:
        """Makes an object be so: server-side apply. Returns it as the server stored it. Blocks.

        Every field in ``obj`` is wanted, and owned by the manager from then on; fields that it owned and that ``obj``
        lacks are removed. So build the object for this, rather than change one that was read.

        Args:
            obj: The wanted fields, with the name and, where this client is for all namespaces, the namespace.
            field_manager: Who wants them.
            force: Take fields from other managers instead of failing.
            dry_run: Do everything but store it.

        Raises:
            ConflictError: Other managers own some of the fields, and want them otherwise.
            InvalidError: The result is not valid.
            ValueError: As ``update``.
            ApiStatusError, TransportError: As for every request.
        """
        path = self._path(obj.metadata.name, namespace=self._namespace_of(obj))
        query = write_options(dry_run=dry_run, field_manager=field_manager, force=force)
        return self._patch(self._model, path, obj.to_wire(), PatchType.APPLY, query)


class StatusPatchable(ResourceClient[T]):
    """``patch_status`` and ``apply_status``."""

    def patch_status(
        self,
        name: str,
        patch: PatchBody,
        *,
        type: PatchType = PatchType.MERGE,  # noqa: A002  (the name that users know)
        dry_run: bool = False,
        field_manager: str | None = None,
        force: bool = False,
    ) -> T:
        """Changes an object's status in part; arguments, result and errors are those of ``patch``. Blocks.

        The patch is one of the whole object: ``{"status": {…}}``.

        Raises:
            ApiStatusError, TransportError, TypeError, ValueError: As ``patch``.
        """
        query = write_options(dry_run=dry_run, field_manager=field_manager, force=force)
        return self._patch(self._model, self._path(name, "status"), patch, type, query)

    def apply_status(self, obj: T, *, field_manager: str, force: bool = False, dry_run: bool = False) -> T:
        """Makes an object's status be so; arguments, result and errors are those of ``apply``. Blocks.

        Raises:
            ApiStatusError, TransportError, ValueError: As ``apply``.
        """
        path = self._path(obj.metadata.name, "status", namespace=self._namespace_of(obj))
        query = write_options(dry_run=dry_run, field_manager=field_manager, force=force)
        return self._patch(self._model, path, obj.to_wire(), PatchType.APPLY, query)
