from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kinform_codegen.errors import SettingsError
from kinform_codegen.settings import Selection
from kinform_codegen.spec.load import Spec, load_spec
from kinform_codegen.spec.resources import ApiResource, find_resources
from kinform_codegen.spec.select import prune, select

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def spec(repository: Path) -> Spec:
    return load_spec(str(repository / "openapi" / "v1.30.json"))


@pytest.fixture(scope="module")
def resources(spec: Spec) -> list[ApiResource]:
    return find_resources(spec).typed


def names(resources: list[ApiResource]) -> set[str]:
    return {f"{each.group or 'core'}/{each.version}/{each.plural}" for each in resources}


def test_all_without_a_selection(resources: list[ApiResource]) -> None:
    assert select(resources, Selection()) == resources


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(include=("core/v1/pods", "apps/*/deployments")), {"core/v1/pods", "apps/v1/deployments"}),
        (
            Selection(groups=("apps",), exclude=("apps/v1/d*",)),
            {"apps/v1/controllerrevisions", "apps/v1/replicasets", "apps/v1/statefulsets"},
        ),
        (Selection(include=("*.k8s.io/v1/*leases",)), {"coordination.k8s.io/v1/leases"}),
        (
            Selection(groups=("core", "apps"), include=("*/*/[rs]*s",), exclude=("core",)),
            {"apps/v1/replicasets", "apps/v1/statefulsets"},
        ),
    ],
)
def test_patterns(resources: list[ApiResource], selection: Selection, expected: set[str]) -> None:
    assert names(select(resources, selection)) == expected


@pytest.mark.parametrize(
    ("selection", "said", "mend"),
    [
        (Selection(groups=("aps",)), "no group 'aps'", "apps"),
        (Selection(include=("apps/v1/deployment",)), "'apps/v1/deployment' to include matches no resource", "apps"),
        (Selection(exclude=("Apps",)), "'Apps' to exclude matches no resource", "apps"),
        (Selection(include=("apps//x",)), "not of the form GROUP", "apps/v1/deployments"),
        (Selection(include=("a/b/c/d",)), "not of the form GROUP", "apps/v1/deployments"),
        (Selection(groups=("apps",), exclude=("apps",)), "leave no resource", "widen include"),
    ],
)
def test_what_selects_nothing_is_an_error(
    resources: list[ApiResource], selection: Selection, said: str, mend: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        select(resources, selection)
    assert said in caught.value.problem
    assert mend in caught.value.mend


def test_pruning_keeps_what_the_resources_need_and_no_more(spec: Spec, resources: list[ApiResource]) -> None:
    (deployments,) = select(resources, Selection(include=("apps/v1/deployments",)))
    document = prune(spec.document, [deployments])
    schemas = document["components"]["schemas"]  # type: ignore[index]
    assert {"io.k8s.api.apps.v1.Deployment", "io.k8s.api.core.v1.Container"} <= schemas.keys()
    assert "io.k8s.api.autoscaling.v1.Scale" in schemas  # of its subresource
    assert "io.k8s.api.core.v1.Service" not in schemas
    assert all("/deployments" in path for path in document["paths"])  # type: ignore[attr-defined]
    # Not touched.
    assert "io.k8s.api.core.v1.Service" in spec.document["components"]["schemas"]  # type: ignore[index]


def test_what_is_had_from_elsewhere_is_not_kept(spec: Spec, resources: list[ApiResource]) -> None:
    (leases,) = select(resources, Selection(include=("coordination.k8s.io/v1/leases",)))
    meta = "io.k8s.apimachinery.pkg.apis.meta.v1"
    schemas = prune(spec.document, [leases], without=[f"{meta}.ObjectMeta"])["components"]["schemas"]  # type: ignore[index]
    assert f"{meta}.ObjectMeta" not in schemas
    assert f"{meta}.OwnerReference" not in schemas  # only ObjectMeta needs it
    assert f"{meta}.MicroTime" in schemas
