"""The lease on the wire: what is not understood comes back, times are what the server takes, and who holds it."""

from __future__ import annotations

import json

import pytest
from tests.runtime.leaderelection.conftest import KEY

from kinform.errors import AbortedError, AlreadyExistsError, ConflictError, NotFoundError, UndecodableObjectError
from kinform.leaderelection.lease import LEASES, Lease, LeaseRecord, micro_time
from kinform.leaderelection.lock import LeaseLock, Verb
from kinform.testing import Server
from kinform.transport import Abort, Transport

RECORD = LeaseRecord("me", 15, "2026-01-02T03:04:05.000000Z", "2026-01-02T03:04:06.000007Z", 3)
FULL = {
    "apiVersion": "coordination.k8s.io/v1",
    "kind": "Lease",
    "future": {"a": [1, None]},
    "metadata": {
        "name": "rollup",
        "namespace": "shop",
        "resourceVersion": "7",
        "labels": {"theirs": "x", "ours": "changed"},
        "annotations": {"a": "b"},
        "managedFields": [{"manager": "m", "fieldsV1": {"f:spec": {}}}],
        "somethingNew": 1.50,
    },
    "spec": {
        "holderIdentity": "other",
        "leaseDurationSeconds": 30,
        "strategy": "OldestEmulationVersion",
        "preferredHolder": "them",
        "renewTime": "2026-01-01T00:00:00.123456Z",
    },
}


def decode(tree: object) -> Lease:
    return Lease.decode(json.dumps(tree).encode(), KEY)


@pytest.mark.scenario("E03")
@pytest.mark.scenario("E11g")
def test_a_record_comes_back_as_it_went(bench: object) -> None:
    written = Lease.new(KEY, RECORD)
    assert json.loads(written.encode({})) == {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"namespace": "shop", "name": "rollup"},
        "spec": {
            "holderIdentity": "me",
            "leaseDurationSeconds": 15,
            "acquireTime": "2026-01-02T03:04:05.000000Z",
            "renewTime": "2026-01-02T03:04:06.000007Z",
            "leaseTransitions": 3,
        },
    }
    assert Lease.decode(written.encode({}), KEY).record == RECORD


def test_what_is_not_understood_is_written_back_as_it_came() -> None:
    lease = decode(FULL)
    assert lease.resource_version == "7"
    assert (lease.record.holder, lease.record.transitions) == ("other", 0)
    sent = json.loads(lease.replaced(RECORD).encode({}))
    assert {**sent, "spec": {}} == {**FULL, "spec": {}}
    assert sent["spec"] == {
        **FULL["spec"],  # type: ignore[dict-item]
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-01-02T03:04:05.000000Z",
        "renewTime": "2026-01-02T03:04:06.000007Z",
        "leaseTransitions": 3,
    }
    assert b'"somethingNew":1.5' in decode(FULL).encode({})


@pytest.mark.scenario("E11i")
def test_labels_of_ones_own_are_set_again_and_others_stay() -> None:
    sent = json.loads(decode(FULL).encode({"ours": "y"}))
    assert sent["metadata"]["labels"] == {"theirs": "x", "ours": "y"}


@pytest.mark.scenario("E11h")
@pytest.mark.parametrize("labels", [None, {}])
def test_labels_may_be_null_on_either_side(labels: object) -> None:
    tree = {**FULL, "metadata": {"name": "rollup", "labels": labels}}
    assert json.loads(decode(tree).encode({}))["metadata"]["labels"] == labels
    assert json.loads(decode(tree).encode({"a": "b"}))["metadata"]["labels"] == {"a": "b"}


@pytest.mark.parametrize("spec", [{}, None, "absent"])
def test_a_lease_without_a_spec_has_no_holder(spec: object) -> None:
    tree = {k: v for k, v in FULL.items() if k != "spec"} if spec == "absent" else {**FULL, "spec": spec}
    lease = decode(tree)
    assert lease.record == LeaseRecord()
    assert lease.record.holder == ""
    assert json.loads(lease.replaced(RECORD).encode({}))["spec"]["holderIdentity"] == "me"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"spec": {"holderIdentity": 7}}',
        b'{"spec": "x"}',
        b'{"metadata": {"labels": [1]}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_lease_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(UndecodableObjectError, match="lease shop/rollup cannot be decoded"):
        Lease.decode(data, KEY)


@pytest.mark.parametrize(
    ("wall", "text"),
    [
        (1_750_000_000.0, "2025-06-15T15:06:40.000000Z"),
        (1_750_000_000.25, "2025-06-15T15:06:40.250000Z"),
        (1_750_000_000.000001, "2025-06-15T15:06:40.000001Z"),
        (1_750_000_000.9999999, "2025-06-15T15:06:41.000000Z"),
        (0.0, "1970-01-01T00:00:00.000000Z"),
    ],
)
def test_a_time_has_exactly_six_digits(wall: float, text: str) -> None:
    assert micro_time(wall) == text


# ---- at a server


@pytest.fixture
def server() -> object:
    with Server(resources=[LEASES]) as server:
        yield server


@pytest.fixture
def transport(server: Server) -> object:
    with Transport(server.client()) as transport:
        yield transport


@pytest.mark.scenario("E11a")
@pytest.mark.scenario("E11b")
@pytest.mark.scenario("E11d")
@pytest.mark.scenario("E11f")
def test_the_lease_at_a_server(server: Server, transport: Transport) -> None:
    lock = LeaseLock(KEY, transport, {"app": "rollup"})
    abort = Abort()
    with pytest.raises(NotFoundError):
        lock.perform(Verb.GET, None, 5, abort)
    made = lock.perform(Verb.CREATE, Lease.new(KEY, RECORD), 5, abort)
    assert made.record == RECORD
    assert made.resource_version
    with pytest.raises(AlreadyExistsError):
        lock.perform(Verb.CREATE, Lease.new(KEY, RECORD), 5, abort)
    read = lock.perform(Verb.GET, None, 5, abort)
    assert (read.record, read.resource_version) == (RECORD, made.resource_version)
    tree = server.get(LEASES, "rollup", "shop")
    assert tree is not None
    tree["metadata"]["labels"] = {"theirs": "1"}  # type: ignore[index, call-overload]
    tree["spec"]["preferredHolder"] = "them"  # type: ignore[index, call-overload]
    server.put(tree)
    with pytest.raises(ConflictError):
        lock.perform(Verb.UPDATE, made, 5, abort)
    read = lock.perform(Verb.GET, None, 5, abort)
    written = lock.perform(Verb.UPDATE, read.replaced(LeaseRecord(holder_identity="")), 5, abort)
    assert written.record.holder == ""
    after = server.get(LEASES, "rollup", "shop")
    assert after is not None
    assert after["metadata"]["labels"] == {"theirs": "1", "app": "rollup"}  # type: ignore[index, call-overload]
    assert after["spec"]["preferredHolder"] == "them"  # type: ignore[index, call-overload]
    assert [(each.method, each.path) for each in server.requests][-1] == (
        "PUT",
        "/apis/coordination.k8s.io/v1/namespaces/shop/leases/rollup",
    )
    abort.abort()
    with pytest.raises(AbortedError):
        lock.perform(Verb.GET, None, 5, abort)
    assert str(lock) == "shop/rollup"
