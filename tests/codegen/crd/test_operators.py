"""The definitions of large public operators, where they are at hand: all are read, fast, and found to be what they say."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from kinform_codegen.crd import load_crds
from kinform_codegen.spec.load import Spec, finished_spec
from kinform_codegen.spec.resources import find_resources
from kinform_codegen.spec.shared import add_shared_schemas

OPERATORS = Path(__file__).resolve().parents[4] / "shared" / "crds"
VERBS = {"list", "watch", "get", "create", "update", "patch", "delete", "deletecollection"}

pytestmark = pytest.mark.skipif(not OPERATORS.is_dir(), reason="the definitions of public operators are not at hand")


def spec_of(*locations: Path) -> Spec:
    document = load_crds([str(each) for each in locations])
    add_shared_schemas(document)
    return finished_spec(document, "crds")


def said(folder: Path) -> dict[tuple[str, str, str], tuple[str, bool, set[str]]]:
    """What the definitions say of their resources, read by another reader of YAML: all scalars are text."""
    found = {}
    for path in folder.rglob("*.yaml"):
        for crd in yaml.load_all(path.read_text(), Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
            spec: dict[str, Any] = crd["spec"]
            for version in spec["versions"]:
                if version["served"] == "true":
                    found[spec["group"], version["name"], spec["names"]["plural"]] = (
                        spec["names"]["kind"],
                        spec["scope"] == "Namespaced",
                        set(version.get("subresources") or {}),
                    )
    return found


@pytest.mark.parametrize("project", ["argo-rollouts", "cert-manager", "gateway-api", "prometheus-operator"])
def test_every_resource_is_found(project: str) -> None:
    resources = find_resources(spec_of(OPERATORS / project))
    assert not resources.untyped
    assert {
        (each.group, each.version, each.plural): (each.kind, each.namespaced, {sub.name for sub in each.subresources})
        for each in resources.typed
    } == said(OPERATORS / project)
    for each in resources.typed:
        assert each.verbs == VERBS
        group = ".".join(reversed(each.group.split(".")))
        assert each.schema == f"{group}.{each.version}.{each.kind}"


def test_all_at_once_take_a_moment() -> None:
    start = time.perf_counter()
    document: Any = load_crds([str(OPERATORS)])
    seconds = time.perf_counter() - start
    assert len(document["components"]["schemas"]) == 2 * len(said(OPERATORS))
    # 10 MB: 0.9 s with libyaml on two cores. The bound is for a machine that is busy.
    assert seconds < 15
