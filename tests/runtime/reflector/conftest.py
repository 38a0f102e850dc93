"""A bench for the machine: a clock that only moves by hand, and a store that takes what comes out."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from kinform.errors import ApiStatusError, Status, StatusCause, StatusDetails, status_error
from kinform.meta import ObjectKey, Resource
from kinform.reflector import ListPage, Reflector, ReflectorOptions, StreamingSupport, Wait, Watch
from kinform.wire import (
    Bookmark,
    BookmarkEvent,
    Entry,
    ErrorEvent,
    EventType,
    ObjectEvent,
    Page,
    Remove,
    Replace,
    Upsert,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kinform.reflector import Report
    from kinform.wire import Change, PoisonEvent, WatchEvent

PODS = Resource("", "v1", "pods", "Pod", namespaced=True)


class Bench:
    """Runs one reflector by hand. Waits are jumped over, and noted in ``waits`` with their reason."""

    def __init__(
        self,
        options: ReflectorOptions | None = None,
        *,
        seed: int = 1,
        support: StreamingSupport | None = None,
        resource: Resource = PODS,
    ) -> None:
        self.machine = Reflector(
            resource,
            options or ReflectorOptions(),
            random.Random(seed),
            name="pods",
            host="https://server",
            support=support,
        )
        self.now = 1000.0
        self.store: dict[str, str] = {}  # key to resourceVersion
        self.version = ""
        self.replaces: list[Replace] = []
        self.bookmarks: list[str] = []
        self.waits: list[tuple[float, str]] = []
        self.requests: list[dict[str, str]] = []
        self.reports: list[Report] = []

    # ---- requests

    def request(self) -> ListPage | Watch:
        """The next request, after whatever wait stands before it."""
        for _ in range(3):
            action = self.machine.next(self.now)
            self.reports += self.machine.take_reports()
            if not isinstance(action, Wait):
                self.machine.sent(self.now)
                self.requests.append(dict(action.query))
                return action
            assert action.seconds > 0
            self.waits.append((action.seconds, action.reason.value))
            self.now += action.seconds
        raise AssertionError("waits without end")

    def list(self) -> dict[str, str]:
        action = self.request()
        assert isinstance(action, ListPage), f"expected a list, not {action}"
        return dict(action.query)

    def watch(self, *, opened: bool = True) -> dict[str, str]:
        action = self.request()
        assert isinstance(action, Watch), f"expected a watch, not {action}"
        assert not action.initial, f"expected a plain watch, not {action}"
        if opened:
            self.machine.stream_opened(self.now)
        return dict(action.query)

    def stream(self, *, opened: bool = True) -> dict[str, str]:
        action = self.request()
        assert isinstance(action, Watch), f"expected a streaming list, not {action}"
        assert action.initial, f"expected a streaming list, not {action}"
        if opened:
            self.machine.stream_opened(self.now)
        return dict(action.query)

    # ---- answers

    def page(
        self, *items: tuple[str, str], version: str = "1", token: str = "", poison: Iterable[PoisonEvent] = ()
    ) -> None:
        entries = [self.entry(name, v) for name, v in items]
        self._apply(self.machine.page(self.now, Page(entries, list(poison), version, token)))

    def feed(self, *events: WatchEvent) -> None:
        self._apply(self.machine.events(self.now, events))

    def close(self, *, after: float = 60.0) -> None:
        self.now += after
        self.machine.stream_ended(self.now)
        self.reports += self.machine.take_reports()

    def fail(self, error: Exception | int, *, after: float = 0.0, **status: Any) -> None:
        self.now += after
        self.machine.failed(self.now, self.error(error, **status) if isinstance(error, int) else error)
        self.reports += self.machine.take_reports()

    def synced(self, *items: tuple[str, str], version: str = "10") -> None:
        """Brings it to a watch, by a streaming list."""
        self.stream()
        self.feed(*(self.added(name, v) for name, v in items), self.end(version))

    def _apply(self, changes: Sequence[Change]) -> None:
        self.reports += self.machine.take_reports()
        for change in changes:
            if isinstance(change, Replace):
                self.replaces.append(change)
                assert all(key == entry.key for key, entry in change.entries.items())
                self.store = {str(key): entry.resource_version for key, entry in change.entries.items()}
                self.version = change.resource_version
            elif isinstance(change, Upsert):
                self.store[str(change.entry.key)] = self.version = change.entry.resource_version
            elif isinstance(change, Remove):
                self.store.pop(str(change.entry.key), None)
                self.version = change.entry.resource_version
            else:
                assert isinstance(change, Bookmark)
                self.bookmarks.append(change.resource_version)
                self.version = change.resource_version

    # ---- material

    @staticmethod
    def entry(name: str, version: str, uid: str = "") -> Entry:
        return Entry(ObjectKey("", name), uid or f"uid-{name}", version, 0, "", {}, None, b"{}")

    def added(self, name: str, version: str) -> ObjectEvent:
        return ObjectEvent(EventType.ADDED, self.entry(name, version))

    def modified(self, name: str, version: str) -> ObjectEvent:
        return ObjectEvent(EventType.MODIFIED, self.entry(name, version))

    def deleted(self, name: str, version: str) -> ObjectEvent:
        return ObjectEvent(EventType.DELETED, self.entry(name, version))

    @staticmethod
    def bookmark(version: str) -> BookmarkEvent:
        return BookmarkEvent(version, initial_events_end=False)

    @staticmethod
    def end(version: str) -> BookmarkEvent:
        return BookmarkEvent(version, initial_events_end=True)

    @staticmethod
    def error(
        code: int,
        reason: str = "",
        message: str = "",
        *,
        retry_after: float | None = None,
        causes: Iterable[tuple[str, str, str]] = (),
    ) -> ApiStatusError:
        details = StatusDetails(causes=tuple(StatusCause(*cause) for cause in causes))
        return status_error(Status(code, reason, message, details), retry_after=retry_after)

    def gone(self) -> ApiStatusError:
        return self.error(410, "Expired", "too old resource version: 5 (100)")

    def too_large(self) -> ApiStatusError:
        cause = ("ResourceVersionTooLarge", "Too large resource version", "")
        return self.error(504, "Timeout", "Too large resource version: 9, current: 5", retry_after=1, causes=[cause])

    def unsupported(self, field: str = "sendInitialEvents") -> ApiStatusError:
        text = f"{field}: Forbidden: {field} is forbidden for watch unless the WatchList feature gate is enabled"
        return self.error(422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: {text}', causes=[("", text, field)])

    def error_event(self, error: ApiStatusError) -> ErrorEvent:
        return ErrorEvent(error)

    @property
    def reasons(self) -> Sequence[str]:
        """Why it reported, in order."""
        return [report.reason.value for report in self.reports]


@pytest.fixture(scope="session")
def make_bench() -> Callable[..., Bench]:
    return Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def paging() -> Bench:
    """A bench whose reflector does not try to stream."""
    return Bench(ReflectorOptions(streaming=False))
