"""kinform's fixtures for pytest, which finds them wherever kinform is installed; ``-p no:kinform`` leaves them out.

pytest imports this in every project of an environment, so it stands beside the package ``kinform``, which takes a
third of a second to import: a test that uses none of the fixtures never pays for that.

Fixtures
    ``kinform_server``: a server in a box for each test, by ``kinform_server_options`` and the marker of its own name.
    ``kinform_control_plane``: a real kube-apiserver for the session, by ``kinform_control_plane_options``.
    ``kinform_crds``: what definitions both of them have installed.
    ``kinform_namespace``: a fresh namespace on those of the two that the test uses.

docs/testing.md shows them at work.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import uuid
from typing import TYPE_CHECKING, Final, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kinform.meta import Resource
    from kinform.testing import ControlPlane, ControlPlaneOptions, Manifest, Server, ServerOptions

__all__ = [
    "kinform_control_plane",
    "kinform_control_plane_options",
    "kinform_crds",
    "kinform_namespace",
    "kinform_server",
    "kinform_server_options",
]

_MARKER: Final = (
    "kinform_server(**options): arguments of kinform.testing.Server for this test's kinform_server; they add to, or"
    " replace, those of kinform_server_options and of markers further out"
)
_DETECTOR: Final = "KINFORM_CACHE_MUTATION_DETECTOR"
_REQUIRED: Final = "KINFORM_REQUIRE_CONTROL_PLANE"
_GENERATED: Final = "kinform_k8s"
_NAME_LENGTH: Final = 63
_DETECTOR_BEFORE: Final = pytest.StashKey["str | None"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the settings."""
    group = parser.getgroup("kinform", "Kubernetes API servers for tests (kinform)")
    group.addoption(
        "--kinform-crds", metavar="PATH", action="append", default=[],
        help="install the CustomResourceDefinitions of this file or folder, too, on kinform's servers (repeatable)",
    )  # fmt: skip
    group.addoption(
        "--kinform-kubernetes", metavar="VERSION", default=None,
        help="the version of the control plane: v1.37, v1.30.14 (default: kinform_kubernetes, or what is there)",
    )  # fmt: skip
    parser.addini(
        "kinform_crds", type="args", default=[],
        help="files and folders, from the root of the project, whose CustomResourceDefinitions kinform's servers have",
    )  # fmt: skip
    parser.addini(
        "kinform_resources", type="args", default=[],
        help="modules and packages whose Resource constants kinform_server serves (default: kinform_k8s.resources)",
    )  # fmt: skip
    parser.addini("kinform_kubernetes", default="", help="the version of the control plane: v1.37, v1.30.14")
    parser.addini(
        "kinform_mutation_detector", type="bool", default=True,
        help=f"whether caches report changes of their objects (default: true; the environment's {_DETECTOR} wins)",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker, and switches the mutation detector of caches on for this process and those it starts."""
    config.addinivalue_line("markers", _MARKER)
    config.stash[_DETECTOR_BEFORE] = os.environ.get(_DETECTOR)
    # Importing kinform.testing would switch it on later: so off is said, too.
    os.environ.setdefault(_DETECTOR, "1" if config.getini("kinform_mutation_detector") else "0")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leaves the environment as it was."""
    before = config.stash.get(_DETECTOR_BEFORE, None)
    if before is None:
        os.environ.pop(_DETECTOR, None)
    else:
        os.environ[_DETECTOR] = before


# ---- what servers have


@pytest.fixture(scope="session")
def kinform_crds(pytestconfig: pytest.Config) -> Sequence[Manifest]:
    """The definitions that both servers have installed: of the setting ``kinform_crds`` and of ``--kinform-crds``.

    Override it to return files, folders, models or mappings.
    """
    root = pytestconfig.rootpath
    here = pytestconfig.invocation_params.dir
    return [
        *(root / path for path in cast("list[str]", pytestconfig.getini("kinform_crds"))),
        *(here / path for path in cast("list[str]", pytestconfig.getoption("kinform_crds"))),
    ]


@pytest.fixture(scope="session")
def _kinform_resources(pytestconfig: pytest.Config) -> list[Resource]:
    from kinform.testing.server import resources_in  # noqa: PLC0415  (as told above)

    modules = cast("list[str]", pytestconfig.getini("kinform_resources"))
    if not modules and importlib.util.find_spec(_GENERATED) is not None:
        modules = [f"{_GENERATED}.resources"]
    found: list[Resource] = []
    for module in modules:
        try:
            found += resources_in(module)
        except ImportError as error:
            raise pytest.UsageError(f"kinform_resources: {module}: {error}") from error
    return found


# ---- the server in a box


@pytest.fixture
def kinform_server_options() -> ServerOptions:
    """Arguments of ``kinform.testing.Server`` for ``kinform_server``: none. Override it to return some.

    Without ``resources`` the server has those of the setting ``kinform_resources``.
    """
    return {}


@pytest.fixture
def kinform_server(
    request: pytest.FixtureRequest,
    kinform_server_options: ServerOptions,
    kinform_crds: Sequence[Manifest],
    _kinform_resources: list[Resource],
) -> Iterator[Server]:
    """A server in a box of this test's own, which serves; stopped afterwards.

    ``@pytest.mark.kinform_server(tls=True)`` on a test, a class or a module (``pytestmark``) adds arguments.
    """
    from kinform.testing import Server  # noqa: PLC0415  (as told above)

    options: ServerOptions = {"resources": _kinform_resources, **kinform_server_options}
    for marker in reversed(list(request.node.iter_markers("kinform_server"))):
        if marker.args:
            pytest.fail("@pytest.mark.kinform_server takes keyword arguments only, such as tls=True", pytrace=False)
        options.update(cast("ServerOptions", marker.kwargs))
    try:
        server = Server(**options)
    except TypeError as error:
        pytest.fail(f"kinform_server: {error}", pytrace=False)
    if kinform_crds:
        server.install(*kinform_crds)
    with server:
        yield server


# ---- the control plane


@pytest.fixture(scope="session")
def kinform_control_plane_options() -> ControlPlaneOptions:
    """Arguments of ``kinform.testing.ControlPlane`` for ``kinform_control_plane``: none. Override it to return some."""
    return {}


@pytest.fixture(scope="session")
def kinform_control_plane(
    pytestconfig: pytest.Config,
    kinform_control_plane_options: ControlPlaneOptions,
    kinform_crds: Sequence[Manifest],
) -> Iterator[ControlPlane]:
    """A kube-apiserver with its etcd for the whole session (with pytest-xdist: of each worker).

    Where there are no programs for it, the test is skipped; with ``KINFORM_REQUIRE_CONTROL_PLANE=1`` in the
    environment, as is good in CI, it fails. The session shares it: make objects in ``kinform_namespace``.
    """
    from kinform.testing import ControlPlane, ControlPlaneNotFoundError  # noqa: PLC0415  (as told above)

    options: ControlPlaneOptions = {**kinform_control_plane_options}
    version = pytestconfig.getoption("kinform_kubernetes") or pytestconfig.getini("kinform_kubernetes")
    if version:
        options["version"] = str(version)
    try:
        control_plane = ControlPlane(**options)
    except ControlPlaneNotFoundError as error:
        if os.environ.get(_REQUIRED, "") not in {"", "0", "false"}:
            pytest.fail(f"{_REQUIRED} is set, but: {error}", pytrace=False)
        pytest.skip(str(error))
    with control_plane:
        if kinform_crds:
            control_plane.install(*kinform_crds)
        yield control_plane


# ---- either


@pytest.fixture
def kinform_namespace(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a fresh namespace, made on those of the two servers that the test uses; on the box if on neither.

    It is named after the test. Afterwards it is deleted on the control plane, where nobody finishes that: its objects
    stay, and nothing can be made in it any more. Where a fixture of yours chooses one of the two as it runs
    (``request.getfixturevalue``), tests name that one first.
    """
    from kinform.meta import Resource  # noqa: PLC0415  (as told above)
    from kinform.transport import Transport  # noqa: PLC0415

    namespaces = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
    name = _namespace_name(request.node.name)
    tree: Mapping[str, object] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    on_control_plane = "kinform_control_plane" in request.fixturenames
    if "kinform_server" in request.fixturenames or not on_control_plane:
        server: Server = request.getfixturevalue("kinform_server")
        try:
            server.get(namespaces, name)
        except LookupError:
            server.register(namespaces)
        server.put(tree)
    if not on_control_plane:
        yield name
        return
    control_plane: ControlPlane = request.getfixturevalue("kinform_control_plane")
    with Transport(control_plane.client()) as transport:
        transport.request("POST", namespaces.path(), body=json.dumps(tree).encode())
        yield name
        transport.request("DELETE", namespaces.path(name=name))


def _namespace_name(test: str) -> str:
    """A name that tells of the test, and that no other has."""
    end = uuid.uuid4().hex[:8]
    said = re.sub(r"[^a-z0-9]+", "-", test.lower().removeprefix("test_")).strip("-")
    return f"{said[: _NAME_LENGTH - len(end) - 1].strip('-') or 'test'}-{end}"
