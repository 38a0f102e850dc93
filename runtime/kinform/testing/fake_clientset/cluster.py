"""What fake clientsets of one cluster share: objects, actions, reactors, and the client that answers."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from urllib3 import PoolManager

from kinform.errors import TransportError
from kinform.testing.fake_clientset.action_log import ActionLog
from kinform.testing.fake_clientset.actions import WatchAction, action_of
from kinform.testing.fake_clientset.call import Call
from kinform.testing.fake_clientset.fake_watch import FakeWatch
from kinform.testing.fake_clientset.reactions import Handled, ReactionChain, Reactor, Tracker, WatchReactor, rendered
from kinform.testing.fake_clientset.tracker import ObjectTracker
from kinform.testing.server import Refuse
from kinform.testing.server.connection import Request
from kinform.testing.server.core import Core
from kinform.transport import AnsweringClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from kinform.clock import Clock
    from kinform.testing.server.address import Address
    from kinform.testing.server.requests import RecordedRequest
    from kinform.transport import Abort, Answer
    from kinform.transport import Request as SentRequest

__all__ = ["FakeClient", "FakeCluster"]

_HISTORY: Final = 10_000
_VERSION: Final = "v1.37.0"
_numbers: Final = itertools.count(1)


@dataclass(frozen=True, slots=True)
class _Configuration:
    """What stands for the official client's configuration.

    Attributes:
        host: A name that leads nowhere, another one for each cluster.
    """

    host: str


class FakeClient(AnsweringClient):
    """An ``ApiClient`` whose requests are answered in memory, by the thread that makes them. Thread-safe."""

    def __init__(self, host: str, dispatch: Callable[[Call], None], wake: Callable[[], None]) -> None:
        self._configuration = _Configuration(host)
        self._rest_client = _RestClient()
        self._dispatch = dispatch
        self._wake = wake

    @property
    def configuration(self) -> object:
        """Its ``host`` is a name that leads nowhere."""
        return self._configuration

    @property
    def rest_client(self) -> object:
        """Its pool is never used."""
        return self._rest_client

    @property
    def default_headers(self) -> Mapping[str, str]:
        """None."""
        return {}

    def answer(self, request: SentRequest, aborts: Sequence[Abort]) -> Answer:
        """Answers a request; what reactors raise is raised."""
        call = Call(Request.of(request.method, request.target, request.headers, request.body or b""), aborts)
        call.wake_with(self._wake)
        with call.attached():
            try:
                self._dispatch(call)
            except ConnectionError:
                call.raise_if_aborted()
                raise TransportError(f"{request.name}: the connection was cut") from None
        assert call.answer is not None
        return call.answer


class _RestClient:
    def __init__(self) -> None:
        self.pool_manager: PoolManager = PoolManager()


class FakeCluster:
    """One cluster in memory. Thread-safe. Its arguments are those of fake clientsets."""

    def __init__(
        self,
        *,
        openapi: Path | str | Mapping[str, object] | None,
        strict: bool,
        garbage_collection: bool,
        clock: Clock,
    ) -> None:
        self.actions: ActionLog = ActionLog()
        self.reactors: ReactionChain[Reactor] = ReactionChain()
        self.watch_reactors: ReactionChain[WatchReactor] = ReactionChain()
        self.core: Core[Call] = Core(
            lambda _: self._react,
            openapi=openapi,
            strict=strict,
            garbage_collection=garbage_collection,
            watch_list="on",
            history=_HISTORY,
            expired_watches="event",
            bookmark_interval=60.0,
            freshness_timeout=3.0,
            gzip=False,
            version=_VERSION,
            clock=clock,
            rng=random.Random(0),  # noqa: S311  (the same names and uids each time)
        )
        self.tracker: ObjectTracker = ObjectTracker(self.core)
        host = f"http://fake-{next(_numbers)}.invalid"
        self.client: FakeClient = FakeClient(host, self.core.dispatch, self.core.storage.wake)

    # ---- the way in

    def _react(self, call: Call, record: RecordedRequest, at: Address | None) -> bool:
        """Records a request and asks the reactors; whether one has answered it.

        Raises:
            Refusal: One refuses it.
            Exception: Whatever one raises.
        """
        action = None if at is None else action_of(record, at)
        if at is None or action is None:
            return False
        self.actions.add(action)
        if isinstance(action, WatchAction):
            return self._react_to_watch(call, action)
        tracked = not at.subresource or at.served.has_subresource(at.subresource)
        for react in self.reactors.of(action):
            if isinstance(react, Tracker):
                if tracked:
                    return False
                continue
            reaction = react(action)
            if isinstance(reaction, Refuse):
                raise reaction.refusal()
            if isinstance(reaction, Handled):
                code = 201 if action.verb == "create" else 200
                call.respond(code, rendered(action, reaction, self.core.storage.revision))
                return True
            _check_nothing(reaction, "Handled(…), Refuse(…) or None")
        return False

    def _react_to_watch(self, call: Call, action: WatchAction) -> bool:
        for react in self.watch_reactors.of(action):
            if isinstance(react, Tracker):
                return False
            reaction = react(action)
            if isinstance(reaction, Refuse):
                raise reaction.refusal()
            if isinstance(reaction, FakeWatch):
                call.stream(reaction.pieces(call, action.resource))
                return True
            _check_nothing(reaction, "a FakeWatch, Refuse(…) or None")
        return False


def _check_nothing(reaction: object, known: str) -> None:
    if reaction is not None:
        raise TypeError(f"a reactor returns {known}, not {reaction!r}")
