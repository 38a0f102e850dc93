"""Reactors: who is asked, in which order, and what comes of what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from tests.runtime.end_to_end.conftest import pod

from kinform.errors import (
    ConflictError,
    ForbiddenError,
    InternalServerError,
    NotFoundError,
    Status,
    TooManyRequestsError,
    TransportError,
    UnauthorizedError,
)
from kinform.testing.fake_clientset import Action, CreateAction, Handled, Refuse
from kinform_k8s.models.authentication.v1 import TokenRequest, TokenRequestSpec, TokenRequestStatus
from kinform_k8s.models.core.v1 import ConfigMap, Pod
from kinform_k8s.models.meta.v1 import ObjectMeta

if TYPE_CHECKING:
    from kinform.testing.fake_clientset import Reactor
    from kinform_k8s.testing import FakeClientset


class Asked:
    """A reactor that leaves everything to others."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log

    def __call__(self, action: Action) -> None:
        self.log.append(f"{self.name}: {action}")


def test_the_last_to_come_is_asked_first_until_one_has_handled_it(fake: FakeClientset) -> None:
    log: list[str] = []
    fake.prepend_reactor("*", "*", Asked("first", log))
    fake.prepend_reactor("get", "pods", lambda _: Handled(pod("made-up")))
    fake.prepend_reactor("get", "pods", Asked("last", log))
    fake.add_reactor("get", "pods", Asked("behind", log))
    assert fake.core_v1().pods("shop").get("a").metadata.name == "made-up"
    assert log == ["last: get pods shop/a"]
    assert len(fake.core_v1().pods("shop").list()) == 2
    assert log[1:] == ["first: list pods shop"]


def test_whom_an_action_is_for(fake: FakeClientset) -> None:
    log: list[str] = []
    for verb, resource in (("*", "pods"), ("update", "*"), ("*", "pods/status"), ("create", "configmaps")):
        fake.prepend_reactor(verb, resource, Asked(f"{verb} {resource}", log))
    pods = fake.core_v1().pods("shop")
    changed = pods.update_status(pods.get("a"))
    pods.update(changed)
    fake.core_v1().config_maps("shop").create(ConfigMap(metadata=ObjectMeta(name="m")))
    fake.core_v1().nodes().list()
    pods.watch().close()  # which has reactors of its own
    assert log == [
        "* pods: get pods shop/a",
        "* pods/status: update pods/status shop/a",
        "update *: update pods/status shop/a",
        "* pods: update pods/status shop/a",
        "update *: update pods shop/a",
        "* pods: update pods shop/a",
        "create configmaps: create configmaps shop/m",
    ]


def test_it_sees_the_object_and_nothing_is_done(fake: FakeClientset) -> None:
    def react(action: Action) -> Handled | None:
        assert isinstance(action, CreateAction)
        made = action.object_as(Pod)
        made.metadata.uid = "from the reactor"
        return Handled(made)

    fake.prepend_reactor("create", "pods", react)
    assert fake.core_v1().pods("shop").create(pod("x")).metadata.uid == "from the reactor"
    with pytest.raises(NotFoundError):
        fake.core_v1().pods("shop").get("x")


def test_refusals_and_errors_come_out_of_the_call(fake: FakeClientset) -> None:
    pods = fake.core_v1().pods("shop")

    def conflict(_: Action) -> None:
        raise ConflictError(Status(409, "Conflict", "raised as it is"))

    def cut(_: Action) -> None:
        raise TransportError("the cable is cut")

    def wrong(_: Action) -> None:
        raise ZeroDivisionError

    fake.prepend_reactor("update", "pods", conflict)
    fake.prepend_reactor("patch", "pods", cut)
    fake.prepend_reactor("get", "pods", wrong)
    fake.prepend_reactor("delete", "pods", lambda _: Refuse(429, retry_after=3))
    fake.prepend_reactor("list", "pods", lambda _: Refuse(403, "not for you"))
    with pytest.raises(ConflictError, match="raised as it is"):
        pods.update(pod("a"))
    with pytest.raises(TransportError, match="the cable is cut"):
        pods.patch("a", {})
    with pytest.raises(ZeroDivisionError):
        pods.get("a")
    with pytest.raises(TooManyRequestsError) as told:
        pods.delete("a")
    assert told.value.retry_after == 3
    with pytest.raises(ForbiddenError, match="GET /api/v1/namespaces/shop/pods: 403 not for you"):
        pods.list()


def test_once_and_no_more(fake: FakeClientset) -> None:
    """The first attempt fails, the second meets the tracker: what tests of retries are made of."""
    failures = [Refuse(409, reason="Conflict"), Refuse(500)]
    fake.prepend_reactor("update", "pods", lambda _: failures.pop(0) if failures else None)
    pods = fake.core_v1().pods("shop")
    with pytest.raises(ConflictError):
        pods.update(pods.get("a"))
    with pytest.raises(InternalServerError):
        pods.update(pods.get("a"))
    assert pods.update(pods.get("a")).metadata.name == "a"


def test_new_credentials_are_asked_for_after_a_401(fake: FakeClientset) -> None:
    from kinform_k8s import Clientset

    refusals = [Refuse(401)]
    fake.prepend_reactor("get", "pods", lambda _: refusals.pop() if refusals else None)
    with Clientset(fake.client) as rotating:  # uncalled: a source of clients
        assert rotating.core_v1().pods("shop").get("a").metadata.name == "a"
    refusals.append(Refuse(401))
    with pytest.raises(UnauthorizedError):
        fake.core_v1().pods("shop").get("a")


def test_a_reactor_may_use_the_clientset_and_its_tracker(fake: FakeClientset) -> None:
    """As a controller beside this one would: who creates a ConfigMap finds a pod deleted."""

    def react(_: Action) -> None:
        fake.core_v1().pods("shop").delete("a")
        fake.tracker.add(pod("z"))

    fake.prepend_reactor("create", "configmaps", react)
    fake.core_v1().config_maps("shop").create(ConfigMap(metadata=ObjectMeta(name="m")))
    assert [each.metadata.name for each in fake.core_v1().pods("shop").list()] == ["b", "z"]
    assert [str(action) for action in fake.writes] == ["create configmaps shop/m", "delete pods shop/a"]


def test_answers_of_each_shape(fake: FakeClientset) -> None:
    pods = fake.core_v1().pods("shop")
    fake.prepend_reactor("list", "pods", lambda _: Handled([pod("x"), {"metadata": {"name": "y"}}]))
    listed = pods.list()
    assert [each.metadata.name for each in listed] == ["x", "y"]
    assert listed.resource_version == fake.tracker.resource_version
    fake.prepend_reactor("delete", "pods", lambda _: Handled())
    assert pods.delete("a") is None
    assert pods.get("a")
    fake.prepend_reactor("deletecollection", "pods", lambda _: Handled())
    pods.delete_collection()
    assert pods.get("a")


@pytest.mark.parametrize(
    ("verb", "react", "message"),
    [
        ("get", lambda _: Handled(), r"'get pods shop/a' and returned nothing: Handled\(…\) needs an object"),
        ("list", lambda _: Handled(), "needs a sequence of objects"),
        ("list", lambda _: Handled(pod("x")), "needs a sequence"),
        ("get", lambda _: Handled([pod("x")]), "with several objects"),
        ("get", lambda _: pod("x"), "a reactor returns Handled.* not Pod"),
        ("get", lambda _: True, "not True"),
    ],
)
def test_answers_that_are_none(fake: FakeClientset, verb: str, react: Reactor, message: str) -> None:
    fake.prepend_reactor(verb, "pods", react)
    pods = fake.core_v1().pods("shop")
    with pytest.raises(TypeError, match=message):
        pods.get("a") if verb == "get" else pods.list()


def test_behind_the_tracker_come_subresources_that_it_has_not(fake: FakeClientset) -> None:
    accounts = fake.core_v1().service_accounts("shop")
    request = TokenRequest(spec=TokenRequestSpec(audiences=["me"]))
    with pytest.raises(NotFoundError):
        accounts.create_token("default", request)

    def issue(action: Action) -> Handled:
        asked = cast("CreateAction", action).object_as(TokenRequest)
        asked.status = TokenRequestStatus(token=f"token for {action.name}")
        return Handled(asked)

    fake.add_reactor("create", "serviceaccounts/token", issue)
    issued = accounts.create_token("default", request)
    assert (issued.status.token, issued.spec.audiences) == ("token for default", ["me"])
    assert str(fake.actions[-1]) == "create serviceaccounts/token shop/default"


@pytest.mark.parametrize(
    ("verb", "resource", "message"),
    [
        ("delete-collection", "pods", "'delete-collection' is no verb here: known are get, list,"),
        ("watch", "pods", "watches have reactors of their own: prepend_watch_reactor"),
        ("get", "pod", "no resource 'pod' is served here"),
        ("get", "Pods", "resources go by their plural"),
    ],
)
def test_reactors_that_would_never_be_asked(fake: FakeClientset, verb: str, resource: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fake.prepend_reactor(verb, resource, Asked("never", []))
    with pytest.raises(ValueError, match=message):
        fake.add_reactor(verb, resource, Asked("never", []))
