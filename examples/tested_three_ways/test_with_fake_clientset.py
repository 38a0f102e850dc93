"""The reconciler by itself, call by call: what it asks of the API server, and what it makes of each answer.

No server, no threads but the informers', a few milliseconds each. Most tests of a controller are of this kind.
"""

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from kinform import ObjectKey, TerminalError
from kinform.errors import ConflictError
from kinform.testing.fake_clientset import CreateAction, FakeWatch, Refuse
from kinform_k8s import SharedInformerFactory
from kinform_k8s.models.apps.v1 import Deployment
from kinform_k8s.models.core.v1 import ConfigMap
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.testing import FakeClientset
from summaries import Summaries, summary_of
from support import deployment

KEY = ObjectKey("shop", "web")


def web(image: str = "nginx:1", *, asks: bool = True) -> Deployment:
    """As it comes from an API server: with its namespace and uid."""
    made = deployment(image, asks=asks)
    made.metadata.namespace, made.metadata.uid = KEY.namespace, "u1"
    return made


@contextmanager
def summaries(fake: FakeClientset) -> Generator[Summaries]:
    """The controller over a filled cache; its reconciler is called by the test, and by nobody else."""
    factory = SharedInformerFactory(fake.client)
    made = Summaries(factory, fake)  # which takes a Clientset: the fake is one
    with factory:
        factory.wait_for_cache_sync(timeout=10)
        yield made


def test_it_makes_a_summary() -> None:
    fake = FakeClientset(web())
    with summaries(fake) as controller:
        controller.reconcile(KEY)
    (action,) = fake.writes
    assert isinstance(action, CreateAction)
    made = action.object_as(ConfigMap)
    assert made.data == {"images": "nginx:1", "replicas": "2"}
    assert [owner.uid for owner in made.metadata.owner_references] == ["u1"]


def test_it_leaves_a_summary_that_is_right() -> None:
    fake = FakeClientset(web(), summary_of(web()))
    with summaries(fake) as controller:
        controller.reconcile(KEY)
    assert fake.writes == []


def test_it_corrects_one_that_is_wrong() -> None:
    fake = FakeClientset(web("nginx:2"), summary_of(web("nginx:1")))
    with summaries(fake) as controller:
        controller.reconcile(KEY)
    assert [str(action) for action in fake.writes] == ["update configmaps shop/web-summary"]
    assert fake.core_v1().config_maps("shop").get("web-summary").data["images"] == "nginx:2"


def test_it_takes_away_what_nobody_asks_for() -> None:
    fake = FakeClientset(web(asks=False), summary_of(web()))
    with summaries(fake) as controller:
        controller.reconcile(KEY)
    assert [str(action) for action in fake.writes] == ["delete configmaps shop/web-summary"]


def test_it_leaves_alone_what_is_somebody_elses() -> None:
    theirs = ConfigMap(metadata=ObjectMeta(name="web-summary", namespace="shop"), data={"mine": "!"})
    fake = FakeClientset(web(), theirs)
    with summaries(fake) as controller, pytest.raises(TerminalError, match="somebody else's"):
        controller.reconcile(KEY)
    assert fake.core_v1().config_maps("shop").get("web-summary").data == {"mine": "!"}


def test_it_does_not_mind_a_cache_that_is_behind() -> None:
    """The summary has just been made, and the informer has not heard of it yet: an empty watch sees to that."""
    fake = FakeClientset(web(), summary_of(web()))
    behind = FakeWatch()
    behind.bookmark(fake.tracker.resource_version, ends_initial_events=True)
    fake.prepend_watch_reactor("configmaps", lambda _: behind)
    with summaries(fake) as controller:
        controller.reconcile(KEY)  # finds none, cannot create it, and sees that it is its own
    assert [str(action) for action in fake.writes] == ["create configmaps shop/web-summary"]


def test_a_conflict_comes_out_of_it_to_be_tried_again() -> None:
    fake = FakeClientset(web("nginx:2"), summary_of(web("nginx:1")))
    conflicts = [Refuse(409, reason="Conflict")]
    fake.prepend_reactor("update", "configmaps", lambda _: conflicts.pop() if conflicts else None)
    with summaries(fake) as controller:
        with pytest.raises(ConflictError):
            controller.reconcile(KEY)
        controller.reconcile(KEY)
    assert fake.core_v1().config_maps("shop").get("web-summary").data["images"] == "nginx:2"
