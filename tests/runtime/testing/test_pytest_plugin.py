"""The pytest plugin, in test suites of its own: fixtures, options, the marker, and what it costs those who do without."""

from __future__ import annotations

import inspect
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml  # noqa: F401  (pytester forgets what its tests import, and parts in C must not be imported twice)
from tests.conftest import skip_for_want_of

import kinform.testing._pki  # noqa: F401  (likewise)
import pytest_kinform
from kinform.testing import ControlPlane, ControlPlaneOptions, Server, ServerOptions
from kinform.testing.control_plane import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable

pytest_plugins = ["pytester"]

CACHE = cache_folder().parent
WIDGETS = Path(__file__).parents[3] / "examples" / "widgets.yaml"
STRICT = ["-p", "no:cacheprovider", "--strict-markers", "--strict-config", "-W", "error"]
NAMES = """
from kinform.meta import Resource
WIDGETS = Resource("example.com", "v1", "widgets", "Widget", True)
PODS = Resource("", "v1", "pods", "Pod", True)
"""


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what the environment says."""
    for name in ("KINFORM_REQUIRE_CONTROL_PLANE", "KUBEBUILDER_ASSETS", "TEST_ASSET_KUBE_APISERVER", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KINFORM_CACHE", str(CACHE))  # pytester has another home


@pytest.fixture
def run(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Runs a module of tests in this process."""

    def run(tests: str, *arguments: str, passed: int | None = None) -> pytest.RunResult:
        pytester.makepyfile(NAMES + tests)
        result = pytester.runpytest_inprocess(*STRICT, *arguments)
        if passed is not None:
            result.assert_outcomes(passed=passed)
        return result

    return run


# ---- the box


def test_a_server_for_each_test(run: Callable[..., pytest.RunResult]) -> None:
    run(
        """
def test_one(kinform_server):
    kinform_server.put({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "shop"}})
    assert len(kinform_server.objects(PODS)) == 1

def test_another(kinform_server):
    assert kinform_server.objects(PODS) == []
    assert kinform_server.url.startswith("http://127.0.0.1:")
    """,
        passed=2,
    )


def test_options_come_from_the_fixture_and_from_markers(run: Callable[..., pytest.RunResult]) -> None:
    run(
        """
import pytest

pytestmark = pytest.mark.kinform_server(version="v1.30.0", token="module")

@pytest.fixture
def kinform_server_options():
    return {"token": "fixture", "tls": True}

def said(server):
    from kinform.transport import Transport
    with Transport(server.client()) as transport:
        return transport.request("GET", "/version").body

def token(server):
    return server.client().configuration.api_key["BearerToken"]

def test_the_module(kinform_server):
    assert kinform_server.url.startswith("https://")
    assert b"v1.30.0" in said(kinform_server)
    assert token(kinform_server) == "Bearer module"

@pytest.mark.kinform_server(token="class")
class TestClass:
    def test_the_class(self, kinform_server):
        assert token(kinform_server) == "Bearer class"

    @pytest.mark.kinform_server(version="v1.31.0", token="test")
    def test_the_nearest(self, kinform_server):
        assert token(kinform_server) == "Bearer test"
        assert b"v1.31.0" in said(kinform_server)

@pytest.mark.kinform_server(resources=[WIDGETS])
def test_resources(kinform_server):
    assert kinform_server.objects(WIDGETS) == []
    with pytest.raises(LookupError):
        kinform_server.objects(PODS)
    """,
        passed=4,
    )


def test_mistakes_in_markers_are_told(run: Callable[..., pytest.RunResult]) -> None:
    result = run(
        """
import pytest

@pytest.mark.kinform_server(tlz=True)
def test_misspelt(kinform_server):
    pass

@pytest.mark.kinform_server(PODS)
def test_positional(kinform_server):
    pass
    """
    )
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*unexpected keyword argument 'tlz'*", "*takes keyword arguments only*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_resources_and_definitions_of_the_settings(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    pytester.makeini("[pytest]\nkinform_resources = made_for_the_plugin\nkinform_crds = config/crd\npythonpath = .\n")
    pytester.path.joinpath("made_for_the_plugin.py").write_text(
        "from kinform.meta import Resource\nN = Resource('', 'v1', 'nodes', 'Node', False)\n"
    )
    folder = pytester.mkdir("config") / "crd" / "bases"
    folder.mkdir(parents=True)
    (folder / "widgets.yaml").write_text("---\n" + WIDGETS.read_text())
    (folder.parent / "kustomization.yaml").write_text("kind: Kustomization\nresources: [bases/widgets.yaml]\n")
    gadgets = WIDGETS.read_text().replace("Widget", "Gadget").replace("widget", "gadget")
    pytester.path.joinpath("gadgets.yaml").write_text(gadgets)
    run(
        """
import made_for_the_plugin, pytest

def test_it(kinform_server):
    assert kinform_server.objects(made_for_the_plugin.N) == []
    assert kinform_server.objects(WIDGETS) == []
    gadgets = Resource("example.com", "v1", "gadgets", "Gadget", True)
    assert kinform_server.objects(gadgets) == []
    with pytest.raises(LookupError):
        kinform_server.objects(PODS)
    """,
        "--kinform-crds",
        "gadgets.yaml",
        passed=1,
    )


def test_definitions_of_the_fixture(run: Callable[..., pytest.RunResult]) -> None:
    run(
        f"""
import pytest

@pytest.fixture(scope="session")
def kinform_crds():
    return [{str(WIDGETS)!r}]

def test_it(kinform_server):
    assert kinform_server.objects(WIDGETS) == []
    """,
        passed=1,
    )


@pytest.mark.parametrize(
    ("ini", "said"),
    [
        ("kinform_crds = none.yaml", "*No such file or directory: *none.yaml*"),
        ("kinform_crds = wrong.yaml", "*wrong.yaml is no YAML*"),
        ("kinform_crds = other.yaml", "*there is no CustomResourceDefinition in *other.yaml*"),
        ("kinform_resources = no_such_module", "*kinform_resources: no_such_module: No module named*"),
    ],
)
def test_mistakes_in_settings_are_told(
    run: Callable[..., pytest.RunResult], pytester: pytest.Pytester, ini: str, said: str
) -> None:
    pytester.makeini(f"[pytest]\n{ini}\n")
    pytester.path.joinpath("wrong.yaml").write_text("a: [")
    pytester.path.joinpath("other.yaml").write_text("kind: Namespace\n")
    result = run("def test_it(kinform_server): pass")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([said])


# ---- namespaces


def test_a_namespace_of_ones_own(run: Callable[..., pytest.RunResult]) -> None:
    run(
        """
import re, pytest

NAMESPACES = Resource("", "v1", "namespaces", "Namespace", False)
seen = set()

@pytest.mark.parametrize("size", [1, 2])
def test_it_is_new(kinform_server, kinform_namespace, size):
    assert kinform_namespace not in seen
    seen.add(kinform_namespace)
    assert re.fullmatch(rf"it-is-new-{size}-[0-9a-f]{{8}}", kinform_namespace)
    assert kinform_server.get(NAMESPACES, kinform_namespace)

def test_a_name_that_is_very_long_indeed_and_so_long_that_no_namespace_could_ever_have_it(kinform_namespace):
    assert len(kinform_namespace) <= 63
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])", kinform_namespace)

@pytest.mark.kinform_server(resources=[PODS], strict=True)
def test_where_namespaces_must_exist(kinform_server, kinform_namespace):
    from kinform.transport import Transport
    with Transport(kinform_server.client()) as transport:
        body = b'{"metadata": {"name": "a"}}'
        assert transport.request("POST", PODS.path(kinform_namespace), body=body).status == 201

@pytest.mark.kinform_server(resources=[PODS])
def test_where_namespaces_are_not_served(kinform_server, kinform_namespace):
    assert kinform_server.get(NAMESPACES, kinform_namespace)
    """,
        passed=5,
    )


# ---- the control plane


def test_without_programs_it_is_skipped_or_fails(
    run: Callable[..., pytest.RunResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINFORM_CACHE", str(tmp_path / "nothing"))
    monkeypatch.setattr("kinform.testing.control_plane._binaries._KUBEBUILDER_FOLDER", tmp_path / "nothing")
    tests = """
def test_it(kinform_control_plane): pass
def test_again(kinform_control_plane, kinform_namespace): pass
"""
    result = run(tests, "-rs")
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["SKIPPED*: no kube-apiserver on this machine*KUBEBUILDER_ASSETS*"])
    monkeypatch.setenv("KINFORM_REQUIRE_CONTROL_PLANE", "1")
    result = run(tests)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["KINFORM_REQUIRE_CONTROL_PLANE is set, but: no kube-apiserver on this machine*"])
    result = run(tests, "--kinform-kubernetes", "newest")
    result.stdout.fnmatch_lines(["*not a Kubernetes version: 'newest'*"])


@pytest.mark.real_server
@pytest.mark.timeout(300)
def test_a_control_plane_for_the_session(run: Callable[..., pytest.RunResult]) -> None:
    result = run(
        f"""
import pytest
from kinform.errors import ForbiddenError
from kinform.transport import Transport

NAMESPACES = Resource("", "v1", "namespaces", "Namespace", False)
seen = []

@pytest.fixture(scope="session")
def kinform_crds():
    return [{str(WIDGETS)!r}]

@pytest.fixture(scope="session")
def kinform_control_plane_options():
    return {{"version": "v1.30", "apiserver_flags": {{"v": "1"}}}}

@pytest.fixture(params=["box", "real"])
def cluster(request):
    return request.getfixturevalue({{"box": "kinform_server", "real": "kinform_control_plane"}}[request.param])

def make(server, namespace):
    body = b'{{"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {{"name": "w"}},'
    body += b' "spec": {{"size": 1, "color": "red"}}}}'
    with Transport(server.client()) as transport:
        return transport.request("POST", WIDGETS.path(namespace), body=body).status

@pytest.mark.kinform_server(strict=True)
def test_either(cluster, kinform_namespace):
    assert make(cluster, kinform_namespace) == 201

def test_both(kinform_server, kinform_control_plane, kinform_namespace):
    assert make(kinform_server, kinform_namespace) == make(kinform_control_plane, kinform_namespace) == 201
    seen.append((kinform_control_plane, kinform_namespace))

def test_it_is_the_same_and_the_old_namespace_is_closed(kinform_control_plane):
    plane, namespace = seen.pop()
    assert plane is kinform_control_plane
    assert plane.version.startswith("v1.37.")
    with pytest.raises(ForbiddenError, match="being terminated"):
        make(plane, namespace)
    """,
        "--kinform-kubernetes=v1.37",
    )
    if result.parseoutcomes().get("skipped"):
        skip_for_want_of("no kube-apiserver v1.37 on this machine (make control-plane)")
    result.assert_outcomes(passed=4)


# ---- the mutation detector


@pytest.mark.parametrize(
    "case",
    [
        ("", None, "1"),
        ("kinform_mutation_detector = false", None, "0"),
        ("", "0", "0"),
        ("kinform_mutation_detector = false", "1", "1"),
    ],
)
def test_the_mutation_detector_is_on_unless_told(
    run: Callable[..., pytest.RunResult],
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[str, str | None, str],
) -> None:
    ini, environment, found = case
    monkeypatch.delenv("KINFORM_CACHE_MUTATION_DETECTOR")
    if environment is not None:
        monkeypatch.setenv("KINFORM_CACHE_MUTATION_DETECTOR", environment)
    pytester.makeini(f"[pytest]\n{ini}\n")
    run(f"import os\ndef test_it(): assert os.environ['KINFORM_CACHE_MUTATION_DETECTOR'] == {found!r}", passed=1)
    assert os.environ.get("KINFORM_CACHE_MUTATION_DETECTOR") == environment, "it is put back"


# ---- its cost


def test_who_uses_no_fixture_does_not_pay(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
import sys

def test_it():
    assert "pytest_kinform" in sys.modules
    assert not [name for name in sys.modules if name.partition(".")[0] in {"kinform", "kubernetes", "msgspec", "urllib3"}]
    """
    )
    pytester.runpytest_subprocess(*STRICT, "-p", "no:hypothesispytest").assert_outcomes(passed=1)


def test_the_official_client_is_imported_when_it_is_asked_for(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
import sys

def test_it(kinform_server, kinform_namespace):
    assert "kubernetes" not in sys.modules
    kinform_server.client()
    assert "kubernetes" in sys.modules
    """
    )
    pytester.runpytest_subprocess(*STRICT).assert_outcomes(passed=1)


def test_it_can_be_left_out(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
import os, sys

def test_it():
    assert "pytest_kinform" not in sys.modules
    assert "KINFORM_CACHE_MUTATION_DETECTOR" not in os.environ

def test_missing(kinform_server): pass
    """
    )
    command = ["env", "-u", "KINFORM_CACHE_MUTATION_DETECTOR", sys.executable, "-m", "pytest", "-p", "no:kinform"]
    result = pytester.run(*command)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*fixture 'kinform_server' not found*"])


# ---- what stands twice


@pytest.mark.parametrize(("made", "options"), [(Server, ServerOptions), (ControlPlane, ControlPlaneOptions)])
def test_options_are_the_arguments(made: Any, options: Any) -> None:
    arguments = {name: each.annotation for name, each in inspect.signature(made).parameters.items()}
    assert {name: each.__forward_arg__ for name, each in options.__annotations__.items()} == arguments


def test_all_fixtures_are_named() -> None:
    found = [
        name for name, value in vars(pytest_kinform).items() if type(value).__name__ == "FixtureFunctionDefinition"
    ]
    assert sorted(name for name in found if not name.startswith("_")) == pytest_kinform.__all__
