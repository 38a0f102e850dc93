"""Stopping from any state, forking, and what is left: nothing, or what is named."""

from __future__ import annotations

import socket
import subprocess
import sys
import textwrap
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import urllib3

from kinform.informer import InformerState, SharedInformer
from kinform.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runtime.informer.conftest import MakeInformer, MakePod, Pod, Recorder

    from kinform.informer import Event
    from kinform.meta import Resource
    from kinform.testing.fake_source import FakeFeed, FakeSource


def threads_of_kinform() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("kinform")]


def real_transport(port: int) -> Transport:
    client = SimpleNamespace(
        configuration=SimpleNamespace(host=f"http://127.0.0.1:{port}"),
        rest_client=SimpleNamespace(pool_manager=urllib3.PoolManager()),
        default_headers={},
    )
    return Transport(client)


@pytest.fixture
def mute_server() -> Iterator[socket.socket]:
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_it_stops_within_two_seconds_while_the_server_is_silent(
    pods: Resource, pod_class: type[Pod], mute_server: socket.socket
) -> None:
    with real_transport(mute_server.getsockname()[1]) as transport:
        informer = SharedInformer(pods, pod_class, transport, namespaces=("a", "b"))
        informer.add_key_handler(print)
        informer.start()
        peers = [mute_server.accept()[0] for _ in range(2)]
        assert all(peer.recv(1000).startswith(b"GET /api/v1/namespaces/") for peer in peers)
        assert len(threads_of_kinform()) == 3
        began = time.monotonic()
        assert informer.stop().clean
        assert time.monotonic() - began < 2
        for peer in peers:
            peer.close()
    assert threads_of_kinform() == []


def test_it_stops_within_two_seconds_while_backing_off(pods: Resource, pod_class: type[Pod]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed_port = server.getsockname()[1]
    reported = threading.Event()
    with real_transport(closed_port) as transport:
        informer = SharedInformer(pods, pod_class, transport, on_error=lambda report: reported.set())
        informer.start()
        assert reported.wait(10)
        began = time.monotonic()
        assert informer.stop().clean
        assert time.monotonic() - began < 2
        assert informer.last_error is not None
        statistics = informer.statistics()
        assert statistics.restarts
        assert not statistics.connected


@pytest.mark.scenario("fault-stop-handler")
def test_a_stop_names_what_is_left_and_that_touches_nothing_afterwards(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod, recorder: type[Recorder]
) -> None:
    heard = recorder()
    gate = heard.block()
    informer.add_handler(heard.on_event, name="stuck")
    feed.replace(pod("a", 1), pod("b", 2), resource_version=2)
    heard.wait_until_inside()
    began = time.monotonic()
    result = informer.stop(0.1)
    assert time.monotonic() - began < 2
    assert result.unfinished == ("kinform pods/v1: stuck",)
    assert not result.clean
    gate.set()
    assert informer.stop(10).clean
    assert heard.take(1) == ["ADDED a@1 initial"]
    assert heard.calls.empty()


def test_a_stop_from_within_a_handler_does_not_wait_for_itself(
    informer: SharedInformer[Pod], feed: FakeFeed, pod: MakePod
) -> None:
    results = []
    done = threading.Event()

    def leave(event: Event[Pod]) -> None:
        results.append(informer.stop(10))
        done.set()

    informer.add_handler(leave, name="leaver")
    feed.replace(pod("a", 1), resource_version=2)
    assert done.wait(5)
    assert results[0].unfinished == ("kinform pods/v1: leaver",)


def test_a_stop_before_the_start_and_a_second_one_are_harmless(make: MakeInformer) -> None:
    informer = make()
    assert informer.stop().clean
    assert informer.stop().clean
    assert informer.state is InformerState.STOPPED


def test_a_stop_does_not_wait_for_an_index_function(make: MakeInformer, source: FakeSource, pod: MakePod) -> None:
    """It runs while the cache is being written."""
    from kinform.store import index

    entered, gate = threading.Event(), threading.Event()

    def slow(pod: Pod) -> list[str]:
        entered.set()
        assert gate.wait(30)
        return []

    informer = make()
    informer.add_index(index("slow", slow))
    informer.add_key_handler(print)
    informer.start()
    feed = source.feed()
    writer = threading.Thread(target=feed.replace, args=(pod("a", 1),), kwargs={"resource_version": 1})
    writer.start()
    assert entered.wait(10)
    began = time.monotonic()
    informer.stop(0.1)
    assert time.monotonic() - began < 2
    gate.set()
    writer.join(10)


def test_threads_that_cannot_be_started_leave_an_informer_that_can_be_stopped(
    make: MakeInformer, source: FakeSource, monkeypatch: pytest.MonkeyPatch, recorder: type[Recorder]
) -> None:
    informer = make()
    informer.add_handler(recorder().on_event)

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError):
        informer.start()
    monkeypatch.undo()
    assert informer.stop(10).clean


FORK = """
    import os, sys, threading
    from types import SimpleNamespace
    import urllib3
    from kinform.errors import ForkedError
    from kinform.factory import InformerFactory
    from kinform.informer import InformerState
    from kinform.meta import ObjectKey, Resource
    from kinform.testing.fake_source import FakeSource
    from kinform.transport import Transport

    PODS = Resource("", "v1", "pods", "Pod", True)
    BODY = b'{"metadata": {"name": "a", "namespace": "shop", "uid": "u", "resourceVersion": "1"}}'

    class Pod:
        def __init__(self, data): self.data = data
        @classmethod
        def from_wire(cls, data): return cls(data)
        def to_wire(self): return self.data

    client = SimpleNamespace(
        configuration=SimpleNamespace(host="http://127.0.0.1:1"),
        rest_client=SimpleNamespace(pool_manager=urllib3.PoolManager()),
        default_headers={},
    )

    def refuses(call, *arguments, **options):
        try:
            call(*arguments, **options)
        except ForkedError:
            return True
        return False

    source = FakeSource()
    transport = Transport(client)
    factory = InformerFactory(transport, source_factory=source)
    unstarted = InformerFactory(transport, source_factory=source)
    informer = factory.informer_for(PODS, Pod)
    registration = informer.add_key_handler(lambda key: None)
    with factory:
        feed = source.feed()
        feed.replace(Pod(BODY), resource_version=1)
        registration.wait_for_sync(10)
        # As bad as can be: some other thread holds the locks while this one forks.
        informer._handlers._delivery.acquire()
        informer._life.acquire()
        child = os.fork()
        if child == 0:
            ok = (
                refuses(informer.read_entry, ObjectKey("shop", "a"))
                and refuses(informer.read_entries)
                and refuses(informer.add_key_handler, print)
                and refuses(informer.wait_for_sync)
                and refuses(informer.wait_for, Pod(BODY))
                and refuses(informer.start)
                and refuses(factory.start)
                and refuses(factory.wait_for_cache_sync)
                and refuses(factory.informer_for, PODS, Pod)
                and informer.state is InformerState.FORKED
                and informer.statistics().state is InformerState.FORKED
                and informer.stop().clean
                and factory.stop().clean
                and refuses(registration.wait_for_sync)
                and registration.remove()
                and not feed.stopped
                and not transport._lifetime.aborted
            )
            other = unstarted.informer_for(PODS, Pod)
            unstarted.start()
            ok = ok and other.state is InformerState.SYNCING and unstarted.stop().clean
            os._exit(0 if ok else 1)
        informer._life.release()
        informer._handlers._delivery.release()
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        feed.upsert(Pod(BODY.replace(b'"1"', b'"2"')))
        assert informer.read_entry(ObjectKey("shop", "a")).resource_version == "2"
    sys.exit(code)
"""


def test_after_a_fork_the_childs_copy_is_dead_and_says_so() -> None:
    """Run by itself: to fork a process with threads is what some versions of Python warn of."""
    program = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(FORK)]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_the_informer_imports_neither_models_nor_the_official_client() -> None:
    program = "import sys, kinform.factory; print([m for m in sys.modules if m in {'pydantic', 'kubernetes', 'kinform.model'}])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"
