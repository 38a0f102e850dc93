"""The same over real HTTP and with threads: fewer examples, for what lies between the machine and the wire."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from tests.reliability.model.cluster import PODS
from tests.reliability.threads.test_informers import Mirror

from kinform import ObjectKey
from kinform.reflector import STREAMING_SUPPORT
from kinform.store import label_index
from kinform.testing import Server, VirtualClock
from kinform.testing.server import Cut, Drip, Duplicate, EndEarly, Expire, Garbage, Refuse, Reply
from kinform_k8s import SharedInformerFactory
from kinform_k8s.models.core.v1 import Pod

if TYPE_CHECKING:
    from collections import Counter
    from typing import Literal

    from kinform.testing.server.effects import Effect

_KEYS = [ObjectKey(namespace, name) for namespace in ("a", "b", "c") for name in ("p", "q")]
_APPS = ("web", "db")
_EFFECTS = [
    *(Refuse(429, retry_after=1), Refuse(500), Refuse(503, close=True), Refuse(401), Refuse(403), Expire()),
    *(Reply(502, b"<html>Bad gateway</html>"), Cut(), Cut(after_bytes=300), EndEarly(after_bytes=200)),
    *(Garbage(), Drip(7), Duplicate()),
]


class Trouble(StrEnum):
    """What happens to the server as a whole."""

    COMPACTION = "compaction"
    RESTART = "restart"
    RESTART_WITHOUT_HISTORY = "restart without history"
    CLEAN = "clean"
    CUT = "cut"
    EXPIRED = "expired"


class HttpMachine(RuleBasedStateMachine):
    """One factory and one server, a few faults at a time."""

    figures: ClassVar[Counter[str]]

    @initialize(
        watch_list=st.sampled_from(["on", "off"]),
        gzip=st.booleans(),
        namespaces=st.sampled_from([None, ("a",), ("a", "b")]),
        app=st.sampled_from([None, "app=web"]),
        there=st.dictionaries(st.sampled_from(_KEYS), st.sampled_from(_APPS), max_size=4),
    )
    def begin(
        self,
        *,
        watch_list: Literal["on", "off"],
        gzip: bool,
        namespaces: tuple[str, ...] | None,
        app: str | None,
        there: dict[ObjectKey, str],
    ) -> None:
        self.app, self.watched = app, namespaces or ("a", "b", "c")
        self.server = Server([PODS], watch_list=watch_list, gzip=gzip)
        self.server.start()
        for key, each in there.items():
            self._put(key, each)
        self.clock = VirtualClock()
        self.factory = SharedInformerFactory(
            self.server.client(), clock=self.clock, namespace=namespaces, label_selector=app
        )
        self.pods = self.factory.core().v1().pods()
        self.by_app = self.pods.informer().add_index(label_index("app"))
        self.mirrors = [self._mirror()]
        self.factory.start()
        self.fences = self.written = 0
        self.figures["model over HTTP: examples"] += 1

    def _mirror(self, max_pending: int = 10_000) -> Mirror:
        mirror = Mirror()
        self.pods.informer().add_handler(mirror, max_pending=max_pending, resync=timedelta(seconds=5))
        return mirror

    def _put(self, key: ObjectKey, app: str) -> None:
        metadata = {"name": key.name, "namespace": key.namespace, "labels": {"app": app}}
        self.server.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"note": "ä€𝄞"}})

    @rule(writes=st.lists(st.tuples(st.sampled_from(_KEYS), st.sampled_from([*_APPS, ""])), min_size=1, max_size=5))
    def write(self, writes: list[tuple[ObjectKey, str]]) -> None:
        for key, app in writes:
            if app:
                self._put(key, app)
            elif self.server.get(PODS, key.name, key.namespace) is not None:
                self.server.delete(PODS, key.name, key.namespace)
        self.figures["model over HTTP: writes"] += len(writes)

    @rule(effect=st.sampled_from(_EFFECTS))
    def fault(self, effect: Effect) -> None:
        self.server.fault_next("*/pods", effect)
        self.figures["model over HTTP: faults"] += 1

    @rule(what=st.sampled_from(Trouble))
    def trouble(self, what: Trouble) -> None:
        if what is Trouble.COMPACTION:
            self.server.compact()
        elif what in {Trouble.RESTART, Trouble.RESTART_WITHOUT_HISTORY}:
            self.server.restart(keep_history=what is Trouble.RESTART)
        else:
            how: Literal["clean", "cut", "expired"] = (
                "clean" if what is Trouble.CLEAN else "cut" if what is Trouble.CUT else "expired"
            )
            self.server.disconnect_watches(how=how)
        self.figures["model over HTTP: faults"] += 1

    @precondition(lambda self: len(self.mirrors) < 3)
    @rule(max_pending=st.sampled_from([1, 10_000]))
    def add_handler(self, max_pending: int) -> None:
        self.mirrors.append(self._mirror(max_pending))

    @rule(seconds=st.sampled_from([1.0, 40.0, 400.0]))
    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule()
    def settle(self) -> None:
        """A fence behind all changes, in each namespace that is watched, has come; time passes until then."""
        self.fences += 1
        for mirror in self.mirrors:
            mirror.fence.clear()
        for namespace in self.watched:
            self._put(ObjectKey(namespace, "p"), "web")
            metadata = {"name": "fence", "namespace": namespace, "labels": {"app": "web", "turn": str(self.fences)}}
            self.server.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})
        truth = {
            ObjectKey(pod.metadata.namespace, pod.metadata.name): (pod.metadata.uid, pod.metadata.resource_version)
            for pod in self.server.objects(PODS, Pod)
            if pod.metadata.namespace in self.watched and self.app in {None, f"app={pod.metadata.labels['app']}"}
        }
        pause = threading.Event()
        for _ in range(10_000):
            found = {
                entry.key: (entry.uid, entry.resource_version)
                for entry in self.pods.informer().read_entries(allow_unsynced=True)
            }
            if found == truth and all(mirror.known == truth for mirror in self.mirrors):
                break
            self.clock.advance(1)
            pause.wait(0.002)
        assert found == truth, self.factory.statistics()
        lister = self.pods.lister()
        for app in _APPS:
            expected = {pod.metadata.uid for pod in lister.list() if pod.metadata.labels["app"] == app}
            assert {pod.metadata.uid for pod in lister.list(f"app={app}")} == expected
            assert {pod.metadata.uid for pod in self.by_app[app]} == expected
        for mirror in self.mirrors:
            assert mirror.known == truth
            assert mirror.problems == []
        self.figures["model over HTTP: times settled"] += 1

    def teardown(self) -> None:
        if not hasattr(self, "server"):
            return
        try:
            self.settle()
        finally:
            stopped = self.factory.stop(10)
            self.server.stop()
        assert stopped.clean, stopped


@pytest.mark.hypothesis
def test_the_same_over_http(monkeypatch: pytest.MonkeyPatch, figures: Counter[str]) -> None:
    monkeypatch.setattr(logging.getLogger("kinform"), "disabled", True)
    monkeypatch.setattr(STREAMING_SUPPORT, "_refused", {})
    monkeypatch.setattr(HttpMachine, "figures", figures, raising=False)
    run_state_machine_as_test(
        HttpMachine,
        settings=settings(
            max_examples=settings().max_examples // 4,
            stateful_step_count=20,
            report_multiple_bugs=False,
            phases=set(Phase) - {Phase.explain},
        ),
    )
