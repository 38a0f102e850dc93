"""A thread that wants nothing but metadata asks for that, and makes do with whole objects where it must."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kinform.errors import Status, status_error
from kinform.reflector import ReflectorOptions
from kinform.wire import Replace

if TYPE_CHECKING:
    from collections.abc import Callable

Rig = Any

JSON = "application/json"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
REFUSED = status_error(Status(code=406, reason="NotAcceptable", message="only whole ones here"))


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    rig = make_rig(metadata_only=True)
    rig.thread.start()
    return rig


def bodies(changes: list[Any]) -> list[Any]:
    (replace,) = changes
    assert isinstance(replace, Replace)
    return [json.loads(entry.body) for entry in replace.entries.values()]


def test_whole_objects_are_asked_for_unless_said_otherwise(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.thread.start()
    assert rig.call().accepts == JSON


def test_a_streaming_list_of_metadata(rig: Rig) -> None:
    stream = rig.call().accept()
    assert stream.accepts == METADATA
    metadata = {"name": "a", "resourceVersion": "1"}
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    stream.send({"type": "ADDED", "object": partial}, rig.end_bookmark("5"))
    assert bodies(rig.changes()) == [{"kind": "Pod", "apiVersion": "v1", "metadata": metadata}]


def test_pages_of_metadata_and_a_watch(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(metadata_only=True, options=ReflectorOptions(streaming=False))
    rig.thread.start()
    for token in ("more", ""):
        page = rig.call()
        assert page.accepts == METADATA_LIST
        page.answer([], "5", token)
    rig.changes()
    assert rig.call().accepts == METADATA


def test_whole_objects_that_come_in_spite_of_it_are_cut(rig: Rig) -> None:
    stream = rig.call().accept()
    stream.send({"type": "ADDED", "object": rig.pod("a", "1", spec={"secret": 1})}, rig.end_bookmark("5"))
    assert bodies(rig.changes()) == [{**rig.pod("a", "1")}]
    assert rig.reports.empty()


def test_a_server_that_refuses_is_asked_for_whole_objects_at_once_and_again_for_metadata_in_an_hour(rig: Rig) -> None:
    rig.call().fail(REFUSED)
    stream = rig.call().accept()
    assert stream.accepts == JSON
    stream.send({"type": "ADDED", "object": rig.pod("a", "1", spec={"secret": 1})}, rig.end_bookmark("5"))
    assert bodies(rig.changes()) == [{**rig.pod("a", "1")}]
    stream.end()
    rig.skip_wait()
    stream = rig.call().accept()
    assert stream.accepts == JSON
    rig.clock.advance(3600)
    stream.end()
    rig.skip_wait()
    assert rig.call().accepts == METADATA
    assert rig.reports.empty(), "it is no error that anyone has to hear of"


@pytest.mark.parametrize("code", [403, 404, 415, 500])
def test_other_refusals_are_what_they_always_are(rig: Rig, code: int) -> None:
    rig.call().fail(status_error(Status(code=code)))
    assert rig.report().exception.code == code
    rig.skip_wait()
    assert rig.call().accepts == METADATA


def test_a_refusal_of_whole_objects_is_an_error(rig: Rig) -> None:
    rig.call().fail(REFUSED)
    rig.call().fail(REFUSED)
    assert rig.report().exception is REFUSED
