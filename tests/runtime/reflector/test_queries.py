"""The parameters of the three requests, and which may be added to them."""

from __future__ import annotations

import pytest

from kinform.reflector import ReflectorOptions
from kinform.reflector.queries import initial_query, page_query, watch_query

OPTIONS = ReflectorOptions(label_selector="app=web", field_selector="spec.nodeName=n1", query=(("shardSelector", "x"),))
SELECTION = {"labelSelector": "app=web", "fieldSelector": "spec.nodeName=n1", "shardSelector": "x"}


@pytest.mark.scenario("fault-resource-version-matrix")
def test_streaming_list() -> None:
    query = dict(initial_query(OPTIONS, "", 333))
    assert query == {
        **SELECTION,
        "watch": "true",
        "allowWatchBookmarks": "true",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
        "timeoutSeconds": "333",
    }
    assert dict(initial_query(OPTIONS, "12", 333)) == {**query, "resourceVersion": "12"}


@pytest.mark.scenario("fault-resource-version-matrix")
def test_watch() -> None:
    expected = {**SELECTION, "watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": "400"}
    assert dict(watch_query(OPTIONS, "12", 400)) == {**expected, "resourceVersion": "12"}
    assert dict(watch_query(OPTIONS, "", 400)) == expected


@pytest.mark.scenario("fault-resource-version-matrix")
def test_list_never_has_a_version() -> None:
    assert dict(page_query(OPTIONS, "", paged=True)) == {**SELECTION, "limit": "500"}
    assert dict(page_query(OPTIONS, "token", paged=True)) == {**SELECTION, "limit": "500", "continue": "token"}
    assert dict(page_query(OPTIONS, "", paged=False)) == SELECTION


def test_empty_selectors_are_left_out() -> None:
    assert page_query(ReflectorOptions(), "", paged=False) == ()


@pytest.mark.parametrize("name", ["watch", "limit", "resourceVersion", "sendInitialEvents", "labelSelector"])
def test_the_reflectors_own_parameters_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        ReflectorOptions(query=((name, "1"),))


@pytest.mark.parametrize("bad", [{"page_size": 0}, {"watch_timeout": (5, 5)}, {"watch_timeout": (0, 5)}])
def test_senseless_numbers_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        ReflectorOptions(**bad)  # type: ignore[arg-type]
