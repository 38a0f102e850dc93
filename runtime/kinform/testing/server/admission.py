"""What a server makes of an object before it stores it: pruned, defaulted, validated, with its owners noted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kinform.testing.server import builtin, managed_fields, refusals
from kinform.testing.server.definitions import CUSTOM_RESOURCE_DEFINITIONS
from kinform.testing.server.documents import child, metadata_of
from kinform.testing.server.managed_fields import Manager, manager_name
from kinform.testing.server.metadata_rules import metadata_problems
from kinform.testing.server.options import check_dry_run, parse_flag
from kinform.testing.server.resources import NAMESPACES
from kinform.testing.server.typed import drop_unknown, mistyped
from kinform.testing.server.validation import problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.testing.server.address import Address
    from kinform.testing.server.definitions import Definitions
    from kinform.testing.server.documents import JsonObject
    from kinform.testing.server.resources import ServedResource
    from kinform.testing.server.schemas import Schemas
    from kinform.testing.server.storage import Storage

__all__ = ["Admission", "WriteOptions"]

_VALIDATIONS: Final = ("", "Ignore", "Strict", "Warn")


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """What a writing request says besides its object.

    Attributes:
        dry_run: Whether nothing is to be kept.
        manager: Who writes.
        force: Whether an apply takes over what others own.
        validation: What becomes of unknown fields: ``Ignore``, ``Warn`` or ``Strict``.
    """

    dry_run: bool
    manager: str
    force: bool
    validation: str

    @classmethod
    def parse(cls, parameters: Mapping[str, str], user_agent: str, kind: str, *, applies: bool = False) -> WriteOptions:
        """Reads and checks the parameters; ``kind`` is that of the verb's options, such as ``CreateOptions``.

        Raises:
            Refusal: A value is none that the server knows, or the parameters do not go together (422).
        """
        dry_run = check_dry_run(parameters.get("dryRun", ""), kind)
        validation = parameters.get("fieldValidation") or "Warn"
        causes: list[refusals.Cause] = []
        if validation not in _VALIDATIONS:
            causes.append(refusals.unsupported_value("fieldValidation", f'"{validation}"', *_VALIDATIONS))
        field_manager = parameters.get("fieldManager", "")
        if applies and not field_manager:
            why = "Required value: is required for apply patch"
            causes.append(refusals.Cause("FieldValueRequired", "fieldManager", why))
        force = parse_flag(parameters.get("force"))
        if force is not None and kind == "PatchOptions" and not applies:
            causes.append(refusals.forbidden_parameter("force", "may not be specified for non-apply patch"))
        if causes:
            raise refusals.invalid_options(kind, causes)
        return cls(dry_run, manager_name(field_manager, user_agent), bool(force), validation)


def _problems(served: ServedResource, tree: JsonObject) -> list[refusals.Cause]:
    found = metadata_problems(child(tree, "metadata"), custom=served.custom)
    return [*found, *problems(tree, served.schema.tree)] if served.schema else found


class Admission:
    """Prepares objects for the storage. Called with the storage's lock held.

    Args:
        storage: Where namespaces are.
        schemas: What is known of objects.
        definitions: Who knows of CustomResourceDefinitions.
        strict: Whether a namespace must exist before something is created in it.
    """

    def __init__(self, storage: Storage, schemas: Schemas, definitions: Definitions, *, strict: bool) -> None:
        self._storage = storage
        self._definitions = definitions
        self._strict = strict
        self.schemas = schemas

    def check_namespace(self, at: Address) -> None:
        """Sees that something may be created there.

        Raises:
            Refusal: The namespace does not exist (404) or is going (403).
        """
        if not self._strict or not at.namespace:
            return
        namespaces = self._storage.collection((NAMESPACES.group, NAMESPACES.plural), sort=False)
        found = namespaces.objects.get(at.namespace)
        if found is None:
            raise refusals.not_found(NAMESPACES, at.namespace)
        if child(found.tree(), "metadata").get("deletionTimestamp"):
            raise refusals.namespace_terminating(at.served.resource, at.name, at.namespace)

    def check_types(self, served: ServedResource, tree: JsonObject) -> None:
        """Sees that the object can be decoded: all of it where its schema is known, else its metadata.

        Raises:
            Refusal: 400.
        """
        resource = served.resource
        shape = self.schemas.shape(served)
        if self.schemas.known(served):
            said = mistyped(tree, shape, resource.kind)
        else:
            said = mistyped(tree.get("metadata"), shape.field("metadata"), "ObjectMeta.metadata")
        if said:
            raise refusals.bad_request(
                f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {said}'
            )

    def prepare(
        self, served: ServedResource, old: JsonObject | None, new: JsonObject, options: WriteOptions, now: str
    ) -> tuple[str, ...]:
        """Prunes, defaults and validates the new state in place; what to warn of.

        Raises:
            Refusal: It does not fit its schema (422), or has unknown fields and they are not wanted (400).
        """
        resource = served.resource
        if served.group_plural == (CUSTOM_RESOURCE_DEFINITIONS.group, CUSTOM_RESOURCE_DEFINITIONS.plural):
            self._definitions.admit(new, now)
        dropped = served.schema.prune(new) if served.schema else []
        if self.schemas.known(served):
            dropped = [*drop_unknown(new, self.schemas.shape(served))]
        unknown = [f'unknown field "{path}"' for path in dropped]
        if unknown and options.validation == "Strict":
            raise refusals.bad_request(
                f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
                f"strict decoding error: {', '.join(unknown)}"
            )
        if served.schema:
            served.schema.fill_in(new)
        # What was wrong before and has not changed does not keep an object from being changed elsewhere.
        tolerated = _problems(served, old) if old is not None else []
        wrong = [cause for cause in _problems(served, new) if cause not in tolerated]
        if wrong:
            raise refusals.invalid_causes(resource, str(metadata_of(new).get("name", "")), wrong)
        return tuple(unknown) if options.validation == "Warn" else ()

    def note_owners(
        self, at: Address, old: JsonObject | None, new: JsonObject, options: WriteOptions, now: str
    ) -> None:
        """Writes into the new state who owns its fields, after any write but an apply."""
        served = at.served
        manager = Manager(options.manager, served.resource.api_version, at.subresource)
        keeps = old is None and served.group_plural in builtin.KEEPS_STATUS_ON_CREATE
        has_status = served.status and not keeps
        shape = self.schemas.shape(served)
        managed_fields.track_update(old, new, shape, manager, has_status=has_status, now=now)
