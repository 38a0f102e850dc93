"""Real API servers for the tests of this folder: one per version and session, started when first asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.conftest import skip_for_want_of

from kinform.testing import ControlPlane, ControlPlaneNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

_HERE = Path(__file__).parent
_ASSETS = "assets"


def _own_assets() -> bool:
    """Whether the environment says which programs to use."""
    return any(os.environ.get(name) for name in ("KUBEBUILDER_ASSETS", "TEST_ASSET_KUBE_APISERVER"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.real_server)


def _run(version: str | None, gates: dict[str, bool]) -> Iterator[ControlPlane]:
    """Run a control plane with every API; where its programs are missing that is a skip, in CI a failure."""
    try:
        control_plane = ControlPlane(version, all_apis=True, feature_gates=gates)
    except ControlPlaneNotFoundError as error:
        skip_for_want_of(str(error))
    with control_plane:
        yield control_plane


@pytest.fixture(scope="session")
def control_plane_v1_30() -> Iterator[ControlPlane]:
    """Kubernetes v1.30 with every API, and without streaming lists (alpha there, so not on by default)."""
    yield from _run("v1.30", {"WatchList": False})


@pytest.fixture(scope="session")
def control_plane_v1_37() -> Iterator[ControlPlane]:
    """Kubernetes v1.37 with every API, and with streaming lists."""
    yield from _run("v1.37", {})


@pytest.fixture(scope="session")
def control_plane_assets() -> Iterator[ControlPlane]:
    """Whatever Kubernetes KUBEBUILDER_ASSETS or TEST_ASSET_* lead to, with every API."""
    yield from _run(None, {})


@pytest.fixture(scope="session", params=[_ASSETS] if _own_assets() else ["v1.30", "v1.37"])
def control_plane(request: pytest.FixtureRequest) -> ControlPlane:
    """Each of the two versions in turn; with programs of the user's own, only these.

    The servers are shared by the session: make objects under names of your own, and restart nothing.
    """
    name = f"control_plane_{str(request.param).replace('.', '_')}"
    found = request.getfixturevalue(name)
    assert isinstance(found, ControlPlane)
    return found
