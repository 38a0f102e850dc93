"""Whatever a server does to us, what the machine shows is the server's state at the version it claims, and converges."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kinform.errors import FrameError, TransportError
from kinform.meta import Resource
from kinform.reflector import ListPage, Reflector, ReflectorOptions, StreamingSupport, Wait, Watch
from kinform.wire import Bookmark, Page, Remove, Replace, Upsert

if TYPE_CHECKING:
    from kinform.wire import Change, WatchEvent

Bench = Any
_PODS = Resource("", "v1", "pods", "Pod", namespaced=True)
_NAMES = ["a", "b", "c", "d", "e"]


class _Server:
    """Objects, the log of their changes, and every state there has been. Names to versions."""

    def __init__(self) -> None:
        self.version = 100
        self.compacted = 0
        self.state: dict[str, str] = {}
        self.states: dict[int, dict[str, str]] = {100: {}}
        self.log: list[tuple[int, str, str]] = []

    def write(self, name: str, delete: bool) -> None:
        if delete and name not in self.state:
            return
        self.version += 1
        kind = "DELETED" if delete else "MODIFIED" if name in self.state else "ADDED"
        if delete:
            del self.state[name]
        else:
            self.state[name] = str(self.version)
        self.log.append((self.version, kind, name))
        self.states[self.version] = dict(self.state)

    def after(self, version: int) -> list[tuple[int, str, str]]:
        return [change for change in self.log if change[0] > version]


class _World:
    """One reflector, one server, and chance as the network between them."""

    def __init__(self, bench: Bench, chance: random.Random, *, streaming: bool) -> None:
        self.make = bench
        self.chance = chance
        self.server = _Server()
        options = ReflectorOptions(streaming=streaming, page_size=2)
        self.machine = Reflector(_PODS, options, random.Random(chance.randrange(4)), support=StreamingSupport())
        self.now = 0.0
        self.store: dict[str, str] = {}
        self.claimed: str | None = None  # the version that the store is said to be at
        self.calm = False

    # ---- the client's side

    def apply(self, changes: list[Change]) -> None:
        for change in changes:
            if isinstance(change, Replace):
                self.store = {key.name: entry.resource_version for key, entry in change.entries.items()}
                self.claimed = change.resource_version
            elif isinstance(change, Upsert):
                self.store[change.entry.key.name] = change.entry.resource_version
                self.claimed = change.entry.resource_version
            elif isinstance(change, Remove):
                self.store.pop(change.entry.key.name, None)
                self.claimed = change.entry.resource_version
            else:
                assert isinstance(change, Bookmark)
                self.claimed = change.resource_version
            assert self.claimed is not None
            assert self.store == self.server.states[int(self.claimed)], f"not the state at {self.claimed}"

    def step(self) -> None:
        action = self.machine.next(self.now)
        if isinstance(action, Wait):
            self.now += action.seconds
            self.writes()
        elif isinstance(action, ListPage):
            self.machine.sent(self.now)
            self.list(dict(action.query))
        else:
            self.machine.sent(self.now)
            self.watch(action, dict(action.query))
        self.machine.take_reports()

    # ---- the server's side

    def draw(self, *choices: str) -> str:
        return "fine" if self.calm else self.chance.choice(["fine", *choices])

    def writes(self) -> None:
        if self.calm:
            return
        for _ in range(self.chance.randrange(4)):
            self.server.write(self.chance.choice(_NAMES), delete=self.chance.random() < 0.4)
        if self.chance.randrange(10) == 0:
            self.server.compacted = self.server.version

    def list(self, query: dict[str, str]) -> None:
        fate = self.draw("reset", "error", "html")
        if fate != "fine":
            self.machine.failed(self.now, _FAILURES[fate](self.make))
            return
        at, offset = map(int, query["continue"].split(":")) if "continue" in query else (self.server.version, 0)
        if "continue" in query and at < self.server.compacted:
            self.machine.failed(self.now, self.make.error(410, "Expired"))
            return
        items = sorted(self.server.states[at].items())
        limit = int(query.get("limit", len(items) + 1))
        chunk = [self.make.entry(name, version) for name, version in items[offset : offset + limit]]
        more = f"{at}:{offset + limit}" if offset + limit < len(items) else ""
        self.writes()
        self.apply(self.machine.page(self.now, Page(chunk, [], str(at), more)))

    def watch(self, action: Watch, query: dict[str, str]) -> None:
        version = int(query.get("resourceVersion", "0"))
        fate = self.draw("reset", "error", "html", "gone", "unsupported")
        if fate == "unsupported" and not action.initial:
            fate = "fine"
        if version > self.server.version:
            fate = "too large"
        elif version < self.server.compacted and not action.initial:
            fate = "gone"
        if fate != "fine":
            if self.draw("open") == "open":
                self.machine.failed(self.now, _FAILURES[fate](self.make))
            else:
                self.machine.stream_opened(self.now)
                failure = _FAILURES[fate](self.make)
                if isinstance(failure, TransportError):
                    self.machine.failed(self.now, failure)
                else:
                    self.send(self.make.error_event(failure))
            return
        self.machine.stream_opened(self.now)
        sent = self.initial() if action.initial else version
        while self.machine.streaming and sent >= 0:
            self.writes()
            sent = self.changes(sent)
            if self.calm or not self.machine.streaming:
                return
            fate = self.draw("close", "reset", "gone", "error", "bookmark", "html")
            self.now += self.chance.choice([0.1, 5.0, 200.0])
            if fate == "bookmark":
                self.send(self.make.bookmark(str(self.server.version)) if sent == self.server.version else None)
            elif fate == "close":
                self.machine.stream_ended(self.now)
            elif fate in {"reset", "html"}:
                self.machine.failed(self.now, _FAILURES[fate](self.make))
            elif fate != "fine":
                self.send(self.make.error_event(_FAILURES[fate](self.make)), self.make.added("never", "1"))
                if self.draw("garbage") == "garbage":  # behind the ERROR event, in the same piece of the network's
                    self.machine.failed(self.now, FrameError("garbage"))

    def initial(self) -> int:
        """Everything there is, in any order, cut short now and then; the version it is of, or -1."""
        at = self.server.version
        items = list(self.server.states[at].items())
        if not self.calm:
            self.chance.shuffle(items)
        fate = self.draw("cut", "error")
        if fate != "fine":
            self.send(*(self.make.added(name, v) for name, v in items[: len(items) // 2]))
            if fate == "cut":
                self.machine.stream_ended(self.now)
            else:
                self.send(self.make.error_event(self.make.error(500, "InternalError")))
            return -1
        self.send(*(self.make.added(name, v) for name, v in items))
        self.writes()
        at = self.changes(at)
        self.send(self.make.end(str(at)))
        return at

    def changes(self, sent: int) -> int:
        events: list[WatchEvent] = []
        for version, kind, name in self.server.after(sent):
            event = {"ADDED": self.make.added, "MODIFIED": self.make.modified, "DELETED": self.make.deleted}[kind]
            events.append(event(name, str(version)))
            sent = version
        self.send(*events)
        return sent

    def send(self, *events: WatchEvent | None) -> None:
        self.apply(self.machine.events(self.now, [event for event in events if event is not None]))


_FAILURES: dict[str, Any] = {
    "reset": lambda _: TransportError("reset"),
    "html": lambda _: FrameError("html"),
    "error": lambda make: make.error(500, "InternalError"),
    "gone": lambda make: make.error(410, "Expired"),
    "too large": lambda make: make.too_large(),
    "unsupported": lambda make: make.unsupported(),
}


def _check(bench: Bench, chance: random.Random, *, streaming: bool) -> None:
    world = _World(bench, chance, streaming=streaming)
    for _ in range(chance.randrange(1, 40)):
        world.step()
    world.calm = True
    for _ in range(40):
        world.step()
        if world.machine.streaming and world.store == world.server.state:
            break
    assert world.machine.statistics().synced
    assert world.machine.streaming
    assert world.store == world.server.state


@settings(max_examples=settings().max_examples // 3)
@given(chance=st.randoms(), streaming=st.booleans())
@pytest.mark.scenario("invariant-1")
@pytest.mark.scenario("invariant-2")
def test_what_is_shown_is_always_a_state_of_the_server_and_in_the_end_the_last(
    chance: random.Random, streaming: bool, make_bench: Any
) -> None:
    _check(make_bench(), chance, streaming=streaming)


@pytest.mark.parametrize("streaming", [True, False])
def test_the_same_over_many_more_histories(streaming: bool, make_bench: Any) -> None:
    bench = make_bench()
    for seed in range(1000):
        try:
            _check(bench, random.Random(seed), streaming=streaming)
        except AssertionError as error:
            raise AssertionError(f"with seed {seed}") from error
