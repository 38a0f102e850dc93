"""What may stand in metadata: labels, annotations, finalizers and owners (apimachinery: ``ValidateObjectMeta``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from kinform.testing.server.documents import child, encode
from kinform.testing.server.refusals import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinform.testing.server.documents import JsonObject

__all__ = ["metadata_problems"]

_NAME_TEXT: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_NAME: Final = re.compile(_NAME_TEXT)
_SUBDOMAIN_TEXT: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_SUBDOMAIN: Final = re.compile(_SUBDOMAIN_TEXT)
_CHARACTERS: Final = (
    "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
)
_NAME_RULE: Final = (
    f"name part must {_CHARACTERS} (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    f"'{_NAME_TEXT}')"
)
_PREFIX_RULE: Final = (
    "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
    "must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    f"'{_SUBDOMAIN_TEXT}')"
)
_VALUE_RULE: Final = (
    f"a valid label must be an empty string or {_CHARACTERS} (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    f"for validation is '({_NAME_TEXT})?')"
)
_FINALIZER_RULE: Final = "name is neither a standard finalizer name nor is it fully qualified"
_STANDARD_FINALIZERS: Final = frozenset({"foregroundDeletion", "kubernetes", "orphan"})
_LONGEST_NAME: Final = 63
_LONGEST_PREFIX: Final = 253
_ANNOTATIONS_LIMIT: Final = 256 * 1024


def metadata_problems(metadata: JsonObject, *, custom: bool) -> list[Cause]:
    """What is wrong with metadata whose types are right. Finalizers of custom resources need no prefix."""
    return [*_of_labels(metadata), *_of_annotations(metadata), *_of_owners(metadata), *_of_finalizers(metadata, custom)]


def _invalid(field: str, value: str, why: str) -> Cause:
    return Cause("FieldValueInvalid", field, f"Invalid value: {value}: {why}")


def _quoted(text: str) -> str:
    return encode(text).decode()


def _key_problem(key: str) -> str:
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > _LONGEST_PREFIX or not _SUBDOMAIN.fullmatch(prefix)):
        return _PREFIX_RULE
    if len(name) > _LONGEST_NAME:
        return f"name part must be no more than {_LONGEST_NAME} bytes"
    return "" if _NAME.fullmatch(name) else _NAME_RULE


def _of_labels(metadata: JsonObject) -> Iterator[Cause]:
    for key, value in child(metadata, "labels").items():
        if why := _key_problem(key):
            yield _invalid("metadata.labels", _quoted(key), why)
        if isinstance(value, str) and value:
            if len(value) > _LONGEST_NAME:
                yield _invalid("metadata.labels", _quoted(value), f"must be no more than {_LONGEST_NAME} bytes")
            elif not _NAME.fullmatch(value):
                yield _invalid("metadata.labels", _quoted(value), _VALUE_RULE)


def _of_annotations(metadata: JsonObject) -> Iterator[Cause]:
    annotations = child(metadata, "annotations")
    for key in annotations:
        if why := _key_problem(key.lower()):
            yield _invalid("metadata.annotations", _quoted(key), why)
    if sum(len(key) + len(str(value)) for key, value in annotations.items()) > _ANNOTATIONS_LIMIT:
        why = f"Too long: may not be more than {_ANNOTATIONS_LIMIT} bytes"
        yield Cause("FieldValueTooLong", "metadata.annotations", why)


def _of_owners(metadata: JsonObject) -> Iterator[Cause]:
    listed = metadata.get("ownerReferences")
    owners = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    for place, owner in enumerate(owners):
        for name in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(name):
                field = f"metadata.ownerReferences[{place}].{name}"
                yield Cause("FieldValueRequired", field, "Required value: must not be empty")
    controllers = [f"{owner.get('kind')}/{owner.get('name')}" for owner in owners if owner.get("controller") is True]
    if len(controllers) > 1:
        first, second, *_ = controllers
        why = f'Only one reference can have Controller set to true. Found "true" in references for {first} and {second}'
        yield _invalid("metadata.ownerReferences", encode([*owners]).decode(), why)


def _of_finalizers(metadata: JsonObject, custom: bool) -> Iterator[Cause]:
    listed = metadata.get("finalizers")
    for place, finalizer in enumerate(listed if isinstance(listed, list) else []):
        if not isinstance(finalizer, str):
            continue
        if why := _key_problem(finalizer):
            yield _invalid("metadata.finalizers", _quoted(finalizer), why)
        elif not custom and "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
            yield _invalid(f"metadata.finalizers[{place}]", _quoted(finalizer), _FINALIZER_RULE)
