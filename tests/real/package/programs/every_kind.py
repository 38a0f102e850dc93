"""Lists and watches every kind through its generated informer; prints what came of it as JSON.

Usage: python -m tests.real.package.programs.every_kind KUBECONFIG

It runs with whichever ``kinform_k8s`` Python finds, and finds the kinds by walking the factory as a user would type it:
``factory.<group>().<version>().<plural>()``.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.real.package.programs.walk import calls
from tests.real.package.programs.wire import difference, parse

import kinform_k8s
from kinform import ErrorReport, Transport, connect
from kinform.informer import SharedInformer
from kinform.informer.source import reflector_options
from kinform.reflector import ReflectorThread
from kinform.wire import Replace
from kinform_k8s import SharedInformerFactory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kinform.factory import ResourceInformer
    from kinform.informer.source import Source, SourceRequest
    from kinform.wire import Change

# Short enough to see each kind's watch end and be taken up again; long enough for the bookmark that the API server
# sends two seconds before the end.
WATCH_SECONDS = (3, 5)
SYNC_TIMEOUT = 60.0
RESUME_TIMEOUT = 30.0


FETCHES: Counter[str] = Counter()
"""How often everything was fetched, by path."""


def short_watches(request: SourceRequest) -> Source:
    """As informers watch by default, but each watch soon ends."""

    def sink(changes: list[Change]) -> None:
        FETCHES[request.resource.path("")] += sum(isinstance(change, Replace) for change in changes)
        request.sink(changes)

    return ReflectorThread(
        request.resource,
        request.namespace,
        replace(reflector_options(request.options), watch_timeout=WATCH_SECONDS),
        request.transport,
        sink=sink,
        report=request.report,
        clock=request.clock,
        name=request.name,
        transform=request.transform,
        known=request.known,
    )


def has_resumed(informer: SharedInformer[Any]) -> bool:
    """Whether a watch has run to its end, and the next one is open."""
    found = informer.statistics()
    return found.connected and found.restarts.get("closed", 0) > 0


def await_all(informers: Sequence[SharedInformer[Any]], timeout: float) -> list[str]:
    """The names of the informers that have not resumed in time."""
    deadline = time.monotonic() + timeout
    pause = threading.Event()  # never set: nothing tells of a watch that was taken up again
    waiting = list(informers)
    while waiting and time.monotonic() < deadline:
        waiting = [informer for informer in waiting if not has_resumed(informer)]
        pause.wait(0.05 if waiting else 0)
    return [informer.name for informer in waiting]


def compare(accessor: ResourceInformer[Any], transport: Transport) -> tuple[int, list[str]]:
    """How many cached objects of a kind were compared with what the server holds, and how they differ.

    Objects that the server has changed in between are left out: it keeps some of its own.
    """
    informer = accessor.informer()
    resource = accessor.resource
    listed = parse(transport.request("GET", resource.path("")).body)
    wanted = {}
    for item in listed["items"]:
        item["metadata"].pop("managedFields", None)
        key = item["metadata"].get("namespace", ""), item["metadata"]["name"]
        # Items of lists come without their type.
        wanted[*key, item["metadata"]["resourceVersion"]] = {
            "kind": resource.kind,
            "apiVersion": resource.api_version,
            **item,
        }
    compared, wrong = 0, []
    for entry in informer.read_entries():
        held = wanted.get((*entry.key, entry.resource_version))
        if held is None:
            continue
        compared += 1
        if parse(entry.body) != held:
            wrong.append(f"{resource} {entry.key} is cached as {entry.body!r}, and {held} at the server")
        if found := difference(informer.inflate(entry), held):
            wrong.append(f"{resource} {entry.key}: {found}")
    return compared, wrong


def main(kubeconfig: str) -> None:
    """Runs the check and prints the report."""
    errors: list[ErrorReport] = []
    failures: list[str] = []
    objects: Counter[str] = Counter()
    factory = SharedInformerFactory(connect(config_file=kubeconfig), source_factory=short_watches)
    factory.on_error(errors.append)
    accessors: list[ResourceInformer[Any]] = [
        accessor() for group in calls(factory) for version in calls(group()) for accessor in calls(version())
    ]
    listers = [accessor.lister() for accessor in accessors]  # type: ignore[attr-defined]  # generated classes have it
    informers = [accessor.informer() for accessor in accessors]
    with factory:
        factory.wait_for_cache_sync(timeout=SYNC_TIMEOUT)
        failures += [f"{name} did not resume its watch" for name in await_all(informers, RESUME_TIMEOUT)]
        for accessor, lister in zip(accessors, listers, strict=True):
            compared, wrong = compare(accessor, factory.transport)
            failures += wrong
            objects[accessor.resource.path("")] = compared
            if len(lister.list()) < compared:
                failures.append(f"{accessor.resource}: its lister has {len(lister)} objects, not {compared}")
        statistics = [informer.statistics() for informer in informers]
        stopping = time.monotonic()
        left = factory.stop()
        took = time.monotonic() - stopping
    failures += [f"still running after stop(): {name}" for name in left.unfinished]
    if took > 2.0:
        failures.append(f"stop() took {took:.1f} s")
    failures += [str(error) for error in errors]
    report = {
        "package": kinform_k8s.__file__,
        "kinds": {accessor.resource.path(""): accessor.resource.kind for accessor in accessors},
        "objects": objects,
        "fetches": FETCHES,
        "fetched": sorted({str(watch.initial_fetch) for each in statistics for watch in each.watches.values()}),
        "restarts": sorted({reason for each in statistics for reason in each.restarts}),
        "failures": failures,
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
