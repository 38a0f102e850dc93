"""Names lead to resources; what is not known is asked for anew, once for all who ask, and then said clearly."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from kinform import AmbiguousMatchError, NoMatchError, RestMapper, ServiceUnavailableError
from kinform.errors import DiscoveryError, Status, TransportError, status_error
from kinform.meta import Resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.runtime.discovery.conftest import Documents

Make = Any

PODS = Resource("", "v1", "pods", "Pod", namespaced=True)
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment", namespaced=True)
OLD_DEPLOYMENTS = Resource("apps", "v1beta1", "deployments", "Deployment", namespaced=True)
CORE_EVENTS = Resource("", "v1", "events", "Event", namespaced=True)


@pytest.fixture
def served(documents: Documents, make_resource: Make) -> Documents:
    deployments = make_resource("deployments", "Deployment", shortNames=["deploy"])
    documents.serve(
        {
            "v1": [
                make_resource("pods", "Pod", shortNames=["po"]),
                make_resource("events", "Event", shortNames=["ev"]),
                make_resource("endpoints", "Endpoints", shortNames=["ep"]),
                make_resource("namespaces", "Namespace", namespaced=False, shortNames=["ns"]),
            ]
        },
        {
            "apps": {"v1": [deployments], "v1beta1": [deployments]},
            "events.k8s.io": {"v1": [make_resource("events", "Event", shortNames=["ev"])]},
            "metrics.k8s.io": {"v1beta1": [make_resource("pods", "PodMetrics", singularResource="")]},
            "a.example.com": {"v1": [make_resource("widgets", "Widget", shortNames=["wd"])]},
            "b.example.com": {"v1": [make_resource("widgets", "Widget"), make_resource("gadgets", "Widget")]},
        },
    )
    return documents


@pytest.fixture
def mapper(served: Documents) -> RestMapper:
    return RestMapper(served)  # type: ignore[arg-type]


# ---- names


@pytest.mark.parametrize("name", ["deployments", "deployment", "deploy", "Deployment", "DEPLOY"])
def test_a_resource_of_a_version_by_its_names(mapper: RestMapper, name: str) -> None:
    assert mapper.for_resource("apps/v1", name).resource == DEPLOYMENTS
    assert mapper.for_resource("apps/v1beta1", name).resource == OLD_DEPLOYMENTS


def test_a_kind_of_a_version(mapper: RestMapper) -> None:
    assert mapper.for_kind("apps/v1", "Deployment").resource == DEPLOYMENTS
    assert mapper.for_kind("v1", "Pod").resource == PODS
    assert not mapper.for_kind("v1", "Namespace").resource.namespaced
    with pytest.raises(NoMatchError, match=r"apps/v1 has no kind 'deployment': did you mean Deployment\?"):
        mapper.for_kind("apps/v1", "deployment")


@pytest.mark.parametrize(
    ("text", "resource"),
    [
        ("deploy", DEPLOYMENTS),
        ("deployments", DEPLOYMENTS),
        ("Deployment", DEPLOYMENTS),
        ("deploy.apps", DEPLOYMENTS),
        ("deployments.v1beta1.apps", OLD_DEPLOYMENTS),
        ("Deployment.v1.apps", DEPLOYMENTS),
        ("pods", PODS),
        ("pod.v1", PODS),
        ("po", PODS),
        ("ev", CORE_EVENTS),
        ("events", CORE_EVENTS),
        ("events.events.k8s.io", Resource("events.k8s.io", "v1", "events", "Event", namespaced=True)),
        ("pods.metrics.k8s.io", Resource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", namespaced=True)),
        ("podmetrics", Resource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", namespaced=True)),
        ("wd", Resource("a.example.com", "v1", "widgets", "Widget", namespaced=True)),
        ("widgets.b.example.com", Resource("b.example.com", "v1", "widgets", "Widget", namespaced=True)),
    ],
)
def test_names_as_people_type_them(mapper: RestMapper, text: str, resource: Resource) -> None:
    """The core group comes before all others, and the preferred version before others of its group."""
    assert mapper.resolve(text).resource == resource


def test_a_better_name_goes_before_a_short_one(documents: Documents, make_resource: Make) -> None:
    documents.serve({"v1": [make_resource("a", "A", shortNames=["b"]), make_resource("b", "B")]}, {})
    mapper = RestMapper(documents)  # type: ignore[arg-type]
    assert mapper.resolve("b").resource.kind == "B"
    assert mapper.for_resource("v1", "b").resource.kind == "B"


def test_what_fits_several_is_refused_with_all_of_them(mapper: RestMapper) -> None:
    with pytest.raises(AmbiguousMatchError) as caught:
        mapper.resolve("widgets")
    assert caught.value.candidates == ("widgets.a.example.com/v1", "widgets.b.example.com/v1")
    assert str(caught.value) == (
        "'widgets' may be widgets.a.example.com/v1 or widgets.b.example.com/v1:"
        " say which, such as 'widgets.v1.a.example.com'"
    )
    assert mapper.resolve("widgets.v1.a.example.com").resource.group == "a.example.com"
    with pytest.raises(AmbiguousMatchError, match=r"the kind Widget of b\.example.com/v1 may be"):
        mapper.for_kind("b.example.com/v1", "Widget")
    with pytest.raises(AmbiguousMatchError, match=r"'widget' of b\.example.com/v1 may be"):
        mapper.for_resource("b.example.com/v1", "widget")


@pytest.mark.parametrize("api_version", ["", "/v1", "apps/", "a/b/c", "Apps/v1", "apps/v1/deployments", "apps v1"])
def test_what_is_no_api_version_is_refused_at_once(mapper: RestMapper, served: Documents, api_version: str) -> None:
    for ask in (mapper.for_resource, mapper.for_kind):
        with pytest.raises(ValueError, match="is no apiVersion: give group and version, such as 'apps/v1'"):
            ask(api_version, "x")
    assert served.asked == []


# ---- what is not there


@pytest.mark.parametrize(
    ("api_version", "name", "said", "near"),
    [
        ("apps/v1", "deploymens", "apps/v1 has no resource 'deploymens': did you mean deployments?", ("deployments",)),
        ("apps/v2", "deployments", "the server has no apps/v2: of that group it has apps/v1 and apps/v1beta1", None),
        ("apps", "deployments", "the server has no apps: of that group it has apps/v1 and apps/v1beta1", None),
        ("a.exampel.com/v1", "x", "the server has no a.exampel.com/v1: did you mean a.example.com/v1", None),
        ("a.example.com/v1", "pods", "has no resource 'pods'; there is pods/v1 and pods.metrics.k8s.io/v1beta1", None),
        ("b.example.com/v1", "x", "b.example.com/v1 has no resource 'x'; it has gadgets, widgets", ()),
        ("none.org/v1", "x", "the server has no none.org/v1; `kubectl api-versions` lists what it has", ()),
    ],
)
def test_what_is_not_there_is_said_with_what_might_have_been_meant(
    mapper: RestMapper, api_version: str, name: str, said: str, near: tuple[str, ...] | None
) -> None:
    with pytest.raises(NoMatchError) as caught:
        mapper.for_resource(api_version, name)
    assert said in str(caught.value)
    assert str(caught.value).endswith("a definition that was applied a moment ago may take some seconds to be served")
    if near is not None:
        assert caught.value.near == near


def test_a_name_that_nothing_has(mapper: RestMapper) -> None:
    with pytest.raises(
        NoMatchError, match="the server has no resource 'deploymint': did you mean deployment"
    ) as caught:
        mapper.resolve("deploymint")
    assert "deployments" in caught.value.near
    with pytest.raises(NoMatchError, match=r"the server has no resource 'pods\.apps'"):
        mapper.resolve("pods.apps")


def test_what_could_not_be_found_out_is_said_where_it_may_be_the_cause(
    served: Documents, mapper: RestMapper, make_resource: Make
) -> None:
    served.serve({"v1": []}, {"metrics.k8s.io": {"v1": None}, "apps": {"v1": [make_resource("deployments", "D")]}})
    questions: list[Callable[[], object]] = [
        lambda: mapper.for_resource("metrics.k8s.io/v1", "pods"),
        lambda: mapper.resolve("x"),
        lambda: mapper.for_resource("x.org/v1", "x"),
    ]
    for ask in questions:
        with pytest.raises(NoMatchError, match=r"of metrics\.k8s\.io/v1 nothing certain could be found out"):
            ask()
    with pytest.raises(NoMatchError) as caught:
        mapper.for_resource("apps/v1", "x")
    assert "nothing certain" not in str(caught.value), "that is known"


# ---- memory


def test_it_asks_when_it_is_asked_and_remembers(mapper: RestMapper, served: Documents) -> None:
    assert repr(mapper) == "<RestMapper of <documents>: nothing asked yet>"
    assert served.asked == []
    for _ in range(3):
        mapper.for_resource("apps/v1", "deployments")
        mapper.for_kind("v1", "Pod")
        mapper.resolve("deploy")
    assert len(mapper.resources()) == 11
    assert mapper.failures() == {}
    assert served.rounds == 1
    assert repr(mapper) == "<RestMapper of <documents>: 11 resources>"


def test_what_it_does_not_know_it_asks_for_anew(mapper: RestMapper, served: Documents, make_resource: Make) -> None:
    for count in (1, 2, 3):
        with pytest.raises(NoMatchError):
            mapper.for_resource("new.org/v1", "things")
        assert served.rounds == count, "each time: it may be there by now; the first question needs one only"
    served.serve({"v1": []}, {"new.org": {"v1": [make_resource("things", "Thing")]}})
    assert mapper.for_resource("new.org/v1", "things").resource.kind == "Thing"
    assert mapper.for_kind("new.org/v1", "Thing").resource.plural == "things"
    assert served.rounds == 4
    served.serve({"v1": []}, {})
    assert mapper.for_resource("new.org/v1", "things").resource.kind == "Thing", "until it is told"
    mapper.invalidate()
    with pytest.raises(NoMatchError):
        mapper.for_resource("new.org/v1", "things")
    assert served.rounds == 5


def test_an_ambiguous_name_is_not_asked_for_anew(mapper: RestMapper, served: Documents) -> None:
    for _ in range(2):
        with pytest.raises(AmbiguousMatchError):
            mapper.resolve("widgets")
    assert served.rounds == 1


def test_a_server_that_cannot_be_asked_leaves_what_is_known(mapper: RestMapper, served: Documents) -> None:
    mapper.resolve("pods")
    served.answers["/api"] = TransportError("connection refused")
    with pytest.raises(TransportError, match="connection refused"):
        mapper.for_resource("new.org/v1", "things")
    assert mapper.resolve("pods").resource == PODS


def ask_from_threads(count: int, ask: Any) -> list[Any]:
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(ask())
        except Exception as error:  # noqa: BLE001  (for the test to judge)
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    return [threads, results]


def test_threads_that_ask_at_once_share_one_discovery(mapper: RestMapper, served: Documents) -> None:
    served.gate = threading.Event()
    threads, results = ask_from_threads(1, lambda: mapper.resolve("pods").resource)
    assert served.began.wait(10)
    more, more_results = ask_from_threads(5, lambda: mapper.resolve("deploy").resource)
    served.gate.set()
    for thread in (*threads, *more):
        thread.join(10)
    assert results == [PODS]
    assert more_results == [DEPLOYMENTS] * 5
    assert served.rounds <= 2, "those who came while it was under way share the next"


def test_what_began_before_the_question_does_not_answer_it(
    mapper: RestMapper, served: Documents, make_resource: Make
) -> None:
    """The definition was applied, and served, after another thread's discovery had begun: that may not know it."""
    mapper.resolve("pods")
    served.gate, served.began = threading.Event(), threading.Event()
    threads, results = ask_from_threads(1, lambda: mapper.for_resource("old.org/v1", "things"))
    assert served.began.wait(10)
    served.gate.set()
    for thread in threads:
        thread.join(10)
    assert isinstance(results[0], NoMatchError)

    served.gate, served.began = threading.Event(), threading.Event()
    threads, _ = ask_from_threads(1, lambda: mapper.for_resource("old.org/v1", "things"))
    assert served.began.wait(10), "it has been answered, without the new definition"
    served.answers["/apis"]["items"] += [  # type: ignore[index]
        {"metadata": {"name": "new.org"}, "versions": [{"version": "v1", "resources": [make_resource("things", "T")]}]}
    ]
    late, found = ask_from_threads(1, lambda: mapper.for_resource("new.org/v1", "things").resource.kind)
    served.gate.set()
    for thread in (*threads, *late):
        thread.join(10)
    assert found == ["T"]


def test_reads_of_what_is_known_do_not_wait_for_a_discovery(mapper: RestMapper, served: Documents) -> None:
    mapper.resolve("pods")
    served.gate, served.began = threading.Event(), threading.Event()
    threads, _ = ask_from_threads(1, lambda: mapper.resolve("unknown"))
    assert served.began.wait(10)
    assert mapper.resolve("pods").resource == PODS
    served.gate.set()
    for thread in threads:
        thread.join(10)


# ---- what could not be found out


def test_failures_are_told_when_they_are_new(
    served: Documents, make_resource: Make, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[str, Exception]] = []
    mapper = RestMapper(served, on_failure=lambda *failure: told.append(failure))  # type: ignore[arg-type]
    up, down = {"v1": [make_resource("as", "A")]}, {"v1": None}
    rounds: list[tuple[dict[str, Any], list[str]]] = [
        ({"a.org": up, "b.org": up}, []),
        ({"a.org": down, "b.org": up}, ["a.org/v1"]),
        ({"a.org": down, "b.org": down}, ["b.org/v1"]),
        ({"a.org": up, "b.org": down}, []),
        ({"a.org": down, "b.org": down}, ["a.org/v1"]),
    ]
    with caplog.at_level(logging.WARNING, "kinform.discovery"):
        for groups, new in rounds:
            served.serve({"v1": []}, groups)
            mapper.invalidate()
            told.clear()
            caplog.clear()
            mapper.resources()
            assert [name for name, _ in told] == new
            assert len(caplog.records) == len(new)
            assert all(f"nothing certain of {name}" in caplog.text for name in new)
    assert isinstance(told[0][1], DiscoveryError)
    assert list(mapper.failures()) == ["a.org/v1", "b.org/v1"]


def test_a_server_that_is_down_is_an_error(mapper: RestMapper, served: Documents) -> None:
    served.answers["/api"] = status_error(Status(code=503, message="down"))
    for ask in (mapper.resources, mapper.failures, lambda: mapper.resolve("pods")):
        with pytest.raises(ServiceUnavailableError):
            ask()


def test_what_an_api_had_stays_known_while_it_is_down(
    mapper: RestMapper, served: Documents, make_resource: Make
) -> None:
    assert mapper.for_resource("metrics.k8s.io/v1beta1", "pods").resource.kind == "PodMetrics"
    groups: dict[str, Any] = {
        "metrics.k8s.io": {"v1beta1": None},
        "apps": {"v1": [make_resource("deployments", "Deployment")]},
    }
    served.serve({"v1": [make_resource("pods", "Pod")]}, groups)
    with pytest.raises(NoMatchError):
        mapper.for_resource("v1", "nothing")  # asks anew
    assert "metrics.k8s.io/v1beta1" in mapper.failures()
    assert mapper.for_resource("metrics.k8s.io/v1beta1", "pods").resource.kind == "PodMetrics"
    with pytest.raises(NoMatchError):
        mapper.for_resource("a.example.com/v1", "widgets")  # this one is gone, not down
    # A whole root that may not be seen any more.
    served.answers["/apis"] = status_error(Status(code=403, reason="Forbidden", message="not you"))
    with pytest.raises(NoMatchError):
        mapper.for_resource("v1", "nothing")
    assert mapper.for_resource("apps/v1", "deployments").resource == DEPLOYMENTS
    assert "apps" in {each.resource.group for each in mapper.resources()}
    # It comes back, and what it has then is what counts.
    served.serve({"v1": [make_resource("pods", "Pod")]}, {"metrics.k8s.io": {"v1beta1": []}})
    with pytest.raises(NoMatchError):
        mapper.for_resource("v1", "nothing")
    with pytest.raises(NoMatchError):
        mapper.for_resource("metrics.k8s.io/v1beta1", "pods")
