"""The decoder reads metadata exactly and leaves the rest of an object as the bytes it came in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform.errors import ExpiredError, FrameError, InternalServerError, TooManyRequestsError, UndecodableObjectError
from kinform.meta import ObjectKey, Resource
from kinform.wire import (
    BookmarkEvent,
    Decoder,
    Entry,
    ErrorEvent,
    EventType,
    ObjectEvent,
    Owner,
    PoisonEvent,
    UnknownEvent,
)

Make = Callable[..., dict[str, Any]]
Dump = Callable[[object], bytes]

PODS = Resource("", "v1", "pods", "Pod", namespaced=True)
WIDGETS = Resource("example.com", "v1", "widgets", "Widget", namespaced=False)


# ---- exactness, against a model that decodes everything

_text = st.lists(
    st.sampled_from([*'",{}[]:\\/', "managedFields", ',"managedFields":[', "é", "𝄞", "x"]), max_size=4
).map("".join)
_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text | st.just("managedFields"), inner, max_size=3),
    max_leaves=6,
)
_maybe_text = st.none() | st.text(max_size=5)


def _optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


_owners = st.lists(
    _optional(apiVersion=_text, kind=_text, name=_text, uid=_text, controller=st.booleans(), other=_values), max_size=3
)
_metadata = st.builds(
    lambda known, more: {**more, **known},
    st.fixed_dictionaries(
        {"name": st.text(min_size=1, max_size=5)},
        optional={
            "namespace": _maybe_text,
            "uid": _maybe_text,
            "resourceVersion": _maybe_text,
            "generation": st.none() | st.integers(0, 2**63 - 1),
            "deletionTimestamp": _maybe_text,
            "labels": st.none() | st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=3),
            "ownerReferences": st.none() | _owners,
            "managedFields": st.none() | st.lists(_values, max_size=3),
        },
    ),
    st.dictionaries(_text, _values, max_size=3).map(lambda d: {k: v for k, v in d.items() if k != "managedFields"}),
)


@st.composite
def _objects(draw: st.DrawFn, resource: Resource) -> dict[str, Any]:
    """An object with its fields in any order, and with or without its type."""
    metadata = draw(_metadata)
    fields: dict[str, Any] = {
        "metadata": dict(draw(st.permutations(list(metadata.items())))),
        **draw(_optional(kind=st.just(resource.kind), apiVersion=st.just(resource.api_version))),
        **draw(_optional(spec=_values, status=_values, managedFields=_values, data=_values)),
    }
    order = draw(st.sampled_from(["server", "sorted", "any"]))
    if order == "server":
        return {k: fields[k] for k in ("kind", "apiVersion", *fields) if k in fields}
    if order == "sorted":
        return dict(sorted(fields.items())) | {"metadata": dict(sorted(fields["metadata"].items()))}
    return dict(draw(st.permutations(list(fields.items()))))


_styles: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [
        {"separators": (",", ":"), "ensure_ascii": False},
        {"separators": (",", ":"), "ensure_ascii": True},
        {"separators": (", ", ": ")},
        {"indent": 1},
    ]
)


def _expect(entry: Entry, obj: dict[str, Any], resource: Resource) -> None:
    """The entry says of the object what decoding the whole of it says."""
    metadata = obj["metadata"]
    cached = {**obj, "kind": resource.kind, "apiVersion": resource.api_version}
    cached["metadata"] = {k: v for k, v in metadata.items() if k != "managedFields"}
    assert json.loads(entry.body) == cached
    assert type(entry.body) is bytes
    assert entry.key == ObjectKey(metadata.get("namespace") or "", metadata["name"])
    assert type(entry.key) is ObjectKey
    assert entry.uid == (metadata.get("uid") or "")
    assert entry.resource_version == (metadata.get("resourceVersion") or "")
    assert entry.generation == (metadata.get("generation") or 0)
    assert entry.deletion_timestamp == (metadata.get("deletionTimestamp") or "")
    assert entry.labels == (metadata.get("labels") or {})
    owner = next((o for o in metadata.get("ownerReferences") or [] if o.get("controller")), None)
    fields = ("apiVersion", "kind", "name", "uid")
    assert entry.owner == (None if owner is None else Owner(*(owner.get(f, "") for f in fields)))


@pytest.mark.parametrize("resource", [PODS, WIDGETS], ids=["built-in", "custom"])
@given(data=st.data())
def test_an_event_is_read_exactly(resource: Resource, data: st.DataObject) -> None:
    obj = data.draw(_objects(resource))
    kind = data.draw(st.sampled_from(["ADDED", "MODIFIED", "DELETED"]))
    event: dict[str, Any] = {"type": kind, "object": obj}
    if data.draw(st.booleans()):
        event = dict(reversed(event.items()))
    if data.draw(st.booleans()):
        event["more"] = data.draw(_values)
    frame = json.dumps(event, **data.draw(_styles)).encode()
    found = Decoder(resource).event(frame)
    assert isinstance(found, ObjectEvent)
    assert found.type is EventType(kind)
    _expect(found.entry, obj, resource)


@pytest.mark.parametrize("resource", [PODS, WIDGETS], ids=["built-in", "custom"])
@given(data=st.data())
def test_a_page_is_read_exactly(resource: Resource, data: st.DataObject) -> None:
    items = data.draw(st.lists(_objects(resource), max_size=4))
    page = {"kind": f"{resource.kind}List", "metadata": {"resourceVersion": "9", "continue": "more"}, "items": items}
    found = Decoder(resource).page(json.dumps(page, **data.draw(_styles)).encode())
    assert (found.resource_version, found.continue_token, found.poison) == ("9", "more", [])
    assert len(found.entries) == len(items)
    for entry, obj in zip(found.entries, items, strict=True):
        _expect(entry, obj, resource)


def test_paged_and_streamed_bodies_are_the_same_bytes(make_pod: Make, dump: Dump) -> None:
    pod = make_pod()
    item = {k: v for k, v in pod.items() if k not in {"kind", "apiVersion"}}
    streamed = Decoder(PODS).event(dump({"type": "ADDED", "object": pod}))
    paged = Decoder(PODS).page(dump({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [item]}))
    assert isinstance(streamed, ObjectEvent)
    assert paged.entries[0].body == streamed.entry.body
    assert streamed.entry.body.startswith(b'{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-0",')


def test_custom_resources_with_sorted_keys_keep_their_bytes(dump: Dump) -> None:
    metadata = {"generation": 1, "labels": {}, "managedFields": [{"a": "b"}], "name": "w", "resourceVersion": "3"}
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata, "spec": {"size": 1.0}}
    event = Decoder(WIDGETS).event(dump({"type": "ADDED", "object": widget}))
    page = Decoder(WIDGETS).page(dump({"items": [widget]}))
    del metadata["managedFields"]
    assert isinstance(event, ObjectEvent)
    assert event.entry.body == page.entries[0].body == dump(widget)


@pytest.mark.parametrize("end", [b"}}", b"} }", b"}} ", b'},"more":{}}', b',"managedFields":[1]}}'])
def test_where_an_object_ends_is_not_guessed(end: bytes) -> None:
    start = b'{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":{"x":1}'
    event = Decoder(PODS).event(start + end)
    assert isinstance(event, ObjectEvent)
    obj = json.loads(start + end)["object"]
    assert json.loads(event.entry.body) == obj


@pytest.mark.parametrize(
    "metadata",
    [
        b'{"managedFields":[{"a":1}],"name":"a"}',
        b'{"managedFields":[],"name":"a"}',
        b'{"name":"a","managedFields":null}',
        b'{"name":"a","managedFields":[ ]}',
        b'{"name":"a","managedFields": [1]}',
        b'{"name":"a","more":{"x":1,"managedFields":[2]},"managedFields":[3]}',
        b'{"name":"a","managedFields":[4],"more":{"x":1,"managedFields":[5]}}',
        rb'{"name":"a","more":",\"managedFields\":[6","managedFields":[7]}',
    ],
)
def test_only_the_managed_fields_of_the_metadata_are_cut(metadata: bytes) -> None:
    data = b'{"kind":"Pod","apiVersion":"v1","metadata":%b,"spec":{"x":1,"managedFields":[8]}}' % metadata
    event = Decoder(PODS).event(b'{"type":"ADDED","object":%b}' % data)
    assert isinstance(event, ObjectEvent)
    expected = json.loads(data)
    del expected["metadata"]["managedFields"]
    assert json.loads(event.entry.body) == expected


def test_a_type_that_stands_behind_the_metadata_is_not_written_twice() -> None:
    page = Decoder(PODS).page(b'{"items":[{"metadata":{"name":"a"},"kind":"Pod","apiVersion":null}]}')
    assert page.poison == []
    assert page.entries[0].body.count(b'"kind"') == page.entries[0].body.count(b'"apiVersion"') == 1


@pytest.mark.scenario("R32")
def test_an_entry_owns_its_bytes(make_pod: Make, dump: Dump) -> None:
    frame = bytearray(dump({"type": "ADDED", "object": make_pod()}))
    event = Decoder(PODS).event(bytes(frame))
    assert isinstance(event, ObjectEvent)
    assert type(event.entry.body) is bytes
    assert len(event.entry.body) < len(frame)


def test_equal_labels_owners_and_namespaces_are_shared(make_pod: Make, dump: Dump) -> None:
    decoder = Decoder(PODS)
    events = [decoder.event(dump({"type": "ADDED", "object": make_pod(name)})) for name in ("a", "b")]
    one, two = (event.entry for event in events if isinstance(event, ObjectEvent))
    assert one.labels is two.labels
    assert one.owner is two.owner
    assert one.key.namespace is two.key.namespace


def test_pools_are_bounded_and_go_on_working(make_pod: Make, dump: Dump) -> None:
    decoder = Decoder(PODS)
    for i in range(9000):
        event = decoder.event(dump({"type": "ADDED", "object": make_pod(labels={"n": str(i)}, namespace=f"ns{i}")}))
        assert isinstance(event, ObjectEvent)
        assert (event.entry.labels, event.entry.key.namespace) == ({"n": str(i)}, f"ns{i}")
    pools = decoder._objects
    assert len(pools._labels) < 8200
    assert len(pools._namespaces) < 8200


def test_a_representation_does_not_show_the_body(make_pod: Make, dump: Dump) -> None:
    event = Decoder(PODS).event(dump({"type": "ADDED", "object": make_pod(annotations={"password": "hunter2"})}))
    assert "hunter2" not in repr(event)
    assert "shop/web-0" in repr(event)


# ---- known entries


def test_an_unchanged_object_is_the_known_entry_itself(make_pod: Make, dump: Dump) -> None:
    cache: dict[ObjectKey, Entry] = {}
    calls: list[str] = []

    def transform(obj: dict[str, Any]) -> dict[str, Any]:
        calls.append(obj["metadata"]["name"])
        return obj

    decoder = Decoder(PODS, transform, known=cache.get)
    frame = dump({"type": "ADDED", "object": make_pod()})
    first = decoder.event(frame)
    assert isinstance(first, ObjectEvent)
    cache[first.entry.key] = first.entry
    again = decoder.event(frame)
    paged = decoder.page(dump({"items": [make_pod()]}))
    assert isinstance(again, ObjectEvent)
    assert again.entry is first.entry is paged.entries[0]
    assert calls == ["web-0"], "the transform runs once for each version of an object"


@pytest.mark.parametrize("change", [{"version": "8"}, {"uid": "another"}, {"version": ""}])
def test_a_changed_object_is_read_anew(change: dict[str, str], make_pod: Make, dump: Dump) -> None:
    cache: dict[ObjectKey, Entry] = {}
    decoder = Decoder(PODS, known=cache.get)
    first = decoder.event(dump({"type": "ADDED", "object": make_pod(**change | {"uid": "u"})}))
    assert isinstance(first, ObjectEvent)
    cache[first.entry.key] = first.entry
    again = decoder.event(dump({"type": "ADDED", "object": make_pod(**{"uid": "u", **change})}))
    assert isinstance(again, ObjectEvent)
    assert (again.entry is first.entry) is False or change == {"version": "8"}


def test_modified_and_deleted_objects_are_never_the_known_entry(make_pod: Make, dump: Dump) -> None:
    cache: dict[ObjectKey, Entry] = {}
    decoder = Decoder(PODS, known=cache.get)
    first = decoder.event(dump({"type": "ADDED", "object": make_pod()}))
    assert isinstance(first, ObjectEvent)
    cache[first.entry.key] = first.entry
    for kind in ("MODIFIED", "DELETED"):
        event = decoder.event(dump({"type": kind, "object": make_pod()}))
        assert isinstance(event, ObjectEvent)
        assert event.entry is not first.entry


# ---- bad objects


@pytest.mark.parametrize(
    ("obj", "hint", "kept"),
    [
        ({"kind": "Pod", "apiVersion": "v1"}, "", False),
        ({"kind": "Pod", "apiVersion": "v1", "metadata": {"namespace": "shop"}}, "", False),
        ({"metadata": {"name": ""}}, "", False),
        ({"metadata": {"name": 5}}, "", False),
        ({"metadata": "text"}, "", False),
        ({"metadata": None}, "", False),
        ([], "", False),
        (None, "", False),
        ("text", "", False),
        ({"metadata": {"name": "a", "namespace": "shop", "labels": {"n": 1}}}, "shop/a", True),
        ({"metadata": {"name": "a", "labels": ["x"]}}, "a", True),
        ({"metadata": {"name": "a", "namespace": "shop", "ownerReferences": {"kind": "X"}}}, "shop/a", True),
        ({"metadata": {"name": "a", "namespace": "shop", "generation": "many", "uid": 7}}, "shop/a", True),
        ({"metadata": {"name": "a", "resourceVersion": 5}}, "a", True),
        ({"kind": 5, "metadata": {"name": "a"}}, "a", True),
    ],
)
def test_a_bad_object_is_isolated(obj: object, hint: str, kept: bool, make_pod: Make, dump: Dump) -> None:
    decoder = Decoder(PODS)
    event = decoder.event(dump({"type": "MODIFIED", "object": obj}))
    page = decoder.page(dump({"metadata": {"resourceVersion": "5"}, "items": [make_pod("x"), obj, make_pod("y")]}))
    for poison in (event, *page.poison):
        assert isinstance(poison, PoisonEvent)
        assert poison.key_hint == hint
        assert isinstance(poison.error, UndecodableObjectError)
        assert (poison.entry is not None) is kept
        if poison.entry is not None:
            assert str(poison.entry.key) == hint
            assert poison.entry.body == b""
    assert isinstance(event, PoisonEvent)
    assert event.type is EventType.MODIFIED
    assert [e.key.name for e in page.entries] == (["x", "a", "y"] if kept else ["x", "y"])
    assert len(page.poison) == 1
    assert page.resource_version == "5"


@pytest.mark.parametrize(
    "spec",
    [
        b"[" * 5000 + b"]" * 5000,
        b'{"a":' * 3000 + b"1" + b"}" * 3000,
        rb'"half a surrogate pair: \ud800"',
        b'"a control character: \x01"',
        b'{"a":01}',
        b"NaN",
    ],
    ids=["deep lists", "deep objects", "surrogate", "control character", "number", "NaN"],
)
@pytest.mark.scenario("fault-poison")
def test_an_object_that_no_decoder_reads_does_not_spoil_the_others(spec: bytes, make_pod: Make, dump: Dump) -> None:
    bad = dump(make_pod("bad", "8")).replace(dump(make_pod()["spec"]), spec)
    good = dump(make_pod("good"))
    decoder = Decoder(PODS)
    event = decoder.event(b'{"type":"ADDED","object":%b}' % bad)
    page = decoder.page(
        b'{"kind":"PodList","metadata":{"resourceVersion":"9","continue":"c"},"items":[%b,%b]}' % (bad, good)
    )
    assert (page.resource_version, page.continue_token) == ("9", "c")
    assert [e.key.name for e in page.entries] == ["bad", "good"]
    assert json.loads(page.entries[1].body)["metadata"]["name"] == "good"
    for poison in (event, *page.poison):
        assert isinstance(poison, PoisonEvent)
        assert poison.entry is not None
        assert (str(poison.entry.key), poison.entry.resource_version, poison.entry.body) == ("shop/bad", "8", b"")


def test_text_that_is_not_utf_8(make_pod: Make, dump: Dump) -> None:
    frame = dump({"type": "ADDED", "object": make_pod()})
    event = Decoder(PODS).event(frame.replace(b'"Running"', b'"\xff"'))
    assert isinstance(event, ObjectEvent), "the body is for its reader to judge"
    event = Decoder(PODS).event(frame.replace(b'"uid-of-web-0"', b'"\xff"'))
    assert isinstance(event, PoisonEvent)
    assert event.key_hint == "shop/web-0"


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "Service"}, {"apiVersion": "v2"}, {"kind": "Table", "apiVersion": "meta.k8s.io/v1"}, {"kind": "Status"}],
)
@pytest.mark.scenario("R35")
def test_an_object_of_another_type_is_not_taken(wrong: dict[str, str], make_pod: Make, dump: Dump) -> None:
    event = Decoder(PODS).event(dump({"type": "ADDED", "object": {**make_pod(), **wrong}}))
    assert isinstance(event, PoisonEvent)
    assert event.entry is None
    assert event.key_hint == "shop/web-0"
    assert next(iter(wrong.values())) in str(event.error)


def test_fields_that_cannot_be_read_do_not_hide_those_that_can(dump: Dump) -> None:
    metadata = {"name": "a", "namespace": "b", "uid": "c", "resourceVersion": "9", "labels": {"n": None}}
    event = Decoder(PODS).event(dump({"type": "ADDED", "object": {"metadata": metadata}}))
    assert isinstance(event, PoisonEvent)
    assert event.entry is not None
    assert (event.entry.uid, event.entry.resource_version, event.entry.labels) == ("c", "9", {})


# ---- bookmarks, errors, the unknown


def _bookmark(annotations: object, version: object = "12") -> dict[str, Any]:
    metadata = {"resourceVersion": version, "creationTimestamp": None, "annotations": annotations}
    return {"type": "BOOKMARK", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": metadata}}


@pytest.mark.parametrize(
    ("annotations", "end"),
    [
        (None, False),
        ({}, False),
        ({"k8s.io/initial-events-end": "true"}, True),
        ({"other": "x", "k8s.io/initial-events-end": "true"}, True),
        ({"k8s.io/initial-events-end": "false"}, False),
        ({"k8s.io/initial-events-end": "True"}, False),
        ({"k8s.io/initial-events-end": ""}, False),
        ({"k8s.io/initial-events-end": True}, False),
    ],
)
@pytest.mark.scenario("W15")
def test_only_the_annotation_value_true_ends_the_initial_events(annotations: object, end: bool, dump: Dump) -> None:
    event = Decoder(PODS).event(dump(_bookmark(annotations)))
    assert isinstance(event, BookmarkEvent)
    assert (event.resource_version, event.initial_events_end) == ("12", end)


def test_bookmarks_without_anything_in_them(dump: Dump) -> None:
    for obj in ({}, {"metadata": None}, {"metadata": {"resourceVersion": None}}):
        event = Decoder(PODS).event(dump({"type": "BOOKMARK", "object": obj}))
        assert isinstance(event, BookmarkEvent)
        assert event.resource_version == ""
    assert isinstance(Decoder(PODS).event(dump(_bookmark([], 5))), PoisonEvent)


def test_an_error_event_is_the_error_that_fits_its_status(dump: Dump) -> None:
    def error(**status: Any) -> Exception:
        event = Decoder(PODS).event(dump({"type": "ERROR", "object": {"kind": "Status", "metadata": {}, **status}}))
        assert isinstance(event, ErrorEvent)
        return event.error

    expired = error(status="Failure", code=410, reason="Expired", message="too old resource version: 1 (9)")
    assert isinstance(expired, ExpiredError)
    assert "too old" in str(expired)
    throttled = error(code=429, reason="TooManyRequests", details={"retryAfterSeconds": 3, "causes": None})
    assert isinstance(throttled, TooManyRequestsError)
    assert throttled.retry_after == 3
    assert isinstance(error(code=500, reason="InternalError", details=None), InternalServerError)


@pytest.mark.parametrize("obj", [{"kind": "Pod", "metadata": {"name": "a"}}, None, "text", {"code": "many"}])
def test_an_error_event_without_a_status_says_so(obj: object, dump: Dump) -> None:
    event = Decoder(PODS).event(dump({"type": "ERROR", "object": obj}))
    assert isinstance(event, ErrorEvent)
    assert event.error.code == 0
    assert "Status" in str(event.error)


def test_an_unknown_type_is_tolerated(make_pod: Make, dump: Dump) -> None:
    event = Decoder(PODS).event(dump({"type": "PAUSED", "object": make_pod(version="31")}))
    assert isinstance(event, UnknownEvent)
    assert (event.type, event.resource_version) == ("PAUSED", "31")
    event = Decoder(PODS).event(b'{"type":"PAUSED"}')
    assert isinstance(event, UnknownEvent)
    assert event.resource_version == ""


@pytest.mark.parametrize(
    "frame", [b"<html></html>", b"{}", b"[]", b'{"type":5,"object":{}}', b'{"type":"ADDED","object":{}', b'{"a":1}{}']
)
def test_what_is_no_event_is_a_frame_error(frame: bytes) -> None:
    with pytest.raises(FrameError, match="no watch event"):
        Decoder(PODS).event(frame)


@pytest.mark.parametrize(
    "body", [b"<html>502</html>", b"", b"[]", b'{"kind":"PodList"}', b'{"items":{}}', b'{"items":[]', b'{"items":5}']
)
def test_what_is_no_list_is_a_frame_error(body: bytes) -> None:
    with pytest.raises(FrameError, match="no list of Pod"):
        Decoder(PODS).page(body)


@pytest.mark.scenario("R35")
def test_a_table_is_no_list(dump: Dump) -> None:
    for kind in ("Table", "Status", "Pod"):
        with pytest.raises(FrameError, match=f"is a {kind}"):
            Decoder(PODS).page(dump({"kind": kind, "apiVersion": "meta.k8s.io/v1", "items": []}))


def test_empty_lists(dump: Dump) -> None:
    nothing: list[Any] = []
    for items in (None, nothing):
        page = Decoder(PODS).page(dump({"kind": "PodList", "items": items, "metadata": {"resourceVersion": "1"}}))
        assert (page.entries, page.resource_version, page.continue_token) == ([], "1", "")
    assert Decoder(PODS).page(b'{"items":[]}').resource_version == ""
