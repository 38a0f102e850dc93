"""Pages that are read while they come: the same as when they are read whole, however they are cut."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinform.errors import FrameError
from kinform.meta import Resource
from kinform.wire import Decoder, Page, drop

PODS = Resource("", "v1", "pods", "Pod", namespaced=True)
WIDGETS = Resource("example.com", "v1", "widgets", "Widget", namespaced=True)


def seen(page: Page) -> list[object]:
    """A page as something that can be compared."""
    entries = [(e.key, e.uid, e.resource_version, e.labels, e.owner, e.body) for e in page.entries]
    poison = [(p.key_hint, str(p.error), p.type, p.entry is not None) for p in page.poison]
    return [entries, poison, page.resource_version, page.continue_token]


def read(decoder: Decoder, body: bytes, cuts: list[int]) -> tuple[Page, int]:
    """The page, read in pieces, and how many of its entries came before its end."""
    reader = decoder.page_reader()
    early = 0
    places = [0, *sorted(cuts), len(body)]
    for start, end in itertools.pairwise(places):
        early += len(reader.feed(body[start:end]))
    return reader.finish(), early


def page_of(items: list[Any], **metadata: Any) -> bytes:
    whole = {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "9", **metadata}, "items": items}
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def item(number: int, **more: Any) -> dict[str, Any]:
    metadata = {"name": f"web-{number}", "namespace": "shop", "uid": f"u{number}", "resourceVersion": str(number)}
    fields = [{"manager": "m", "fieldsV1": {"f:metadata": {"f:labels": {}}}}]
    return {"metadata": {**metadata, "labels": {"app": "web"}, "managedFields": fields}, "spec": {"n": number}, **more}


def test_items_come_before_the_page_is_complete() -> None:
    body = page_of([item(n) for n in range(10)], **{"continue": "next"})
    decoder = Decoder(PODS)
    page, early = read(decoder, body, list(range(0, len(body), 64)))
    assert seen(page) == seen(decoder.page(body))
    assert early == 9, "all but the last, of which nobody knows that it is the last"


def test_custom_resources_come_with_their_type_and_sorted() -> None:
    items = [
        {
            "apiVersion": "example.com/v1",
            "kind": "Widget",
            "metadata": {"annotations": {"a": "b"}, "name": f"w{n}", "namespace": "shop", "resourceVersion": "1"},
            "spec": {"n": n},
        }
        for n in range(10)
    ]
    whole = {"apiVersion": "example.com/v1", "items": items, "kind": "WidgetList", "metadata": {"resourceVersion": "9"}}
    body = json.dumps(whole, separators=(",", ":")).encode()
    decoder = Decoder(WIDGETS)
    page, early = read(decoder, body, list(range(0, len(body), 50)))
    assert seen(page) == seen(decoder.page(body))
    assert early == 9


def test_items_that_hold_the_like_of_themselves() -> None:
    """The templates of a stateful set begin as the items of their list do."""
    templates = [{"metadata": {"name": f"t{n}"}, "spec": {}} for n in range(4)]
    body = page_of([item(n, templates=templates) for n in range(5)])
    decoder = Decoder(PODS)
    page, early = read(decoder, body, list(range(0, len(body), 32)))
    assert seen(page) == seen(decoder.page(body))
    assert early == 4


def test_too_many_of_them_are_left_to_the_end() -> None:
    templates = [{"metadata": {"name": f"t{n}"}} for n in range(100)]
    body = page_of([item(0), item(1, templates=templates), item(2)])
    decoder = Decoder(PODS)
    page, early = read(decoder, body, list(range(0, len(body), 32)))
    assert seen(page) == seen(decoder.page(body))
    assert early == 1


@pytest.mark.parametrize(
    "body",
    [
        page_of([]),
        page_of([item(1)]),
        b'{"kind":"PodList","metadata":{},"items":null}',
        json.dumps({"kind": "PodList", "metadata": {"resourceVersion": "4"}, "items": [item(1), item(2)]}).encode(),
        json.dumps({"kind": "PodList", "items": [item(1), item(2)]}, indent=2).encode(),
        b'{"kind":"PodList","metadata":{"x":{"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}},"items":[]}',
        page_of([item(1), {"metadata": {"name": 5}}, item(3), {"metadata": {"name": "a", "labels": []}}, item(5)]),
        page_of([item(1), {"spec": {"first": 1}, "metadata": {"name": "late"}}, item(3)]),
        page_of([item(1), None, item(3)]),
        page_of([item(1), {**item(2), "kind": "Node", "apiVersion": "v1"}, item(3)]),
        page_of([item(1, text='},{"metadata":{"name":"'), item(2, text='"}},{"metadata":{'), item(3)]),
    ],
    ids=lambda body: body[:40].decode() if isinstance(body, bytes) else "",
)
def test_whatever_the_list_it_is_read_as_if_it_came_whole(body: bytes) -> None:
    decoder = Decoder(PODS)
    expected = seen(decoder.page(body))
    for size in (1, 7, 64, 1000, 100_000):
        page, _ = read(decoder, body, list(range(0, len(body), size)))
        assert seen(page) == expected


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", page_of([item(1), item(2)])[:-30], page_of([item(1), item(2)]) + b"{}", b'{"kind":"Pod"}'],
    ids=["nothing", "html", "half", "too-much", "object"],
)
def test_what_is_no_list_is_an_error_at_the_end(body: bytes) -> None:
    reader = Decoder(PODS).page_reader()
    for start in range(0, len(body), 100):
        reader.feed(body[start : start + 100])
    with pytest.raises(FrameError):
        reader.finish()


def test_an_endless_item_is_not_searched_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kinform.wire.pages._LONGEST_ITEM", 1000)
    body = page_of([item(1), item(2, text="x" * 5000), item(3)])
    decoder = Decoder(PODS)
    page, early = read(decoder, body, list(range(0, len(body), 100)))
    assert seen(page) == seen(decoder.page(body))
    assert early == 1


def test_transforms_and_known_entries_as_in_whole_pages() -> None:
    known = {entry.key: entry for entry in Decoder(PODS).page(page_of([item(1), item(2)])).entries}
    decoder = Decoder(PODS, drop("spec"), known=known.get)
    body = page_of([item(n) for n in range(4)])
    page, _ = read(decoder, body, list(range(0, len(body), 90)))
    assert seen(page) == seen(decoder.page(body))
    assert page.entries[1] is known[page.entries[1].key]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.dictionaries(st.sampled_from(["spec", "status", "metadata"]), _JSON))),
    st.randoms(use_true_random=False),
)
def test_any_list_in_any_pieces(items: list[tuple[int, dict[str, Any]]], chance: random.Random) -> None:
    body = page_of([item(number, **more) for number, more in items])
    decoder = Decoder(PODS)
    cuts = [chance.randrange(len(body)) for _ in range(chance.randrange(12))]
    page, _ = read(decoder, body, cuts)
    assert seen(page) == seen(decoder.page(body))
