"""Answers to requests that make no sense: the model of what was asked for, or kinform's own error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.documents import full, pod_texts
from tests.fuzz.support import broken, inputs, within

from kinform.errors import KinformError, UndecodableObjectError
from kinform.objects import DynamicObject
from kinform.scalars import NumberText, int_or_string
from kinform.transport import Response, Stream, Transport
from kinform_k8s import Clientset
from kinform_k8s.models.core.v1 import Pod

if TYPE_CHECKING:
    from collections.abc import Callable


class Canned(Transport):
    """A transport that has the answer already."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def request(self, *_: Any, **__: Any) -> Response:
        return Response(200, {}, self.body)

    def open(self, *_: Any, **__: Any) -> Stream:
        return CannedStream(self.body)


class CannedStream(Stream):
    """The same as a stream, in pieces of 7 bytes."""

    def __init__(self, body: bytes) -> None:
        self.left = [body[at : at + 7] for at in range(0, len(body), 7)]

    def read(self) -> bytes:
        return self.left.pop(0) if self.left else b""

    def close(self) -> None:
        self.left = []


def pods(body: bytes) -> Any:
    return Clientset(Canned(body)).core_v1().pods("shop")


REQUESTS: dict[str, Callable[[Any], object]] = {
    "get": lambda client: client.get("a"),
    "list": lambda client: client.list(),
    "list_all": lambda client: client.list_all(),
    "delete": lambda client: client.delete("a"),
    "create": lambda client: client.create(Pod.from_wire(b'{"metadata":{"name":"a"}}')),
}


def lists(item: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.lists(item, max_size=3).map(
        lambda items: b'{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[%b]}' % b",".join(items)
    )


@inputs(3)
@given(broken(st.one_of(pod_texts(), lists(pod_texts()))), st.sampled_from(sorted(REQUESTS)))
def test_broken_answers(body: bytes, request: str) -> None:
    with within(5):
        try:
            answer = REQUESTS[request](pods(body))
        except KinformError:
            return
    if request == "get":
        whole = full(body)
        assert isinstance(answer, Pod)
        if whole is not None and whole.sound:
            assert answer.metadata.name == ((whole.value.get("metadata") or {}).get("name") or "")


@inputs(1)
@given(
    broken(
        st.lists(pod_texts(), max_size=3).map(
            lambda found: b"".join(b'{"type":"ADDED","object":%b}\n' % pod for pod in found)
        )
    )
)
def test_broken_watches(body: bytes) -> None:
    with within(5), pods(body).watch() as watch:
        try:
            for event in watch:
                assert isinstance(event.object, Pod)
        except KinformError:
            pass


@pytest.mark.parametrize(
    "frame", [b"\xff", b'{"type":"\xff"}', b"[" * 20_000, b'{"type":"ADDED","object":%b' % (b"[" * 20_000)]
)
def test_frames_that_no_decoder_reads(frame: bytes) -> None:
    frame += b"]" * frame.count(b"[") + b"}" * (frame.count(b"{") - frame.count(b"}"))
    with within(5), pods(frame + b"\n").watch() as watch, pytest.raises(KinformError):
        next(watch)


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"<html>",
        b"\xff",
        b'{"items":[{"metadata":{"name":"\xff"}}]}',
        b'{"items":[%b1%b]}' % (b"[" * 20_000, b"]" * 20_000),
        b'{"metadata":%b1%b}' % (b'{"a":' * 20_000, b"}" * 20_000),
        b'{"items":[null]}',
        b'{"items":[5]}',
        b'{"items":{}}',
        b'{"items":[{"metadata":null,"spec":[]}]}',
        b'{"metadata":{"remainingItemCount":"x","resourceVersion":7},"items":[]}',
        b'{"kind":["Status"]}',
        b'{"kind":"\\ud800"}',
    ],
)
def test_what_is_no_answer(body: bytes, request_: str) -> None:
    with within(5):
        try:
            REQUESTS[request_](pods(body))
        except UndecodableObjectError as error:
            assert "the answer to " in str(error)


# ---- models


@inputs(3)
@given(broken(pod_texts()))
def test_models_of_broken_objects(data: bytes) -> None:
    """Either the text is read, and goes back as it was, or it is refused by a ValueError."""
    for model in (Pod, DynamicObject):
        with within(5):
            try:
                read = model.from_wire(data)
                written = json.loads(read.to_wire())
            except ValueError:
                continue
        repr(read)
        again = model.from_wire(json.dumps(written).encode())
        assert json.loads(again.to_wire()) == written


_NUMBERS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.text(max_size=5),
    st.just([]),
)


@inputs(3)
@given(_NUMBERS)
def test_numbers_where_text_may_stand(value: object) -> None:
    """Quantities and ports: a number is kept as the number it was, all else is refused by a ValueError."""
    for read in (NumberText.of, int_or_string):
        try:
            found = read(value)
        except ValueError:
            continue
        assert isinstance(value, int | float)
        assert not isinstance(value, bool)
        if isinstance(found, str):
            assert repr(value) == str(found)
        else:
            assert found == value
