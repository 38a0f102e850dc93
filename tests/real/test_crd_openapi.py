"""What the generator makes of CustomResourceDefinitions is what real API servers publish for them.

Different by design:

- Schemas are those of the newest server. v1.30 publishes neither ``example`` and ``externalDocs`` nor
  ``x-kubernetes-selectable-fields``; no code is made of them.
- Operations are without their texts, ids and tags, the parameters that all resources share (but ``watch``), answers
  without content (401) and media types other than JSON: nothing is generated from them. See ``_reduced``.
- ``info`` is the generator's own.
- What is merely unwise is taken: ``passed`` in verdicts.yaml. It could not be applied, and no code depends on it.
- Definitions without a served version are refused, which the server takes: nothing could be generated.
"""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from kinform.errors import ApiStatusError
from kinform.testing import ControlPlane
from kinform.transport import Transport
from kinform_codegen.crd import load_crds
from kinform_codegen.crd.publish import SHARED_SCHEMAS
from kinform_codegen.crd.yaml_reader import read_yaml
from kinform_codegen.generate import generate
from kinform_codegen.progress import Progress
from kinform_codegen.spec.load import Spec, finished_spec
from kinform_codegen.spec.merge import merge_documents
from kinform_codegen.spec.resources import find_resources

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = REPOSITORY / "tests" / "codegen" / "crd" / "data"
NASTY = DATA / "nasty.yaml"
OPERATORS = REPOSITORY.parent / "shared" / "crds"
ODD = "odd-group.my-company.example.com"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
VERDICTS = yaml.safe_load((DATA / "verdicts.yaml").read_text())

# Dozens of definitions, some of them with rules that take the server a second, on a machine that may be busy.
pytestmark = pytest.mark.timeout(300)

# Their rules call functions that CEL has since v1.31.
NEWER = {"gateway.networking.k8s.io_tlsroutes.yaml", "gateway.networking.x-k8s.io_xbackends.yaml"}


class Published(NamedTuple):
    """What a server publishes, and what the generator makes of the same files."""

    server: dict[str, Any]
    ours: dict[str, Any]
    old: bool


@pytest.fixture(scope="module")
def server(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """A server of one's own: it gets definitions by the dozen."""
    with ControlPlane(control_plane.version) as own:
        yield own


@pytest.fixture(scope="module")
def transport(server: ControlPlane) -> Iterator[Transport]:
    transport = Transport(server.client())
    yield transport
    transport.close()


@pytest.fixture(scope="module")
def published(server: ControlPlane) -> Published:
    old = server.version.startswith("v1.30")
    files = [NASTY, *(path for path in sorted(OPERATORS.rglob("*.yaml")) if not (old and path.name in NEWER))]
    server.kubectl("create", *(f"--filename={path}" for path in files), timeout=200)
    ours: Any = load_crds([str(path) for path in files])
    wanted = set(ours["components"]["schemas"])
    groups = sorted({"/".join(path.split("/")[1:4]) for path in ours["paths"]})
    deadline = time.monotonic() + 90
    while True:
        # The server takes a definition first, and publishes it when it comes to it.
        index = json.loads(server.get("/openapi/v3"))["paths"]
        documents = [(name, json.loads(server.get(f"/openapi/v3/{name}"))) for name in groups if name in index]
        document: Any = merge_documents(documents, "server")
        if wanted <= document["components"]["schemas"].keys() and ours["paths"].keys() <= document["paths"].keys():
            return Published(document, ours, old)
        assert time.monotonic() < deadline, wanted - document["components"]["schemas"].keys()
        time.sleep(0.5)


def test_schemas_are_the_servers(published: Published) -> None:
    server, ours = published.server["components"]["schemas"], published.ours["components"]["schemas"]
    assert {name for name in server if not name.startswith("io.k8s.api")} == ours.keys()
    assert server.keys() >= SHARED_SCHEMAS
    for name, schema in ours.items():
        # As text: 1, 1.0 and true are not the same.
        assert _text(_as_of_old(schema) if published.old else schema) == _text(server[name]), name


def test_paths_and_operations_are_the_servers(published: Published) -> None:
    server, ours = published.server["paths"], published.ours["paths"]
    assert {path for path in server if path.count("/") > 3} == ours.keys()
    for path, item in ours.items():
        assert _reduced(item) == _reduced(server[path]), path


def test_resources_are_the_servers(published: Published) -> None:
    resources = find_resources(_spec(published.ours, published))
    assert resources == find_resources(_spec(published.server, published))
    assert ("contraptions", "v1", "Contraption") in {(each.plural, each.version, each.kind) for each in resources.typed}


def test_generated_files_are_those_of_the_server(published: Published) -> None:
    files = {}
    for source, document in (("server", published.server), ("ours", published.ours)):
        spec = _spec(
            {**document, "paths": {path: item for path, item in document["paths"].items() if ODD in path}}, published
        )
        files[source] = generate(spec, Progress(io.StringIO())).files
    assert any("/models/" in path and b"class ContraptionSpec(" in text for path, text in files["ours"].items())
    assert files["ours"] == files["server"]


def test_what_is_refused_is_what_the_server_refuses(server: ControlPlane, transport: Transport) -> None:
    old = server.version.startswith("v1.30")
    for number, verdict in enumerate(VERDICTS):
        root = verdict.get("root", {"type": "object", "properties": {"field": verdict.get("field")}})
        body = json.dumps(_definition(number, root)).encode()
        refusal: ApiStatusError | None = None
        try:
            transport.request("POST", DEFINITIONS, query=[("dryRun", "All")], body=body)
        except ApiStatusError as error:
            refusal = error
        assert refusal is None or refusal.code in {400, 422}
        expected = "refused" in verdict or "passed" in verdict or (old and "newer" in verdict)
        assert (refusal is not None) == expected, (verdict["case"], refusal)


# Values are separated by spaces, so that a space in one is written as a question mark.
SCALARS = """
y Y yes Yes yEs n N no No on On oN off OFF true TRUE tRUE false ~ null NULL nULL 0 00 -0 +12 -12 1_000 1__0_ _1 -_1
0x1F 0X1f 0x_1f 0o17 017 08 09.5 0b11 -0b11 0x 0o 0b 0o8 12:30 1:20:30 2001-12-14 2001-12-14T21:59:43Z 1e3 1E3 1_e3
1e400 1. .5 +.5 -.5 .1_0 1.0 1.50 1.5e-9 1e20 1e21 1.5.2 - + . = << 9007199254740993 -9223372036854775808 "12" '~'
!!str?12 !!int?"12" !!float?3 !!bool?on !!null?"" !?12 !!timestamp?2001-12-14
""".split()  # noqa: SIM905  (a list literal would take a page)


def test_yaml_is_read_as_kubectl_does(server: ControlPlane) -> None:
    listed = "".join(f"- {scalar.replace('?', ' ')}\n" for scalar in SCALARS)
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: scalars, namespace: default}\n"
        f"scalars:\n{listed}"
        "keys: {1: a, 1.5: b, on: c, n: d, 0x10: e, 1e3: f, 2001-12-14: g, 'y': h}\n"
        "merge: &m {a: 1, b: 2}\nbefore: {<<: *m, b: 3}\nafter: {b: 3, <<: *m}\nseveral: {<<: [{a: 7}, *m]}\n"
        "quoted: {'<<': *m}\nfolded: >-\n  a\n  b\n\n  c\n"
    )
    printed = server.kubectl(
        "create", "--dry-run=client", "--validate=false", "--output=json", "--filename=-", input=text
    )
    ((_, ours),) = read_yaml(text, "text")
    assert _text(ours) == _text(json.loads(printed))


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, indent=1)


def _spec(document: dict[str, Any], published: Published) -> Spec:
    """A specification with the schemas that the server shares among all resources."""
    schemas = {**published.server["components"]["schemas"], **document["components"]["schemas"]}
    return finished_spec({**document, "components": {"schemas": schemas}}, "crds")


def _as_of_old(schema: Any) -> Any:
    """The schema without what v1.30 does not publish."""
    gone = {"example", "externalDocs", "x-kubernetes-selectable-fields"}
    if isinstance(schema, list):
        return [_as_of_old(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in gone}
    if isinstance(properties := kept.get("properties"), dict):
        kept["properties"] = {name: _as_of_old(member) for name, member in properties.items()}
    for key in ("items", "additionalProperties", "not", "allOf", "anyOf", "oneOf"):
        if key in kept:
            kept[key] = _as_of_old(kept[key])
    return kept


def _reduced(item: dict[str, Any]) -> dict[str, Any]:
    """What the generator reads of a path: actions, kinds, bodies, answers in JSON, and the parameters in the path."""
    shared = item.get("parameters", [])
    reduced: dict[str, Any] = {"parameters": {each["name"] for each in shared if each["in"] == "path"}}
    for method, operation in item.items():
        if method == "parameters":
            continue
        body = operation.get("requestBody", {})
        names = {each["name"] for each in [*shared, *operation.get("parameters", [])]}
        reduced[method] = {
            "action": operation["x-kubernetes-action"],
            "kind": operation["x-kubernetes-group-version-kind"],
            "body": {media: content for media, content in body.get("content", {}).items() if _is_read(media)},
            "required": body.get("required", False),
            "answers": {
                code: {media: content for media, content in answer["content"].items() if _is_read(media)}
                for code, answer in operation["responses"].items()
                if "content" in answer
            },
            # The server gives deletecollection all the parameters of list.
            "watch": method == "get" and "watch" in names,
        }
    return reduced


def _is_read(media: str) -> bool:
    return media == "application/json" or media.endswith(("-patch+json", "-patch+yaml"))


def _definition(number: int, root: object) -> dict[str, object]:
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"v{number}s.verdicts.example.com"},
        "spec": {
            "group": "verdicts.example.com",
            "scope": "Namespaced",
            "names": {"plural": f"v{number}s", "kind": f"V{number}"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": root}}],
        },
    }
