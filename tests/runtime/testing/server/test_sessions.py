"""A watch's session by itself, where a test decides what happens between two of its writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kinform.clock import SYSTEM_CLOCK
from kinform.meta import Resource
from kinform.testing.server.address import Address
from kinform.testing.server.options import ListOptions, WatchListMode
from kinform.testing.server.resources import ServedResource
from kinform.testing.server.storage import HistoryLostError, Storage
from kinform.testing.server.watching import Ending, WatchSession, WatchSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.testing.server.storage import Collection

NODES = ServedResource.of(Resource(group="", version="v1", plural="nodes", kind="Node", namespaced=False))
SETTINGS = WatchSettings(
    clock=SYSTEM_CLOCK,
    watch_list=WatchListMode.ON,
    bookmark_interval=60.0,
    expired_as_event=True,
    freshness_timeout=0.0,
)


class ScriptedStream:
    """Keeps what is written, and calls the test back after each write."""

    abandoned = False

    def __init__(self, after_write: Callable[[ScriptedStream], None]) -> None:
        self.events: list[Any] = []
        self._after_write = after_write

    def write(self, data: bytes) -> None:
        self.events += [json.loads(line) for line in data.splitlines()]
        self._after_write(self)


def write(storage: Storage, collection: Collection, count: int) -> None:
    with storage.lock:
        for number in range(count):
            storage.write(collection, {"metadata": {"name": f"n{number}", "touched": storage.revision}})


def watch(storage: Storage, collection: Collection, **query: str) -> WatchSession:
    options = ListOptions.parse({"watch": "true", **query}, WatchListMode.ON)
    return WatchSession(storage, collection, Address(NODES, "", "", ""), options, SETTINGS)


def run(storage: Storage, session: WatchSession, stream: ScriptedStream) -> Ending:
    with storage.lock:
        initial = session.open(stream)
        revision = storage.revision
    pieces = session.pieces(stream, initial, revision)
    while True:
        try:
            stream.write(next(pieces))
        except StopIteration as end:
            ending: Ending = end.value
            return ending


@pytest.fixture
def storage() -> Storage:
    return Storage(history=1000, clock=SYSTEM_CLOCK)


@pytest.fixture
def nodes(storage: Storage) -> Collection:
    return storage.collection(NODES.group_plural, sort=False)


def test_a_bookmark_waits_for_all_events(storage: Storage, nodes: Collection) -> None:
    write(storage, nodes, 600)  # more than one batch
    session = watch(storage, nodes, resourceVersion="1", allowWatchBookmarks="true")
    session.ask_bookmark()

    def after_write(stream: ScriptedStream) -> None:
        if stream.events[-1]["type"] == "BOOKMARK":
            session.end(Ending.CLEAN)

    stream = ScriptedStream(after_write)
    assert run(storage, session, stream) is Ending.CLEAN
    assert [event["type"] for event in stream.events] == ["ADDED"] * 600 + ["BOOKMARK"]
    assert stream.events[-1]["object"]["metadata"]["resourceVersion"] == "601"


def test_a_watch_that_history_overtakes_is_told() -> None:
    storage = Storage(history=100, clock=SYSTEM_CLOCK)
    nodes = storage.collection(NODES.group_plural, sort=False)
    write(storage, nodes, 1)

    def after_write(stream: ScriptedStream) -> None:
        if len(stream.events) == 1:  # while this client takes its time, more happens than is remembered
            write(storage, nodes, 101)

    stream = ScriptedStream(after_write)
    assert run(storage, watch(storage, nodes, resourceVersion="1"), stream) is Ending.CLEAN
    assert [event["type"] for event in stream.events] == ["ADDED", "ERROR"]
    assert stream.events[-1]["object"]["code"] == 410


def test_changes_during_the_initial_events_follow_the_end_bookmark(storage: Storage, nodes: Collection) -> None:
    write(storage, nodes, 600)
    session = watch(storage, nodes, allowWatchBookmarks="true")

    def after_write(stream: ScriptedStream) -> None:
        if len(stream.events) == 256:
            write(storage, nodes, 1)
        if stream.events[-1]["type"] == "MODIFIED":
            session.end(Ending.CLEAN)

    stream = ScriptedStream(after_write)
    run(storage, session, stream)
    assert [event["type"] for event in stream.events] == ["ADDED"] * 600 + ["BOOKMARK", "MODIFIED"]
    bookmark, modified = (event["object"]["metadata"]["resourceVersion"] for event in stream.events[-2:])
    assert (bookmark, modified) == ("601", "602")


def test_frames_are_rendered_once_for_all_watches(storage: Storage, nodes: Collection) -> None:
    write(storage, nodes, 1)
    lines: list[bytes] = []

    class OneLine(ScriptedStream):
        def write(self, data: bytes) -> None:
            lines.append(data)
            super().write(data)

    def look() -> None:
        session = watch(storage, nodes, resourceVersion="1")
        run(storage, session, OneLine(lambda _: session.end(Ending.CLEAN)))

    look()
    look()
    (change,) = nodes.read(0, 10)
    assert lines == [change.frames["v1", "ADDED"]] * 2


def test_cursors_before_the_history_are_refused(storage: Storage, nodes: Collection) -> None:
    write(storage, nodes, 3)
    storage.compact()
    with pytest.raises(HistoryLostError) as caught:
        nodes.read(2, 10)
    assert caught.value.oldest == storage.revision
    assert nodes.read(3, 10) == []
