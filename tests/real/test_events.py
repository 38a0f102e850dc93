"""Events against real API servers, which validate them, and as kubectl shows them."""

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kinform import Controller, EventRecorder, InvalidError, LeaderElection, Transport, run
from kinform.events import EventsApi
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.core.v1 import ConfigMap, Namespace, Node
from kinform_k8s.models.meta.v1 import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinform import ErrorReport
    from kinform.testing import ControlPlane

TIMEOUT = 30.0
APIS: list[EventsApi] = ["events.k8s.io/v1", "v1"]


@pytest.fixture
def clientset(control_plane: ControlPlane) -> Iterator[Clientset]:
    with Clientset(control_plane.client()) as clientset:
        yield clientset


@pytest.fixture
def config_map(clientset: Clientset) -> ConfigMap:
    namespace = clientset.core_v1().namespaces().create(Namespace(metadata=ObjectMeta(generate_name="events-")))
    config_map = ConfigMap(metadata=ObjectMeta(name="settings", namespace=namespace.metadata.name))
    return clientset.core_v1().config_maps(namespace.metadata.name).create(config_map)


def shown(control_plane: ControlPlane, namespace: str, *arguments: str) -> list[dict[str, Any]]:
    """The events of a namespace as kubectl gets them from the core API."""
    said = control_plane.kubectl("get", "events", "--namespace", namespace, "--output", "json", *arguments)
    items: list[dict[str, Any]] = json.loads(said)["items"]
    return items


@pytest.mark.parametrize("api", APIS)
def test_counts_rise_and_similar_ones_are_combined(
    control_plane: ControlPlane, clientset: Clientset, config_map: ConfigMap, api: EventsApi
) -> None:
    namespace = config_map.metadata.namespace
    lost: list[ErrorReport] = []
    before = datetime.now(UTC)
    with EventRecorder(control_plane.client(), "example.com/rollup", api=api, on_error=lost.append) as recorder:
        for _ in range(3):
            recorder.event(config_map, "Normal", "Synced", "it is in place")
        assert recorder.flush(TIMEOUT)
        for number in range(12):
            recorder.event(
                config_map, "Warning", "Failed", f"node {number} is full", action="Place", related=config_map
            )
        recorder.event(config_map, "Warning", "Large", "x" * 3000, field_path="data{a}", annotations={"a.b/c": "d"})
        recorder.event(config_map, "Warning", "Umlauts", "ä" * 3000)
        assert recorder.flush(TIMEOUT)
        statistics = recorder.statistics()
    assert lost == []
    assert (statistics.recorded, statistics.created, statistics.patched) == (17, 13, 4)

    events = clientset.events_v1().events(namespace).list().items
    assert len(events) == 13
    (synced,) = [event for event in events if event.reason == "Synced"]
    (combined,) = [event for event in events if event.note.startswith("(combined from similar events): node ")]
    assert (synced.regarding.kind, synced.regarding.uid) == ("ConfigMap", config_map.metadata.uid)
    assert synced.reporting_controller == "example.com/rollup"
    if api == "v1":
        assert (synced.deprecated_count, synced.series) == (3, None)
        assert (combined.deprecated_count, combined.note.endswith("node 11 is full")) == (3, True)
        assert synced.deprecated_source.component == "example.com/rollup"
    else:
        assert synced.event_time is not None
        assert before - timedelta(seconds=1) <= synced.event_time <= datetime.now(UTC)
        assert (synced.series.count if synced.series else 0, synced.action) == (3, "Synced")
        assert (combined.series.count if combined.series else 0) == 3
        assert combined.related is not None
    (large,) = [event for event in events if event.reason == "Large"]
    assert (large.note, large.metadata.annotations) == ("x" * 1021 + "…", {"a.b/c": "d"})

    # What people see.
    assert len(shown(control_plane, namespace)) == 13
    for_it = control_plane.kubectl("events", "--namespace", namespace, "--for", "configmap/settings")
    assert re.search(r"\(x3 over [^)]*\)\s+Normal\s+Synced\s+ConfigMap/settings\s+it is in place", for_it), for_it
    described = control_plane.kubectl("describe", "configmap", "settings", "--namespace", namespace)
    assert re.search(r"Normal\s+Synced\s+.*example.com/rollup.*\s+it is in place", described), described
    assert "(combined from similar events): node" in described


def test_why_a_combined_note_stays_in_the_events_api(clientset: Clientset, config_map: ConfigMap) -> None:
    with EventRecorder(clientset.transport, "rollup") as recorder:
        recorder.event(config_map, "Normal", "Seen", "it is there")
    events = clientset.events_v1().events(config_map.metadata.namespace)
    (event,) = events.list().items
    with pytest.raises(InvalidError, match="immutable"):
        events.patch(event.metadata.name, {"note": "it was there"})


@pytest.mark.parametrize("api", APIS)
def test_an_object_without_a_namespace_has_its_events_in_default(
    control_plane: ControlPlane, clientset: Clientset, api: EventsApi
) -> None:
    node = clientset.core_v1().nodes().create(Node(metadata=ObjectMeta(generate_name="node-")))
    with EventRecorder(control_plane.client(), "rollup", api=api) as recorder:
        recorder.event(node, "Normal", "Seen", "it is there")
        assert recorder.flush(TIMEOUT)
        assert recorder.statistics().failed == 0
    (event,) = shown(control_plane, "default", f"--field-selector=involvedObject.name={node.metadata.name}")
    assert (event["involvedObject"].get("namespace"), event["reason"]) == (None, "Seen")


@pytest.mark.parametrize("api", APIS)
def test_an_event_that_was_deleted_is_made_again(
    control_plane: ControlPlane, clientset: Clientset, config_map: ConfigMap, api: EventsApi
) -> None:
    events = clientset.core_v1().events(config_map.metadata.namespace)
    with EventRecorder(control_plane.client(), "rollup", api=api) as recorder:
        recorder.event(config_map, "Normal", "Seen", "it is there")
        assert recorder.flush(TIMEOUT)
        events.delete_collection()
        recorder.event(config_map, "Normal", "Seen", "it is there")
        assert recorder.flush(TIMEOUT)
        assert recorder.statistics().failed == 0
    (event,) = events.list().items
    assert event.count == 2 if event.series is None else event.series.count == 2


@pytest.mark.parametrize("api", APIS)
def test_who_may_not_write_events_is_told_which_right_is_missing(
    control_plane: ControlPlane, config_map: ConfigMap, api: EventsApi
) -> None:
    lost: list[ErrorReport] = []
    user = control_plane.client(control_plane.add_user(f"eve-{api.replace('/', '-')}"))
    with EventRecorder(user, "rollup", api=api, on_error=lost.append) as recorder:
        recorder.event(config_map, "Normal", "Seen", "it is there")
        assert recorder.flush(TIMEOUT)
        assert recorder.statistics().failed == 1
    (report,) = lost
    assert report.reason == "forbidden"
    group = "events.k8s.io" if api != "v1" else ""
    assert f'cannot create resource "events" in API group "{group}"' in str(report)


def test_an_election_shows_on_its_lease(control_plane: ControlPlane, config_map: ConfigMap) -> None:
    namespace = config_map.metadata.namespace
    stop = threading.Event()
    factory = SharedInformerFactory(control_plane.client(), namespace=namespace)
    config_maps = factory.core().v1().config_maps()
    controller = Controller("maps", lambda key: stop.set()).watches(config_maps)
    election = LeaderElection(lease=f"{namespace}/rollup", identity="me")
    with Transport(control_plane.client()) as transport, EventRecorder(transport, "rollup") as recorder:
        run(factory, controller, leader_election=election, recorder=recorder, stop=stop, sync_timeout=TIMEOUT)
    said = {event["message"]: event["involvedObject"] for event in shown(control_plane, namespace)}
    assert set(said) == {"me became leader", "me stopped leading"}
    lease = json.loads(control_plane.kubectl("get", "lease", "rollup", "-n", namespace, "-o", "json"))
    assert {subject["uid"] for subject in said.values()} == {lease["metadata"]["uid"]}
    described = control_plane.kubectl("describe", "lease", "rollup", "--namespace", namespace)
    assert "me stopped leading" in described
