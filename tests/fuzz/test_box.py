"""The server in a box: no bytes on a socket and no patch make it hang, fall over, or hold what it should not."""

from __future__ import annotations

import copy
import json
import socket
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.support import broken, inputs, within

from kinform.meta import Resource
from kinform.testing.server import Server
from kinform.testing.server.managed_fields import Manager, apply
from kinform.testing.server.patches import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, apply_patch
from kinform.testing.server.refusals import Refusal
from kinform.testing.server.shapes import Shape, keyed

if TYPE_CHECKING:
    from collections.abc import Iterator

MAPS: Final = Resource("", "v1", "configmaps", "ConfigMap", namespaced=True)
PODS: Final = Resource("", "v1", "pods", "Pod", namespaced=True)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server([MAPS, PODS]) as running:
        yield running


# ---- HTTP

_BODY: Final = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"v"}}'
_REQUESTS: Final = st.sampled_from(
    [
        b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/v1/namespaces/shop/configmaps?limit=2&labelSelector=a%20in%20(b) HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/v1/namespaces/shop/configmaps HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY),
        b"PUT /api/v1/namespaces/shop/configmaps/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
        % (len(_BODY), _BODY),
        b"PATCH /api/v1/namespaces/shop/configmaps/a HTTP/1.1\r\nContent-Type: application/merge-patch+json\r\n"
        b"Content-Length: 20\r\n\r\n" + b'{"data":{"k":"new"}}',
        b"PATCH /api/v1/namespaces/shop/configmaps/a?fieldManager=m HTTP/1.1\r\n"
        b"Content-Type: application/apply-patch+yaml\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY),
        b"DELETE /api/v1/namespaces/shop/configmaps/a HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"GET /api/v1/pods?watch=true&timeoutSeconds=0&resourceVersion=1 HTTP/1.1\r\nHost: x\r\n\r\n",
    ]
)
_HEADERS: Final = (
    b"Content-Length: -1",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: " + b"9" * 5000,
    b"Content-Length: \xb2",
    b"Content-Length: 5\r\nContent-Length: 50",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Expect: 100-continue",
    b"Connection: close",
    b"Content-Type: \xff",
    b"Accept: " + b"x;" * 500,
    b": empty",
    b"A" * 70_000,
    b" folded",
)
_CHUNKS: Final = (
    b"-5\r\n",
    b"0x5\r\n12345\r\n",
    b"+1\r\n",
    b"1_0\r\n",
    b"F" * 40 + b"\r\n",
    b"5;" + b"x" * 500 + b"\r\n",
    b"\r\n",
    b"5\r\n",
)


@st.composite
def _spoiled(draw: st.DrawFn) -> bytes:
    """Requests with strange headers, strange chunks, and then any fault."""
    request = draw(_REQUESTS)
    if draw(st.booleans()):
        head, mark, body = request.partition(b"\r\n\r\n")
        request = head + b"\r\n" + draw(st.sampled_from(_HEADERS)) + mark + body
    if draw(st.booleans()):
        request += draw(st.sampled_from(_CHUNKS))
    return request


def converse(address: tuple[str, int], data: bytes, *, ends: bool = False) -> bytes:
    """Sends it all, and, where it ``ends``, that nothing more comes; reads what is said until the server closes."""
    with socket.create_connection(address, timeout=10) as sock:
        said = b""
        try:
            sock.sendall(data)
            if ends:
                sock.shutdown(socket.SHUT_WR)
            while piece := sock.recv(65536):
                said += piece
        except (ConnectionError, BrokenPipeError):
            pass  # it had seen enough
        return said


@inputs(2)
@given(st.one_of(_spoiled(), broken(_spoiled()), st.binary(max_size=200)))
def test_any_bytes_are_answered_or_the_connection_ends(server: Server, data: bytes) -> None:
    address = urlsplit(server.url)
    place = (address.hostname or "", address.port or 0)
    died: list[threading.ExceptHookArgs] = []
    hook, threading.excepthook = threading.excepthook, died.append
    try:
        with within(15):
            said = converse(place, data, ends=True)
            assert not said or said.startswith(b"HTTP/1.1 "), said[:80]
            assert b"HTTP/1.1 500" not in said or data.count(b"PATCH"), said
            assert converse(place, b"GET /readyz HTTP/1.1\r\nConnection: close\r\n\r\n").endswith(b"\r\n\r\nok")
    finally:
        threading.excepthook = hook
    assert not died, died[0].exc_value


# ---- patches

_SCALAR = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["a", "b", "", "merge", "replace", "delete"])
)
_KEY = st.sampled_from(
    [
        "a",
        "b",
        "name",
        "items",
        "set",
        "$patch",
        "$retainKeys",
        "$setElementOrder/items",
        "$deleteFromPrimitiveList/set",
        "",
    ]
)
_VALUE = st.recursive(
    _SCALAR,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEY, inner, max_size=4)),
    max_leaves=10,
)
_NAMED = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from(["a", "b", "c"])}, optional={"a": _SCALAR}), max_size=3
)
_OBJECT = st.fixed_dictionaries(
    {"metadata": st.just({"name": "x"})},
    optional={
        "items": st.one_of(_NAMED, _VALUE),
        "set": st.one_of(st.lists(st.sampled_from("abc"), max_size=3), _VALUE),
        "a": _VALUE,
    },
)
_SHAPE: Final = Shape(
    {
        "type": "object",
        "properties": {
            "items": {**keyed("name"), "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
            "set": {
                "type": "array",
                "items": {"type": "string"},
                "x-kubernetes-list-type": "set",
                "x-kubernetes-patch-strategy": "merge",
            },
        },
    },
    {},
    builtin=True,
)
_POINTER = st.one_of(
    st.lists(st.sampled_from(["a", "items", "0", "-", "01", "~1", "~", "٣", "9" * 5000, ""]), max_size=3).map(
        lambda steps: "".join(f"/{step}" for step in steps)
    ),
    _SCALAR,
)
_STEP: Final[st.SearchStrategy[dict[str, Any]]] = st.fixed_dictionaries(
    {},
    optional={
        "op": st.one_of(st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), _SCALAR, st.just([])),
        "path": _POINTER,
        "from": _POINTER,
        "value": _VALUE,
    },
)


@inputs(3)
@given(_OBJECT, st.sampled_from([MERGE_PATCH, STRATEGIC_PATCH]), _OBJECT, st.booleans())
def test_patches_leave_what_they_are_given_and_can_be_repeated(tree: Any, kind: str, patch: Any, spoil: bool) -> None:
    before = copy.deepcopy(tree)
    body = json.dumps(patch).encode()[: -1 if spoil else None]
    try:
        with within(3):
            patched = apply_patch(kind, tree, body, _SHAPE)
    except Refusal as refusal:
        assert 400 <= refusal.code <= 599
        assert tree == before
        return
    assert tree == before
    if kind == MERGE_PATCH:
        assert apply_patch(kind, patched, body, _SHAPE) == patched
        assert patched == merged_by_rfc_7386(tree, patch)
    else:
        plain = not any("$" in text for text in [body.decode()])
        if plain:
            assert apply_patch(kind, patched, body, _SHAPE) == patched


def merged_by_rfc_7386(target: Any, patch: Any) -> Any:
    """The RFC's pseudo-code."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged_by_rfc_7386(result.get(name), value)
    return result


@inputs(3)
@given(_OBJECT, st.one_of(st.lists(_STEP, max_size=4), _VALUE))
def test_json_patches_apply_or_are_refused(tree: Any, steps: Any) -> None:
    before = copy.deepcopy(tree)
    try:
        with within(3):
            patched = apply_patch(JSON_PATCH, tree, json.dumps(steps).encode())
    except Refusal as refusal:
        assert 400 <= refusal.code < 500
    else:
        assert isinstance(patched, dict)
    assert tree == before


@inputs(3)
@given(_OBJECT, st.lists(st.tuples(st.sampled_from(["one", "two"]), _OBJECT, st.booleans()), min_size=1, max_size=4))
def test_what_is_applied_is_there_and_applying_it_again_changes_nothing(
    start: Any, several: list[tuple[str, Any, bool]]
) -> None:
    live: Any = {"metadata": {"name": "x"}}
    for name, applied, force in several:
        if not applicable(applied):
            continue
        before = copy.deepcopy((live, applied))
        options: dict[str, Any] = {"has_status": False, "now": "2026-01-01T00:00:00Z"}
        manager = Manager(name, "v1", "")
        try:
            with within(3):
                after: Any = apply(live, applied, _SHAPE, manager, force=force, **options)
        except Refusal as refusal:
            assert refusal.code == 409
            assert not force, "what is forced meets no conflict"
            assert (live, applied) == before
            continue
        assert (live, applied) == before, "nothing that was given is changed"
        again = apply(after, applied, _SHAPE, manager, force=False, **options)
        if "managedFields" in after["metadata"]:
            assert filled(again) == filled(after)
        assert contains(after, applied)
        live = after


def applicable(tree: Any) -> bool:
    """Whether the schema lets this be applied: associative lists have their keys, each once, and sets are of texts."""
    items, texts = tree.get("items"), tree.get("set")
    keyed_well = items is None or (
        isinstance(items, list)
        and all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in items)
        and len({item["name"] for item in items}) == len(items)
    )
    return keyed_well and (
        texts is None
        or (isinstance(texts, list) and all(isinstance(each, str) for each in texts) and len(set(texts)) == len(texts))
    )


def filled(tree: Any) -> Any:
    """The object without fields that are empty.

    What becomes empty by an apply, the box drops, where a kube-apiserver refuses it; applied once more it is there.
    """
    return {name: value for name, value in tree.items() if value not in ([], {})}


def contains(whole: Any, part: Any) -> bool:
    if part is None or part in ([], {}):  # nobody owns what is empty: it goes with the last apply that was not
        return True
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(contains(whole.get(name), part[name]) for name in part)
    if isinstance(part, list) and isinstance(whole, list):
        return all(any(contains(each, item) for each in whole) for item in part)
    return bool(whole == part)


@pytest.mark.parametrize("depth", [50, 990, 20_000])
@pytest.mark.parametrize("kind", [MERGE_PATCH, STRATEGIC_PATCH, JSON_PATCH, "application/apply-patch+yaml", "create"])
def test_bodies_nested_without_end(server: Server, depth: int, kind: str) -> None:
    address = urlsplit(server.url)
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    body = {
        "create": b'{"metadata":{"name":"deep"},"data":%b}' % deep,
        JSON_PATCH: b'[{"op":"add","path":"/data","value":%b}]' % deep,
    }.get(kind, b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"deep"},"data":%b}' % deep)
    path = "/api/v1/namespaces/shop/configmaps" + ("" if kind == "create" else "/deep?fieldManager=m")
    server.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "deep", "namespace": "shop"}})
    head = f"{'POST' if kind == 'create' else 'PATCH'} {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    media = "application/json" if kind == "create" else kind
    with within(15):
        said = converse(
            (address.hostname or "", address.port or 0),
            f"{head}Content-Type: {media}\r\n\r\n".encode() + body,
        )
    code = int(said.split(b" ", 2)[1])
    assert code in {200, 201, 400, 409, 413, 422}, said[:600]
