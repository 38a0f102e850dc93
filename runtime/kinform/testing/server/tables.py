"""Custom resources as tables, for command lines: the columns that their definition names."""

from __future__ import annotations

import calendar
import re
import time
from typing import TYPE_CHECKING, Final

from kinform.testing.server.documents import encode
from kinform.testing.server.rendering import Renderer
from kinform.testing.server.resources import PrinterColumn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kinform.testing.server.address import Address
    from kinform.testing.server.documents import Json, JsonObject
    from kinform.testing.server.resources import ServedResource
    from kinform.testing.server.storage import Change, StoredObject

__all__ = ["TableRenderer", "renderer_of"]

_AGE: Final = PrinterColumn("Age", "date", ".metadata.creationTimestamp")
# A step of a JSON path: .name, ['name'], [0], [*], [?(@.type=="Ready")].
_STEP: Final = re.compile(
    r"""\.(?P<name>[\w\-/]+(?:\\\.[\w\-/]+)*)|\['(?P<quoted>[^']*)'\]|\[(?P<index>-?\d+|\*)\]"""
    r"""|\[\?\(@\.(?P<key>[\w.\-]+)\s*==\s*["'](?P<value>[^"']*)["']\)\]"""
)


def renderer_of(at: Address) -> Renderer:
    """Who writes the objects in the form that a request asked for."""
    return TableRenderer(at.served) if at.table else Renderer(at.served, partial=at.partial)


class TableRenderer(Renderer):
    """Writes objects as a ``meta.k8s.io/v1.Table``. Immutable."""

    def __init__(self, served: ServedResource) -> None:
        super().__init__(served)
        self._columns = served.columns or (_AGE,)
        self._metadata = Renderer(served, partial=True)

    def object(self, obj: StoredObject) -> bytes:
        """A table of one row."""
        return self._table([obj], {"resourceVersion": str(obj.resource_version)})

    def list(self, objects: Iterable[StoredObject], metadata: JsonObject) -> bytes:
        """A table of many."""
        return self._table(objects, metadata) + b"\n"

    def change_frame(self, event: str, change: Change) -> bytes:
        """The line that tells of a change."""
        obj = change.departed() if event == "DELETED" else change.after
        assert obj is not None
        return self.frame(event, obj)

    def _table(self, objects: Iterable[StoredObject], metadata: JsonObject) -> bytes:
        name: JsonObject = {"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0}
        columns: list[Json] = [name, *map(_described, self._columns)]
        head: JsonObject = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
        rows = b",".join(map(self._row, objects))
        return encode({**head, "columnDefinitions": columns})[:-1] + b',"rows":[' + rows + b"]}"

    def _row(self, obj: StoredObject) -> bytes:
        tree = obj.tree()
        cells: list[Json] = [obj.name, *(_cell(tree, column) for column in self._columns)]
        return b'{"cells":' + encode(cells) + b',"object":' + self._metadata.object(obj) + b"}"


def _described(column: PrinterColumn) -> JsonObject:
    about: JsonObject = {"name": column.name, "type": column.type, "format": "", "description": column.description}
    return {**about, "priority": column.priority}


def _cell(tree: JsonObject, column: PrinterColumn) -> Json:
    value = next(_found(tree, column.path), None)
    if column.type == "date" and isinstance(value, str):
        return _age(value)
    if column.type == "string" and isinstance(value, (dict, list)):
        return encode(value).decode()
    return value


def _found(value: Json, path: str) -> Iterator[Json]:
    """What a JSON path leads to; nothing for paths that are not understood."""
    if not path:
        yield value
        return
    step = _STEP.match(path)
    if step is None:
        return
    rest = path[step.end() :]
    name, index, key = step["name"] or step["quoted"], step["index"], step["key"]
    if name is not None:
        name = name.replace("\\.", ".")
        if isinstance(value, dict) and name in value:
            yield from _found(value[name], rest)
    elif isinstance(value, list) and key is not None:
        for item in value:
            if isinstance(item, dict) and next(_found(item, f".{key}"), None) == step["value"]:
                yield from _found(item, rest)
    elif isinstance(value, list) and index == "*":
        for item in value:
            yield from _found(item, rest)
    elif isinstance(value, list) and -len(value) <= int(index) < len(value):
        yield from _found(value[int(index)], rest)


def _age(timestamp: str) -> str:
    """How long ago that was, in the largest fitting unit."""
    try:
        then = calendar.timegm(time.strptime(timestamp, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        return timestamp
    seconds = max(0, int(time.time() - then))
    for size, unit, least in ((86400, "d", 172800), (3600, "h", 7200), (60, "m", 120)):
        if seconds >= least:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
