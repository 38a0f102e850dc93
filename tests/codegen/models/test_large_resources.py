"""The custom resources of large operators: all that their schemas allow goes through the models unchanged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.codegen.models.samples import EXTRA, VARIANTS, Variant, sample
from tests.codegen.models.structural import META

from kinform.model import Model
from kinform_codegen.crd import load_crds
from kinform_codegen.formatting import format_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.codegen.models.conftest import MakeModels, Models

PROJECTS = ["argo-rollouts", "cert-manager", "gateway-api", "prometheus-operator"]


@pytest.fixture(scope="module", params=PROJECTS)
def schemas(request: pytest.FixtureRequest, repository: Path) -> dict[str, Any]:
    """What an API server publishes for the project's custom resources."""
    folder = repository.parent / "shared" / "crds" / request.param
    if not folder.is_dir():
        pytest.skip(f"the custom resource definitions are not there: {folder}")
    document: Any = load_crds([str(folder)])
    bundled = json.loads((repository / "openapi" / "v1.30.json").read_bytes())["components"]["schemas"]
    schemas: dict[str, Any] = document["components"]["schemas"]
    return schemas | {name: schema for name, schema in bundled.items() if name.startswith(META)}


@pytest.fixture(scope="module")
def models(schemas: dict[str, Any], make_models: MakeModels) -> Models:
    return make_models(schemas)


def kinds(schemas: dict[str, Any]) -> Iterator[str]:
    return (name for name in schemas if not name.startswith(META) and not name.endswith("List"))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_kind_goes_through_its_model_unchanged(schemas: dict[str, Any], models: Models, variant: Variant) -> None:
    for name in kinds(schemas):
        (gvk,) = schemas[name]["x-kubernetes-group-version-kind"]
        for seed in range(3):
            body = sample(schemas[name], variant, seed=seed)
            body |= {"apiVersion": f"{gvk['group']}/{gvk['version']}", "kind": gvk["kind"]}
            read = models.cls(name).from_wire(json.dumps(body).encode())
            assert exactly(json.loads(read.to_wire())) == exactly(body), (name, seed)
            assert_all_is_known(read)


def exactly(value: object) -> str:
    """As text, that tells 1 from 1.0 and True."""
    return json.dumps(value, sort_keys=True)


def assert_all_is_known(value: object) -> None:
    """No field is kept only because unknown fields are kept."""
    match value:
        case Model():
            assert [name for name in value.model_extra if not name.startswith(EXTRA)] == [], type(value)
            for name in value.model_fields_set:
                assert_all_is_known(getattr(value, name, None))
        case dict():
            for each in value.values():
                assert_all_is_known(each)
        case list():
            for each in value:
                assert_all_is_known(each)


def test_the_source_can_be_formatted_and_is_stable(models: Models) -> None:
    formatted = format_tree(models.sources.files)
    assert format_tree({path: text.decode() for path, text in formatted.items()}) == formatted
