"""An informer of pods that is fed by hand, handlers that record, and pods."""

from __future__ import annotations

import gc
import json
import queue
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

import pytest
import urllib3

from kinform.informer import SharedInformer
from kinform.meta import Resource
from kinform.testing.clock import VirtualClock
from kinform.testing.fake_source import FakeSource
from kinform.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import timedelta
    from typing import Unpack

    from kinform.clock import Clock
    from kinform.informer import ErrorReport, Event, ListOptions
    from kinform.informer.source import SourceFactory
    from kinform.meta import ObjectKey
    from kinform.testing.fake_source import FakeFeed
    from kinform.wire import Transform

PODS = Resource(group="", version="v1", plural="pods", kind="Pod", namespaced=True)


class Pod:
    """The least that a model can be; a body with ``spec.poison`` cannot be decoded."""

    inflated = 0

    def __init__(self, doc: dict[str, Any]) -> None:
        self.doc = doc
        metadata = doc["metadata"]
        self.name: str = metadata["name"]
        self.namespace: str = metadata.get("namespace", "")
        self.rv: str = metadata["resourceVersion"]
        self.uid: str = metadata["uid"]
        self.labels: dict[str, str] = metadata.get("labels", {})
        self.spec: dict[str, Any] = doc.get("spec", {})

    @classmethod
    def from_wire(cls, data: bytes) -> Pod:
        doc = json.loads(data)
        if doc["spec"].get("poison"):
            raise ValueError("this pod is poison")
        Pod.inflated += 1
        return cls(doc)

    def to_wire(self) -> bytes:
        return json.dumps(self.doc).encode()

    def __repr__(self) -> str:
        return f"{self.name}@{self.rv}"


class MakePod(Protocol):
    """As ``make_pod``."""

    def __call__(
        self,
        name: str,
        rv: int | str = 1,
        *,
        namespace: str = "shop",
        uid: str | None = None,
        labels: dict[str, str] | None = None,
        generation: int = 1,
        owner: str | None = None,
        **spec: object,
    ) -> Pod: ...


def make_pod(
    name: str,
    rv: int | str = 1,
    *,
    namespace: str = "shop",
    uid: str | None = None,
    labels: dict[str, str] | None = None,
    generation: int = 1,
    owner: str | None = None,
    **spec: object,
) -> Pod:
    metadata: dict[str, object] = {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-of-{name}" if uid is None else uid,
        "resourceVersion": str(rv),
        "generation": generation,
        "labels": labels or {},
    }
    if owner is not None:
        reference = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "name": owner,
            "uid": f"u-{owner}",
            "controller": True,
        }
        metadata["ownerReferences"] = [reference]
    return Pod({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


class Callbacks(TypedDict):
    on_add: Callable[[Pod], None]
    on_update: Callable[[Pod, Pod], None]
    on_delete: Callable[[Pod], None]


class Recorder:
    """What handlers were told, as short texts; and gates at which they can be held up."""

    def __init__(self) -> None:
        self.calls: queue.Queue[str] = queue.Queue()
        self.threads: set[threading.Thread] = set()
        self.gate: threading.Event | None = None
        self.entered = threading.Semaphore(0)

    def _tell(self, text: str) -> None:
        self.threads.add(threading.current_thread())
        self.entered.release()
        gate = self.gate
        if gate is not None:
            assert gate.wait(30)
        self.calls.put(text)

    def on_add(self, pod: Pod) -> None:
        self._tell(f"add {pod!r}")

    def on_update(self, old: Pod, new: Pod) -> None:
        self._tell(f"update {old!r} {new!r}")

    def on_delete(self, pod: Pod) -> None:
        self._tell(f"delete {pod!r}")

    def on_event(self, event: Event[Pod]) -> None:
        flags = [flag for flag in ("initial", "final_state_unknown") if getattr(event, flag)]
        states = [repr(state) for state in (event.old, event.new) if state is not None]
        self._tell(" ".join([event.type.value, *states, *flags]))

    def on_key(self, key: ObjectKey) -> None:
        self._tell(f"key {key}")

    @property
    def callbacks(self) -> Callbacks:
        return {"on_add": self.on_add, "on_update": self.on_update, "on_delete": self.on_delete}

    def take(self, count: int) -> list[str]:
        """The next calls, once they have been made."""
        return [self.calls.get(timeout=10) for _ in range(count)]

    def block(self) -> threading.Event:
        """From now on calls wait until the event is set."""
        self.gate = threading.Event()
        return self.gate

    def wait_until_inside(self) -> None:
        """Until one more call has begun."""
        assert self.entered.acquire(timeout=10)


class Options(TypedDict, total=False):
    """What an informer of pods can be made with."""

    namespaces: Sequence[str]
    options: ListOptions | None
    transform: Transform | None
    resync: timedelta | None
    on_error: Callable[[ErrorReport], object] | None
    clock: Clock
    source_factory: SourceFactory


class MakeInformer(Protocol):
    def __call__(self, **options: Unpack[Options]) -> SharedInformer[Pod]: ...


@pytest.fixture(autouse=True)
def clean(nothing_is_left: None) -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture
def transport() -> Iterator[Transport]:
    """Leads nowhere: nothing is ever sent over it."""
    client = SimpleNamespace(
        configuration=SimpleNamespace(host="http://127.0.0.1:1"),
        rest_client=SimpleNamespace(pool_manager=urllib3.PoolManager()),
        default_headers={},
    )
    with Transport(client) as transport:
        yield transport


@pytest.fixture
def pods() -> Resource:
    return PODS


@pytest.fixture
def pod() -> MakePod:
    return make_pod


@pytest.fixture
def pod_class() -> type[Pod]:
    return Pod


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def recorder() -> type[Recorder]:
    return Recorder


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def errors() -> list[ErrorReport]:
    """What was reported."""
    return []


@pytest.fixture
def make(
    transport: Transport, source: FakeSource, clock: VirtualClock, errors: list[ErrorReport]
) -> Iterator[MakeInformer]:
    """Makes informers of pods, and stops them in the end."""
    made: list[SharedInformer[Pod]] = []

    def make(**options: Unpack[Options]) -> SharedInformer[Pod]:
        given: Options = {"source_factory": source, "clock": clock, "on_error": errors.append, **options}
        informer = SharedInformer(PODS, Pod, transport, **given)
        made.append(informer)
        return informer

    yield make
    for informer in made:
        assert informer.stop(10).clean


@pytest.fixture
def informer(make: MakeInformer) -> SharedInformer[Pod]:
    """A started one, that has not synced."""
    informer = make()
    informer.start()
    return informer


@pytest.fixture
def feed(informer: SharedInformer[Pod], source: FakeSource) -> FakeFeed:
    """What feeds it."""
    return source.feed()
