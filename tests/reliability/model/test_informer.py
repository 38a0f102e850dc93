"""Whatever happens in whichever order: an informer holds what a dictionary would, and tells a story that makes sense.

The machine, the decoder, the store, the indexes and the handlers are the real ones; without threads, sockets or waiting.
"""

from __future__ import annotations

import logging
from collections import Counter
from datetime import timedelta
from enum import StrEnum
from types import SimpleNamespace
from typing import TYPE_CHECKING, ClassVar

import pytest
import urllib3
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.reliability.model.cluster import NAMESPACES, PODS, Cluster, Pod
from tests.reliability.model.network import FATES, Fate, Network, Streaming
from tests.reliability.model.threadless import HandClock, deliver, without_threads
from tests.reliability.model.witnesses import CallbackWitness, EventWitness, KeyWitness

from kinform import InformerStoppedError, ListOptions, ObjectKey, SharedInformer
from kinform.informer import InformerState
from kinform.lister import GenericLister
from kinform.store import field_index, index, label_index
from kinform.transport import Transport
from kinform.wire import drop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.reliability.model.cluster import State
    from tests.reliability.model.witnesses import Witness

    from kinform import ErrorReport, Index, Snapshot
    from kinform.store import Indexer

_APPS = ("web", "db", "")
_KEYS = [ObjectKey(namespace, name) for namespace in NAMESPACES for name in ("p", "q", "r")]
_keys = st.sampled_from(_KEYS)
_apps = st.sampled_from(_APPS)
_HANDLERS = st.tuples(
    st.sampled_from([CallbackWitness, EventWitness, KeyWitness]),
    _apps,
    st.sampled_from([1, 2, 10_000]),
    st.sampled_from([None, timedelta(0), timedelta(seconds=10)]),
)

# Each index as the informer takes it, and as a list comprehension over the dictionary would have it.
_INDEXES: dict[str, tuple[Indexer[Pod], Callable[[State], list[str]]]] = {
    "label": (label_index("app"), lambda state: [state.app] if state.app else []),
    "field": (field_index("spec.nodeName"), lambda state: [f"n{state.number % 3}"]),
    "function": (
        index("function", lambda pod: [f"at least {each}" for each in range(pod.number)]),
        lambda state: [f"at least {each}" for each in range(state.number)],
    ),
}


class Write(StrEnum):
    """What is written to an object; one that is not there is created."""

    TOUCH = "touch"
    RELABEL = "relabel"
    DELETE = "delete"
    RELEASE = "release"
    RECREATE = "recreate"


_GOOD = st.sampled_from([Fate.FINE, Fate.FINE, Fate.PART])
_LINKS = st.sampled_from([slice(None), slice(None), slice(1), slice(1, None)])  # all, or one namespace's alone
_WRITES = st.tuples(st.sampled_from(Write), _keys, _apps)


class Trouble(StrEnum):
    """What happens to the server as a whole."""

    COMPACTION = "compaction"
    RESTART = "restart"
    RESTART_WITHOUT_HISTORY = "restart without history"
    RESTORE = "restore from a backup"


class InformerMachine(RuleBasedStateMachine):
    """One informer, one cluster, and a network that does what is drawn."""

    figures: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.clock = HandClock()
        self.cluster = Cluster()
        self.witnesses: list[Witness] = []
        self.indexes: dict[str, Index[Pod]] = {}
        self.reports: list[ErrorReport] = []
        self.raised = 0
        self.snapshots: list[tuple[Snapshot[Pod], list[tuple[ObjectKey, int]]]] = []
        self.figures["model: examples"] += 1

    @initialize(
        streaming=st.sampled_from(Streaming),
        namespaces=st.sampled_from([("",), ("a",), ("a", "b")]),
        app=st.sampled_from(["", "web"]),
        dropping=st.booleans(),
        resync=st.sampled_from([None, timedelta(seconds=30)]),
        there=st.dictionaries(_keys, _apps, max_size=6),
        handlers=st.lists(_HANDLERS, max_size=2),
        started=st.sampled_from([True, True, False]),
    )
    def begin(
        self,
        *,
        streaming: Streaming,
        namespaces: Sequence[str],
        app: str,
        dropping: bool,
        resync: timedelta | None,
        there: dict[ObjectKey, str],
        handlers: list[tuple[Callable[..., Witness], str, int, timedelta | None]],
        started: bool,
    ) -> None:
        for key, each in there.items():
            self.cluster.create(key, each)
        self.app = app
        self.dropping = dropping
        self.network = Network(self.cluster, self.clock, streaming, self.figures)
        self.transport = Transport(
            SimpleNamespace(
                configuration=SimpleNamespace(host="http://127.0.0.1:1"),
                rest_client=SimpleNamespace(pool_manager=urllib3.PoolManager()),
                default_headers={},
            )
        )
        self.informer = SharedInformer(
            PODS,
            Pod,
            self.transport,
            namespaces=namespaces,
            options=ListOptions(label_selector=f"app={app}" if app else ""),
            transform=drop("spec.secret") if dropping else None,
            resync=resync,
            on_error=self.reports.append,
            clock=self.clock,
            source_factory=self.network,
        )
        self.lister = GenericLister(self.informer)
        for form, *wishes in handlers:
            self.witnesses.append(form(*wishes))
            self.witnesses[-1].register(self.informer)
        if started:
            self.informer.start()

    # ---- what happens in the cluster

    @rule(writes=st.lists(_WRITES, min_size=1, max_size=4))
    def write(self, writes: list[tuple[Write, ObjectKey, str]]) -> None:
        for what, key, app in writes:
            self._write(what, key, app)
        self.figures["model: writes"] += len(writes)

    def _write(self, what: Write, key: ObjectKey, app: str) -> None:
        cluster, state = self.cluster, self.cluster.objects.get(key)
        if state is None:
            cluster.create(key, app, held=what is Write.RELEASE)
        elif what is Write.TOUCH:
            cluster.change(key, number=state.number + 1)
        elif what is Write.RELABEL:  # and so move it in or out of selections
            cluster.change(key, app=app)
        elif what is Write.RELEASE:
            cluster.release(key)
        else:
            cluster.delete(key)
            if what is Write.RECREATE and not state.held:  # be it within one relist
                cluster.create(key, app)

    @rule(what=st.sampled_from(Trouble), back=st.integers(1, 6))
    def trouble(self, what: Trouble, back: int) -> None:
        if what is not Trouble.COMPACTION:
            for link in self.network.links:
                link.disconnect()
        if what is Trouble.RESTORE:
            self.cluster.restore(sorted(self.cluster.states)[-back:][0])
        elif what is not Trouble.RESTART:
            self.cluster.compact()
        self.figures[f"model: fault {what}"] += 1

    # ---- what happens in between

    @rule(which=st.integers(0, 1), fate=st.sampled_from([*FATES, *[Fate.FINE] * 6]), amount=st.integers(0, 400))
    def act(self, which: int, fate: Fate, amount: int) -> None:
        if self.network.links:
            self.network.links[which % len(self.network.links)].act(fate, amount)

    @rule(times=st.integers(2, 8), who=_LINKS, fate=_GOOD)
    def act_well(self, times: int, who: slice, fate: Fate) -> None:
        for _ in range(times):
            for link in self.network.links[who]:
                link.act(fate, 150)

    @rule(writes=st.lists(_WRITES, min_size=3, max_size=8), who=_LINKS, fate=_GOOD)
    def bustle(self, writes: list[tuple[Write, ObjectKey, str]], who: slice, fate: Fate) -> None:
        """Everything at once: a write, a piece of the network's, and one call of each handler, again and again."""
        for what, key, app in writes:
            self._write(what, key, app)
            for link in self.network.links[who]:
                link.act(fate, 300)
            for witness in self.witnesses:
                self._deliver(witness, 1)
        self.figures["model: writes"] += len(writes)

    @rule(seconds=st.sampled_from([0.5, 5.0, 31.0, 200.0, 700.0]))
    def pass_time(self, seconds: float) -> None:
        self.network.pass_time(seconds)

    # ---- what the user does

    @rule()
    def start(self) -> None:
        if self.informer.state is InformerState.STOPPED:
            with pytest.raises(InformerStoppedError):
                self.informer.start()
        else:
            self.informer.start()

    @precondition(lambda self: len(self.witnesses) < 4)
    @rule(handler=_HANDLERS)
    def add_handler(self, handler: tuple[Callable[..., Witness], str, int, timedelta | None]) -> None:
        form, *wishes = handler
        witness = form(*wishes)
        if self.informer.state is InformerState.STOPPED:
            with pytest.raises(InformerStoppedError):
                witness.register(self.informer)
        else:
            witness.register(self.informer)
            self.witnesses.append(witness)

    @precondition(lambda self: self.witnesses)
    @rule(which=st.integers(0, 3))
    def remove_handler(self, which: int) -> None:
        witness = self.witnesses.pop(which % len(self.witnesses))
        calls = witness.calls
        assert witness.registration.remove()
        assert deliver(witness.registration) == 0
        assert witness.calls == calls

    @precondition(lambda self: self.witnesses)
    @rule(which=st.integers(0, 3), limit=st.integers(1, 4), trouble=st.booleans())
    def deliver(self, which: int, limit: int, trouble: bool) -> None:
        """A handler gets to some of what waits for it; what it raises keeps nothing from coming."""
        witness = self.witnesses[which % len(self.witnesses)]
        witness.raises = trouble
        self._deliver(witness, limit)
        self.raised += trouble and not witness.raises
        witness.raises = False

    def _deliver(self, witness: Witness, limit: int | None = None) -> None:
        calls = witness.calls
        deliver(witness.registration, limit)
        self.figures["model: handler calls"] += witness.calls - calls

    @rule(name=st.sampled_from(sorted(_INDEXES)))
    def add_index(self, name: str) -> None:
        self.indexes[name] = self.informer.add_index(_INDEXES[name][0])

    @rule()
    def look(self) -> None:
        """A snapshot stays what it is, whatever comes."""
        if self.informer.has_synced():
            found = self.lister.list()
            self.snapshots = [*self.snapshots[-2:], (found, sorted((pod.key, pod.version) for pod in found))]

    @precondition(lambda self: self.informer.state is not InformerState.NEW)
    @rule()
    def settle(self) -> None:
        """The network is fine for a while, and everybody comes to rest."""
        if self.informer.state is InformerState.STOPPED:
            return
        requests = self.figures["model: requests"]
        for _ in range(60):
            for link in self.network.links:
                link.act(Fate.FINE)
            if any(link.silent for link in self.network.links):
                self.network.pass_time(60)
            if all(link.follows for link in self.network.links):
                break
        else:
            raise AssertionError(f"it does not come to rest: {self.informer.statistics()}")
        assert self.figures["model: requests"] - requests < 30 * len(self.network.links)
        for witness in self.witnesses:
            self._deliver(witness)
        self.figures["model: times settled"] += 1
        self.check_reports()
        self.check_settled()

    @precondition(lambda self: self.informer.state is not InformerState.NEW)
    @rule(really=st.sampled_from([False, False, False, False, False, True]))
    def stop(self, really: bool) -> None:
        if not really:  # seldom: what comes after it is soon told
            return
        assert self.informer.stop().clean
        self.figures["model: stops"] += 1
        for witness in self.witnesses:
            assert deliver(witness.registration) == 0

    # ---- what must hold

    def truth(self) -> dict[ObjectKey, State]:
        """What a dictionary holds that is kept up to the resourceVersion at which each namespace says it is."""
        held: dict[ObjectKey, State] = {}
        for namespace in self.informer.namespaces:
            if self.informer._store.synced(namespace):
                revision = int(self.informer._store.resource_version(namespace))
                held |= self.cluster.selected(namespace, self.app, revision)
        return held

    @invariant()
    def the_cache_is_a_state_that_the_cluster_was_in(self) -> None:
        if not hasattr(self, "informer"):
            return
        self.figures["model: steps"] += 1
        self.check_reports()
        truth = self.truth()
        entries = self.informer.read_entries(allow_unsynced=True) if self.informer.state != "new" else []
        assert {each.key: (each.uid, int(each.resource_version)) for each in entries} == {
            key: (state.uid, state.version) for key, state in truth.items()
        }
        assert self.informer.has_synced() == all(map(self.informer._store.synced, self.informer.namespaces))
        for found, then in self.snapshots:
            assert sorted((pod.key, pod.version) for pod in found) == then
        for witness in self.witnesses:
            synced = witness.registration.has_synced()
            assert self.informer.has_synced() or not synced
            assert synced or not witness.synced, "a sync is for ever"
            witness.synced = synced

    def check_reports(self) -> None:
        for report in self.reports:
            if isinstance(report.exception, AssertionError):
                raise report.exception  # a witness said so, and the informer went on
        reasons = Counter(str(report.reason) for report in self.reports)
        assert reasons["handler"] == self.raised
        assert {*reasons} & {"internal", "sink", "poison", "unknown-event", "undecodable", "index-function"} == set()

    def check_settled(self) -> None:
        truth = {
            key: state
            for namespace in self.informer.namespaces
            for key, state in self.cluster.selected(namespace, self.app).items()
        }
        assert truth == self.truth(), "nothing is under way"
        for link in self.network.links:
            link.bookmark()
            assert self.informer._store.resource_version(link.namespace) == str(self.cluster.revision)
        for key in _KEYS:
            pod, state = self.lister.find(key) if self._covers(key.namespace) else None, truth.get(key)
            assert (pod is None) == (state is None)
            if pod is not None and state is not None:
                assert pod.complete
                assert (pod.uid, pod.version, pod.app, pod.number) == (
                    state.uid,
                    state.version,
                    state.app,
                    state.number,
                )
                assert (pod.secret is None) == self.dropping
                self.informer.wait_for(pod)
        self.check_selections(truth)
        self.check_indexes(truth)
        known = {key: (state.uid, state.version) for key, state in truth.items()}
        for witness in self.witnesses:
            assert witness.known == {key: each for key, each in known.items() if witness.wants(truth[key].app)}
            assert witness.registration.has_synced()
            assert witness.registration.statistics().pending == 0
        statistics = self.informer.statistics()
        assert statistics.state is InformerState.SYNCED
        assert statistics.connected
        assert statistics.objects == len(truth)

    def _covers(self, namespace: str) -> bool:
        return self.informer.namespaces == ("",) or namespace in self.informer.namespaces

    def check_selections(self, truth: dict[ObjectKey, State]) -> None:
        for text, matches in _SELECTORS.items():
            expected = {key for key, state in truth.items() if matches(state.app)}
            assert {pod.key for pod in self.lister.list(text)} == expected
            for namespace in filter(self._covers, NAMESPACES):
                found = self.lister.namespace(namespace).list(text)
                assert {pod.key for pod in found} == {key for key in expected if key.namespace == namespace}
        found = self.lister.list(field_selector="spec.nodeName=n1")
        assert {pod.key for pod in found} == {key for key, state in truth.items() if state.number % 3 == 1}
        assert len(self.lister) == len(truth)
        assert {*self.lister.keys()} == {*truth}

    def check_indexes(self, truth: dict[ObjectKey, State]) -> None:
        for name, found in self.indexes.items():
            expected: dict[str, set[ObjectKey]] = {}
            for key, state in truth.items():
                for value in _INDEXES[name][1](state):
                    expected.setdefault(value, set()).add(key)
            assert found.index_values() == sorted(expected)
            for value, keys in expected.items():
                assert found.object_keys(value) == sorted(keys)
                assert {pod.key for pod in found[value]} == keys

    def teardown(self) -> None:
        if not hasattr(self, "informer"):
            return
        try:
            if self.informer.state not in {InformerState.NEW, InformerState.STOPPED}:
                self.settle()
            assert self.informer.stop().clean
        finally:
            self.transport.close()


_SELECTORS: dict[str, Callable[[str], bool]] = {
    "": lambda app: True,
    "app=web": lambda app: app == "web",
    "app!=web": lambda app: app != "web",
    "app in (web,db)": lambda app: app in {"web", "db"},
    "!app": lambda app: not app,
}


@pytest.mark.hypothesis
@pytest.mark.timeout(400)
def test_an_informer_is_a_dictionary(monkeypatch: pytest.MonkeyPatch, figures: Counter[str]) -> None:
    without_threads(monkeypatch)
    monkeypatch.setattr(logging.getLogger("kinform"), "disabled", True)  # thousands of warnings, all asked for
    monkeypatch.setattr(InformerMachine, "figures", figures)
    run_state_machine_as_test(
        InformerMachine,
        settings=settings(
            max_examples=settings().max_examples * 12,
            stateful_step_count=40,
            report_multiple_bugs=False,
            phases=set(Phase) - {Phase.explain},  # which takes longer than all the rest
        ),
    )
