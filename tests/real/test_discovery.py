"""Real API servers say the same of themselves in either form of discovery, and what is generated from them agrees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kinform.discovery import RestMapper, discover
from kinform.testing.server import resources_in
from kinform.transport import Transport

if TYPE_CHECKING:
    from kinform.testing import ControlPlane
    from kinform.transport import Response


class Plain(Transport):
    """Asks for no aggregated discovery, as if the server had none."""

    def request(self, method: str, path: str, **options: Any) -> Response:
        return super().request(method, path, **{**options, "accept": "application/json"})


def test_both_forms_of_discovery_say_the_same(control_plane: ControlPlane) -> None:
    with Transport(control_plane.client()) as transport, Plain(control_plane.client()) as plain:
        aggregated, listed = discover(transport), discover(plain)
    assert aggregated.failures == listed.failures == {}
    # Definitions of other tests come and go meanwhile.
    ours = {each for each in aggregated.groups if "example" not in each.name}
    assert ours == {each for each in listed.groups if "example" not in each.name}
    builtin = [
        {
            each.resource: (
                each.singular,
                set(each.short_names),
                set(each.verbs),
                set(each.categories),
                set(each.subresources),
            )
            for each in found.resources
            if "example" not in each.resource.group
        }
        for found in (aggregated, listed)
    ]
    assert builtin[0] == builtin[1]
    assert len(builtin[0]) > 60


def test_generated_resources_are_found_by_name_and_kind(control_plane: ControlPlane) -> None:
    with Transport(control_plane.client()) as transport:
        mapper = RestMapper(transport)
        served = {each.resource for each in mapper.resources()}
        generated = [each for each in resources_in("kinform_k8s.resources") if each in served]
        assert len(generated) > 40
        for each in generated:
            assert mapper.for_resource(each.api_version, each.plural).resource == each
            assert mapper.for_kind(each.api_version, each.kind).resource == each
        assert mapper.resolve("deploy").resource.api_version == "apps/v1"
        assert mapper.resolve("ev").resource.api_version == "v1"
        assert mapper.resolve("crd").resource.kind == "CustomResourceDefinition"
        assert mapper.for_resource("apps/v1", "deployments").supports("list", "watch")
