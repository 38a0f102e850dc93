"""The whole controller, as it is deployed: queue, workers, back-off and reconnects, over HTTP.

The server is in this process and in memory, and makes trouble when it is asked to. A few tests, of a second or less.
"""

import pytest

from kinform.testing import Server, eventually
from kinform.testing.server import Cut, Refuse
from kinform_k8s.models.core.v1 import ConfigMap
from kinform_k8s.resources.core.v1 import CONFIG_MAPS
from support import deployment, running

# The server stands in for the garbage collector, too: what belongs to a Deployment goes with it.
pytestmark = pytest.mark.kinform_server(garbage_collection=True)


def images(server: Server) -> list[str]:
    """What the summaries say."""
    return [summary.data["images"] for summary in server.objects(CONFIG_MAPS, ConfigMap)]


def uids(server: Server) -> list[str]:
    """Which summaries there are."""
    return [summary.metadata.uid for summary in server.objects(CONFIG_MAPS, ConfigMap)]


def test_a_summary_follows_its_deployment(kinform_server: Server) -> None:
    with running(kinform_server.client, "shop") as clientset:
        deployments = clientset.apps_v1().deployments("shop")
        deployments.create(deployment("nginx:1"))
        eventually(lambda: images(kinform_server) == ["nginx:1"])
        deployments.update(deployment("nginx:2"))
        eventually(lambda: images(kinform_server) == ["nginx:2"])
        deployments.delete("web")
        eventually(lambda: images(kinform_server) == [])


def test_a_summary_that_is_deleted_by_mistake_comes_back(kinform_server: Server) -> None:
    with running(kinform_server.client, "shop") as clientset:
        clientset.apps_v1().deployments("shop").create(deployment())
        first = eventually(lambda: uids(kinform_server))
        clientset.core_v1().config_maps("shop").delete("web-summary")
        eventually(lambda: uids(kinform_server) not in ([], first))


def test_it_gets_over_refusals_and_cut_connections(kinform_server: Server) -> None:
    trouble = (Refuse(500), Refuse(409, reason="Conflict"), Refuse(429, retry_after=0), Cut())
    faults = [
        kinform_server.fault_next(lambda request: request.verb == "create" and "configmaps" in request.path, effect)
        for effect in trouble
    ]
    with running(kinform_server.client, "shop") as clientset:
        clientset.apps_v1().deployments("shop").create(deployment())
        eventually(lambda: images(kinform_server) == ["nginx:1"])
    assert [fault.remaining for fault in faults] == [0, 0, 0, 0]


def test_it_misses_nothing_while_the_server_is_away(kinform_server: Server) -> None:
    with running(kinform_server.client, "shop") as clientset:
        made = clientset.apps_v1().deployments("shop").create(deployment("nginx:1"))
        eventually(lambda: images(kinform_server) == ["nginx:1"])
        with kinform_server.outage(keep_history=False):
            made.spec.template.spec.containers[0].image = "nginx:2"
            kinform_server.put(made)
        eventually(lambda: images(kinform_server) == ["nginx:2"], timeout=30)
