"""Objects from files: YAML or JSON, one document or many, single files or whole folders."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kinform.meta import WireObject

__all__ = ["CUSTOM_RESOURCE_DEFINITION", "Manifest", "definitions_in", "objects_in"]

Manifest: TypeAlias = "WireObject | Mapping[str, object] | Path | str"
"""A model, JSON as a mapping, or a file or folder."""

CUSTOM_RESOURCE_DEFINITION: Final = "CustomResourceDefinition"
_SUFFIXES: Final = frozenset({".json", ".yaml", ".yml"})


def definitions_in(manifests: Iterable[Manifest]) -> list[Mapping[str, object]]:
    """The CustomResourceDefinitions among some objects. What else is in a folder or a file is passed over.

    Raises:
        ValueError: A file holds no objects, one that was named holds no definition, or an object is none.
        OSError: A file cannot be read.
    """
    found: list[Mapping[str, object]] = []
    for manifest in manifests:
        objects = list(objects_in([manifest]))
        definitions = [obj for obj in objects if obj.get("kind") == CUSTOM_RESOURCE_DEFINITION]
        if not definitions:
            raise ValueError(f"there is no {CUSTOM_RESOURCE_DEFINITION} in {_named(manifest)}")
        found += definitions
    return found


def objects_in(manifests: Iterable[Manifest]) -> Iterator[Mapping[str, object]]:
    """All objects of some manifests, as mappings; items of lists one by one, folders with all below them, by name.

    Raises:
        ValueError: A file holds no objects.
        OSError: A file cannot be read.
    """
    for manifest in manifests:
        if isinstance(manifest, Mapping):
            yield from _unpacked(manifest)
        elif isinstance(manifest, str | Path):
            for file in _files(Path(manifest)):
                yield from _read(file)
        else:
            yield cast("Mapping[str, object]", msgspec.json.decode(manifest.to_wire()))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES and file.is_file())


def _read(file: Path) -> Iterator[Mapping[str, object]]:
    text = file.read_text(encoding="utf-8")
    documents: list[object]
    if file.suffix == ".json":
        try:
            documents = [msgspec.json.decode(text)]
        except msgspec.DecodeError as error:
            raise ValueError(f"{file} is no JSON: {error}") from None
    else:
        yaml = importlib.import_module("yaml")
        try:
            documents = list(yaml.load_all(text, Loader=_yaml_loader()))
        except yaml.YAMLError as error:
            raise ValueError(f"{file} is no YAML: {error}") from None
    for number, document in enumerate(documents, 1):
        if isinstance(document, Mapping):
            yield from _unpacked(cast("Mapping[str, object]", document))
        elif document is not None:  # nothing between two marks
            raise ValueError(f"{file}: document {number} is no object, but {type(document).__name__}")


@functools.cache
def _yaml_loader() -> type:
    """A loader for which times are text, as they are in JSON."""
    yaml = importlib.import_module("yaml")

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the official client brings PyYAML, without types
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in Loader.yaml_implicit_resolvers.items()
    }
    return Loader


def _unpacked(obj: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    items = obj.get("items")
    if str(obj.get("kind")).endswith("List") and isinstance(items, list):
        yield from cast("list[Mapping[str, object]]", items)
    else:
        yield obj


def _named(manifest: Manifest) -> str:
    if isinstance(manifest, str | Path):
        return str(manifest)
    return f"an object of kind {manifest.get('kind')!r}" if isinstance(manifest, Mapping) else repr(manifest)
