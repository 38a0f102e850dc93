"""``python -m kinform.testing.server``: the API server in a box as a program of its own."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, cast

from kinform.testing._kubeconfig import write_private
from kinform.testing.server.documents import decode
from kinform.testing.server.resources import resources_in
from kinform.testing.server.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from kinform.testing.server.documents import JsonObject


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m kinform.testing.server",
        description="A Kubernetes API server for tests: in memory, over HTTP or HTTPS.",
        epilog="Example: python -m kinform.testing.server --resources kinform_k8s.resources --kubeconfig ./kubeconfig",
    )
    add = parser.add_argument
    add(
        "--resources", metavar="MODULE", action="append", required=True,
        help="serve all Resource constants of this module or package, such as kinform_k8s.resources (repeatable)",
    )  # fmt: skip
    add("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    add("--port", type=int, default=0, help="port to listen on (a free one)")
    add("--tls", action="store_true", help="speak HTTPS; the kubeconfig holds the certificate of its authority")
    add("--token", metavar="TOKEN", help="answer 401 to what does not carry this bearer token; the kubeconfig does")
    add(
        "--client-certificates", action="store_true",
        help="answer 401 without a client certificate (or the token); the kubeconfig has one. Needs --tls",
    )  # fmt: skip
    add("--strict", action="store_true", help="namespaces must exist before something is created in them")
    add("--openapi", type=Path, metavar="FILE", help="OpenAPI v3 document of the built-in kinds: openapi/v1.37.json")
    add("--garbage-collection", action="store_true", help="collect by owner references; empty deleted namespaces")
    add("--watch-list", choices=("on", "off", "ignored"), default="on", help="streaming lists (%(default)s)")
    add("--history", type=int, default=10_000, metavar="N", help="changes to remember per resource (%(default)s)")
    add("--bookmark-interval", type=float, default=60.0, metavar="SECONDS", help="time between bookmarks (%(default)s)")
    add("--version-shown", default="v1.37.0", metavar="V", help="the version that /version shows (%(default)s)")
    add(
        "--load", type=Path, action="append", default=[], metavar="FILE",
        help="put the objects of this JSON file into it: one object, a List, or one object per line (repeatable)",
    )  # fmt: skip
    add("--kubeconfig", type=Path, metavar="FILE", help="write a kubeconfig for it to this file")
    return parser


def _objects(path: Path) -> Iterator[JsonObject]:
    text = path.read_bytes()
    try:
        documents = [decode(text)]
    except ValueError:
        documents = [decode(line) for line in text.splitlines() if line.strip()]
    for document in documents:
        match document:
            case {"items": list(items)}:
                yield from cast("list[JsonObject]", items)
            case dict():
                yield document
            case _:
                raise ValueError("expected objects")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until SIGINT or SIGTERM; returns the exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        resources = [resource for module in given.resources for resource in resources_in(module)]
    except ImportError as error:
        parser.error(f"--resources: {error}")
    if not resources:
        parser.error(f"--resources: there are no Resource constants in {', '.join(given.resources)}")
    try:
        server = Server(
            resources,
            host=given.host,
            port=given.port,
            tls=given.tls,
            token=given.token,
            client_certificates=given.client_certificates,
            openapi=given.openapi,
            strict=given.strict,
            garbage_collection=given.garbage_collection,
            watch_list=given.watch_list,
            history=given.history,
            bookmark_interval=given.bookmark_interval,
            version=given.version_shown,
        )
        for path in given.load:
            for obj in _objects(path):
                server.put(obj)
    except (LookupError, ModuleNotFoundError, OSError, ValueError) as error:
        parser.error(str(error))
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    with server:
        if given.kubeconfig:
            write_private(given.kubeconfig, server.kubeconfig().encode())
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
