"""Faults by script and by chance: what clients see of each, and that the same seed makes the same trouble."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from kinform.testing import FaultPlan
from kinform.testing.server import (
    Close,
    Cut,
    Delay,
    Drip,
    Duplicate,
    EndEarly,
    Expire,
    Garbage,
    Insert,
    RecordedRequest,
    Refuse,
    Reply,
    Stall,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.testing.server.conftest import Api

MAPS = "/api/v1/namespaces/shop/configmaps"


@pytest.fixture
def plan() -> FaultPlan:
    return FaultPlan(seed=1)


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def api(request: pytest.FixtureRequest, serve: Callable[..., Api], plan: FaultPlan) -> Api:
    """Faults do the same over either."""
    api = serve(faults=plan, tls=request.param)
    api.server.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}})
    return api


def test_a_script_goes_from_request_to_request(api: Api, plan: FaultPlan) -> None:
    plan.script("*/configmaps", None, Refuse(503, retry_after=2), Refuse(401), Expire(), Reply(502, b"<html>"))
    answers = [api.get(MAPS) for _ in range(6)]
    assert [answer.code for answer in answers] == [200, 503, 401, 410, 502, 200]
    assert answers[1].headers["retry-after"] == "2"
    assert answers[2].json["reason"] == "Unauthorized"
    assert (answers[4].body, answers[4].headers["content-type"]) == (b"<html>", "text/html")
    assert [request.fault for request in api.server.requests] == [
        None,
        Refuse(503, retry_after=2),
        Refuse(401),
        Expire(),
        Reply(502, b"<html>"),
        None,
    ]


def test_other_requests_are_left_alone(api: Api, plan: FaultPlan) -> None:
    plan.script(lambda request: request.verb == "create", Refuse(500))
    assert api.get(MAPS).code == 200
    assert api.post(MAPS, {"metadata": {"name": "b"}}).code == 500
    assert api.get(MAPS).names == ["a"]


def test_cuts(api: Api, plan: FaultPlan) -> None:
    plan.script("*", Cut(), Cut(after_bytes=10))
    with pytest.raises(http.client.RemoteDisconnected):
        api.get(MAPS)
    with pytest.raises(http.client.IncompleteRead) as caught:
        api.get(MAPS)
    assert len(caught.value.partial) == 10


def test_a_watch_that_ends_early(api: Api, plan: FaultPlan) -> None:
    plan.script("*", EndEarly(), EndEarly(after_bytes=20))
    assert api.watch(MAPS).ended()
    assert len(api.watch(MAPS).response.read()) == 20
    line = len(api.watch(MAPS).response.readline())
    plan.script("*", EndEarly(after_bytes=line + 5))
    watch = api.watch(MAPS)
    assert len(watch.response.readline()) == line
    api.server.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b", "namespace": "shop"}})
    assert len(watch.response.read()) == 5


def test_a_watch_that_has_expired(api: Api, plan: FaultPlan) -> None:
    plan.script("*", Expire())
    watch = api.watch(MAPS)
    event = watch.event()
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")
    assert watch.ended()


def test_events_told_twice(api: Api, plan: FaultPlan) -> None:
    plan.script("*", Duplicate(), Duplicate())
    assert api.watch(MAPS, resourceVersion="0").types(2) == ["ADDED a", "ADDED a"]
    assert api.get(MAPS).names == ["a"]


@pytest.mark.parametrize("effect", [Drip(size=7), Drip(size=1, pause=0.0001), Delay(0.01)])
def test_slow_answers_are_whole(api: Api, plan: FaultPlan, effect: Any) -> None:
    plain = api.get(MAPS).body
    plan.script("*", effect, effect)
    assert api.get(MAPS).body == plain
    assert api.watch(MAPS, resourceVersion="0").types(1) == ["ADDED a"]


def test_garbage_keeps_the_length(api: Api, plan: FaultPlan) -> None:
    plain = api.get(MAPS).body
    plan.script("*", Garbage(after_bytes=5, data=b"###"), Garbage())
    assert api.get(MAPS).body == plain[:5] + b"###" + plain[8:]
    line = api.watch(MAPS, resourceVersion="0").response.readline()
    with pytest.raises(ValueError, match=r"decode|Expecting"):
        json.loads(line)


def test_what_is_inserted_makes_the_body_longer(api: Api, plan: FaultPlan) -> None:
    plain = api.get(MAPS).body
    place = plain.index(b'"items":[') + len(b'"items":[')
    plan.script("*", Insert(b"{},", after_bytes=place), Insert(b'{"type":"ODD","object":{"metadata":{}}}\n'))
    answer = api.get(MAPS)
    assert [item.get("metadata", {}).get("name") for item in answer.json["items"]] == [None, "a"]
    assert int(answer.headers["content-length"]) == len(plain) + 3
    assert api.watch(MAPS, resourceVersion="0").types(2) == ["ODD", "ADDED a"]


@pytest.mark.parametrize("effect", [Close(), Refuse(429, close=True)])
def test_a_connection_that_ends_with_its_answer(api: Api, plan: FaultPlan, effect: Any) -> None:
    connection = api.connect()
    with contextlib.closing(connection):
        for sent in (None, effect):
            plan.script("*", sent)
            connection.request("GET", MAPS)
            response = connection.getresponse()
            assert json.loads(response.read())["kind"] == ("Status" if response.status == 429 else "ConfigMapList")
            assert response.getheader("Connection") == ("close" if sent else None)
        assert response.isclosed()
        assert connection.sock is None, "and it is"


@pytest.mark.parametrize("effect", [Stall(None), Stall(), Stall(after_bytes=30)])
def test_a_stall_ends_with_the_server(api: Api, plan: FaultPlan, effect: Stall) -> None:
    plan.script("*", effect)
    seen: list[type[BaseException]] = []

    def read() -> None:
        try:
            api.get(MAPS)
        except (OSError, http.client.HTTPException) as error:
            seen.append(type(error))

    thread = threading.Thread(target=read)
    thread.start()
    api.server.wait_for_requests("*")
    assert thread.is_alive()
    api.server.stop()
    thread.join(10)
    assert len(seen) == 1


def suffered(plan: FaultPlan, count: int = 200) -> list[str]:
    requests = [RecordedRequest("GET", f"/api/v1/pods/{n % 7}", {}) for n in range(count)]
    return [type(plan.take(request)).__name__ for request in requests]


def test_chance_is_the_same_for_the_same_seed() -> None:
    def plan(seed: int) -> FaultPlan:
        return FaultPlan(seed).chance("*", 0.3, Refuse(500), Cut())

    first = suffered(plan(1))
    assert first == suffered(plan(1))
    assert first != suffered(plan(2))
    assert {"Refuse", "Cut", "NoneType"} == set(first)
    assert 30 < 200 - first.count("NoneType") < 90


def test_chance_does_not_hang_on_the_order_of_requests() -> None:
    def run(paths: list[str]) -> dict[str, list[str]]:
        plan = FaultPlan(3).chance("*", 0.5, Refuse(500), Cut())
        found: dict[str, list[str]] = {}
        for path in paths:
            found.setdefault(path, []).append(repr(plan.take(RecordedRequest("GET", path, {}))))
        return found

    mixed = run(["/a", "/b"] * 20)
    assert mixed == run(["/a"] * 20 + ["/b"] * 20)
    assert mixed["/a"] != mixed["/b"]


def test_chance_can_be_used_up_and_a_plan_cleared() -> None:
    plan = FaultPlan().chance("*", 1.0, Cut(), times=3)
    assert suffered(plan, 5) == ["Cut", "Cut", "Cut", "NoneType", "NoneType"]
    plan.chance("*", 1.0, Cut()).clear()
    assert suffered(plan, 1) == ["NoneType"]
    for probability, effects in ((1.5, [Cut()]), (0.5, [])):
        with pytest.raises(ValueError, match="probability"):
            plan.chance("*", probability, *effects)


def test_a_plan_that_comes_later_and_single_faults(api: Api, plan: FaultPlan) -> None:
    later = FaultPlan().script("*", Refuse(500))
    api.server.follow(later)
    api.server.fault_next("*", Refuse(429))
    assert [api.get(MAPS).code for _ in range(3)] == [429, 500, 200]
