"""What the replayer serves, byte by byte, without any client library."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from benchmarks.processes import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.processes import Replayer

END = "k8s.io/initial-events-end"


@contextlib.contextmanager
def get(replayer: Replayer, query: str, accept: str = "application/json") -> Iterator[http.client.HTTPResponse]:
    parts = urlsplit(replayer.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request("GET", f"{replayer.stats['path']}?{query}", headers={"Accept": accept})
        with connection.getresponse() as response:
            yield response
    finally:
        connection.close()


def events(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    while line := response.readline():
        yield json.loads(line)


def pages(replayer: Replayer, limit: int) -> Iterator[dict[str, Any]]:
    following = ""
    while True:
        with get(replayer, f"limit={limit}&continue={following}") as response:
            page = json.load(response)
        yield page
        following = page["metadata"].get("continue", "")
        if not following:
            return


def printed(program: Path, corpus: str, count: int, seed: int = 1) -> list[bytes]:
    command = [str(program), "-corpus", corpus, "-count", str(count), "-seed", str(seed), "-print"]
    return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout.splitlines()


def test_the_same_seed_makes_the_same_bytes_and_an_object_does_not_depend_on_how_many_there_are(
    replayer_program: Path,
) -> None:
    for corpus in ("pods", "pods-small", "releases"):
        few, many = printed(replayer_program, corpus, 20), printed(replayer_program, corpus, 60)
        assert few == many[:20]
        assert many == printed(replayer_program, corpus, 60)
        assert few != printed(replayer_program, corpus, 20, seed=2)


def test_pods_are_of_five_hundred_workloads_of_the_sizes_that_are_told_and_share_nothing_of_their_own(
    replayer_program: Path,
) -> None:
    lines = printed(replayer_program, "pods", 2_000)
    assert 7_000 < min(map(len, lines)) <= max(map(len, lines)) < 11_000
    pods = [json.loads(line) for line in lines]
    workloads = {json.dumps(pod["spec"]["containers"][0]["env"]) for pod in pods}
    assert len(workloads) > 500
    metadata = [pod["metadata"] for pod in pods]
    for name in ("uid", "resourceVersion"):
        assert len({each[name] for each in metadata}) == 2_000
    assert len({(each["namespace"], each["name"]) for each in metadata}) == 2_000
    small = printed(replayer_program, "pods-small", 200)
    assert 2_000 < min(map(len, small)) <= max(map(len, small)) < 3_000
    assert all(json.loads(line)["metadata"]["managedFields"] for line in (*lines[:50], *small[:50]))


def test_pages_hold_every_object_once_and_say_how_many_are_left(replayer: Replayer) -> None:
    found = list(pages(replayer, 15))
    assert [len(page["items"]) for page in found] == [15, 15, 10]
    assert [page["metadata"].get("remainingItemCount") for page in found] == [25, 10, None]
    keys = {(item["metadata"]["namespace"], item["metadata"]["name"]) for page in found for item in page["items"]}
    assert len(keys) == 40


def test_a_streaming_list_ends_with_its_bookmark(replayer: Replayer) -> None:
    with get(replayer, "watch=true&sendInitialEvents=true") as response:
        stream = events(response)
        added = [next(stream) for _ in range(40)]
        end = next(stream)
    assert {event["type"] for event in added} == {"ADDED"}
    assert all(event["object"]["kind"] in {"Pod", "Release"} for event in added)
    assert end["type"] == "BOOKMARK"
    assert end["object"]["metadata"]["annotations"] == {END: "true"}
    assert int(end["object"]["metadata"]["resourceVersion"]) >= max(
        int(event["object"]["metadata"]["resourceVersion"]) for event in added
    )


def test_each_event_and_each_item_is_a_chunk_of_its_own_as_net_http_makes_them(replayer: Replayer) -> None:
    if replayer.stats["bytes"] < 4096:
        pytest.skip("what is hardly larger than net/http's buffer is cut where that is full")
    for query, ends in (("watch=true&sendInitialEvents=true", b"}\n"), ("limit=0", b"}")):
        found = chunks(replayer, query, 5)
        # The head of a list shares the first 2 KiB with its first item.
        assert [chunk[-len(ends) :] for chunk in found[2:]] == [ends] * 3
        assert all(chunk.count(b'"uid":') >= 1 and len(chunk) > 2048 for chunk in found[2:])


def chunks(replayer: Replayer, query: str, count: int) -> list[bytes]:
    parts = urlsplit(replayer.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), 30) as connection:
        connection.sendall(f"GET {replayer.stats['path']}?{query} HTTP/1.1\r\nHost: replayer\r\n\r\n".encode())
        with connection.makefile("rb") as reader:
            while reader.readline() != b"\r\n":
                pass
            found = []
            for _ in range(count):
                found.append(reader.read(int(reader.readline(), 16)))
                assert reader.readline() == b"\r\n"
            return found


def test_a_server_without_streaming_lists_refuses_them_by_name(replayer: Replayer) -> None:
    replayer.control("streaming", on="false")
    with get(replayer, "watch=true&sendInitialEvents=true") as response:
        refused = json.load(response)
        assert response.status == 422
    assert refused["reason"] == "Invalid"
    assert "sendInitialEvents" in refused["message"]


def test_a_burst_changes_objects_in_turn_and_ends_with_the_last_one(replayer: Replayer) -> None:
    with get(replayer, "watch=true&resourceVersion=1000000040") as response:
        told: dict[str, Any] = {}
        asked = threading.Thread(target=lambda: told.update(replayer.control("burst", count=50)))
        asked.start()
        stream = events(response)
        changed = [next(stream) for _ in range(50)]
        asked.join()
    metadata = [event["object"]["metadata"] for event in changed]
    assert {event["type"] for event in changed} == {"MODIFIED"}
    versions = [int(each["resourceVersion"]) for each in metadata]
    assert versions == list(range(versions[0], versions[0] + 50))
    last = f"{metadata[-1]['namespace']}/{metadata[-1]['name']}"
    assert last == told["last_key"] == replayer.stats["last_key"]
    assert last not in {f"{each['namespace']}/{each['name']}" for each in metadata[:-1]}
    assert replayer.control("versions")[last] == metadata[-1]["resourceVersion"]
    sent = replayer.control("sent")
    assert metadata[-1]["annotations"]["replayer.example.com/sent-at"] == str(sent[last])


def test_an_expired_watch_ends_with_410_and_older_ones_are_refused_until_all_is_listed_again(
    replayer: Replayer,
) -> None:
    with get(replayer, "watch=true&resourceVersion=1000000040") as response:
        told = replayer.control("expire", changed=0.5)
        (error,) = events(response)
    assert (error["type"], error["object"]["code"], error["object"]["reason"]) == ("ERROR", 410, "Expired")
    assert told["changed"] == 20
    with get(replayer, "watch=true&resourceVersion=1000000040") as response:
        (error,) = events(response)
        assert error["object"]["code"] == 410
    (page,) = pages(replayer, 0)
    assert page["metadata"]["resourceVersion"] == str(told["version"])


def test_protobuf_is_served_to_those_who_prefer_it(replayer: Replayer) -> None:
    if not replayer.stats["bytes_protobuf"]:
        pytest.skip("custom resources have no protobuf")
    with get(replayer, "limit=10", "application/vnd.kubernetes.protobuf,application/json") as response:
        assert response.headers["Content-Type"] == "application/vnd.kubernetes.protobuf"
        assert response.read(4) == b"k8s\0"
    with get(replayer, "limit=10", "application/json,application/vnd.kubernetes.protobuf") as response:
        assert response.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("command", "arguments"),
    [("burst", {"count": 0}), ("expire", {"changed": 2}), ("dance", {})],
)
def test_what_cannot_be_commanded_is_told(replayer: Replayer, command: str, arguments: dict[str, object]) -> None:
    with pytest.raises(BenchmarkError, match=command if command == "dance" else "bad request"):
        replayer.control(command, **arguments)
