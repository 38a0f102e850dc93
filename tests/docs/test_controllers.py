"""The programs of docs/controllers.md do what the page says, against an API server in memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from kinform.meta import Resource
from kinform.testing import eventually
from kinform.transport import Transport
from kinform_k8s import Clientset
from kinform_k8s.models.apps.v1 import Deployment, DeploymentSpec, DeploymentStatus
from kinform_k8s.models.core.v1 import Pod
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.resources.apps.v1 import DEPLOYMENTS

if TYPE_CHECKING:
    from tests.conftest import Program
    from tests.docs.conftest import Start

    from kinform.testing import Server

PAGE: Final = "docs/controllers.md"
EVENTS: Final = Resource("events.k8s.io", "v1", "events", "Event", namespaced=True)
PATIENCE: Final = 30.0
PLACES: Final[set[tuple[str, str]]] = set()


def below(heading: str) -> pytest.MarkDecorator:
    """The test runs the program below that heading."""
    PLACES.add((PAGE, heading))
    return pytest.mark.parametrize("place", [(PAGE, heading)], ids=[heading])


def deployment(replicas: int = 2, ready: int = 0) -> Deployment:
    return Deployment(
        metadata=ObjectMeta(name="web", namespace="shop"),
        spec=DeploymentSpec(replicas=replicas),
        status=DeploymentStatus(ready_replicas=ready),
    )


def events(server: Server, namespace: str) -> list[dict[str, Any]]:
    with Transport(server.client) as transport:
        items: list[dict[str, Any]] = json.loads(transport.request("GET", EVENTS.path(namespace)).body)["items"]
    return items


def test_every_program_that_runs_is_run(programs: list[Program]) -> None:
    pages = {(each.page, each.heading) for each in programs if each.page == PAGE and "run(factory" in each.code}
    assert pages == PLACES


@below("Clean up before an object goes")
def test_an_object_goes_after_its_cleanup(start: Start, server: Server) -> None:
    server.put(deployment())
    program = start()
    program.expect("keeping shop/web")
    with Clientset(server.client) as clientset:
        client = clientset.apps_v1().deployments("shop")
        assert client.get("web").metadata.finalizers == ["example.com/volumes"]
        client.delete("web")
        program.expect("removing the volumes of shop/web")
        eventually(lambda: not client.list().items, timeout=PATIENCE)
    program.interrupt()


@below("Say how it is: conditions")
def test_a_condition_follows_the_replicas(start: Start, server: Server) -> None:
    server.put(deployment())
    program = start()
    program.expect("shop/web 0 of 2 are ready")
    with Clientset(server.client) as clientset:
        client = clientset.apps_v1().deployments("shop")
        client.patch_status("web", {"status": {"readyReplicas": 2}})
        program.expect("shop/web 2 of 2 are ready")
        (condition,) = client.get("web").status.conditions
    assert (condition.type, condition.status, condition.reason) == ("example.com/Staffed", "True", "AllReady")
    assert condition.last_transition_time is not None
    program.interrupt()
    assert len([line for line in program.said if "are ready" in line]) == 2, "it does not answer itself"


@below("Tell people: events")
def test_events_are_there_after_the_end(start: Start, server: Server) -> None:
    server.put(deployment(replicas=0))
    program = start()
    eventually(lambda: events(server, "shop"), timeout=PATIENCE)
    program.interrupt()
    (event,) = events(server, "shop")
    assert (event["type"], event["reason"], event["action"]) == ("Warning", "Idle", "Audit")
    assert event["regarding"]["kind"] == "Deployment"
    assert sorted(each["note"].split(" ", 1)[1] for each in events(server, "default")) == [
        "became leader",
        "stopped leading",
    ]


@below("Not for ever, and with names in the log")
def test_log_lines_name_their_object(start: Start, server: Server) -> None:
    server.put(deployment())
    server.put(Pod(metadata=ObjectMeta(name="web-0", namespace="shop", labels={"app": "web"})))
    program = start()
    program.expect("INFO counting shop/web: 1 pods")
    server.delete(DEPLOYMENTS, "web", "shop")
    program.interrupt()
