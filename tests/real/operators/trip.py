"""Takes an operator's sample objects to the server and back through the cache; prints what came of it as JSON.

Usage: python -m tests.real.operators.trip PACKAGE SAMPLES KUBECONFIG NAMESPACE

PACKAGE is the generated package of its custom resources. Each sample must be written by its model as it was read; then
it goes the way of the round trip of Kubernetes' own kinds.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import yaml
from tests.real.package.programs.round_trip import TIMEOUT, History, Mismatch, Trip
from tests.real.package.programs.samples import Sample
from tests.real.package.programs.walk import calls
from tests.real.package.programs.wire import difference, parse

from kinform import ApiStatusError, ErrorReport, KinformError, connect
from kinform_k8s import Clientset
from kinform_k8s.models.core.v1 import Namespace
from kinform_k8s.models.meta.v1 import ObjectMeta


def main(package: str, samples: str, kubeconfig: str, namespace: str) -> None:
    """Runs all trips and prints the report."""
    documents = list(yaml.safe_load_all(Path(samples).read_text()))
    module = importlib.import_module(package)
    factory = module.SharedInformerFactory(connect(config_file=kubeconfig))
    errors: list[ErrorReport] = []
    factory.on_error(errors.append)
    clients = {
        _kind(client().resource): client for gv in calls(module.Clientset(factory.transport)) for client in calls(gv())
    }
    accessors = {
        _kind(accessor().resource): accessor()
        for group in calls(factory)
        for version in calls(group())
        for accessor in calls(version())
    }
    failures: list[str] = []
    taken: list[str] = []
    with factory:
        histories = {}
        for kind in {(each["apiVersion"], each["kind"]) for each in documents}:
            histories[kind] = History()
            accessors[kind].informer().add_handler(histories[kind].note)
        factory.wait_for_cache_sync(timeout=TIMEOUT)
        errors.clear()  # a server that has just been given a definition makes who lists too early wait, by 429
        Clientset(factory.transport).core_v1().namespaces().create(Namespace(metadata=ObjectMeta(name=namespace)))
        for document in documents:
            kind = document["apiVersion"], document["kind"]
            accessor = accessors[kind]
            where = [namespace] if accessor.resource.namespaced else []
            try:
                sample = _sample(document, accessor.spec.model, *where)
                Trip(sample, clients[kind](*where), accessor, histories[kind]).run(factory.transport)
            except (Mismatch, KinformError) as error:
                causes = error.status.details if isinstance(error, ApiStatusError) else ""
                failures.append(f"{'/'.join(kind)}: {type(error).__name__}: {error} {causes}")
            taken.append("/".join(kind))
    failures += [str(error) for error in errors]
    json.dump({"package": module.__file__, "kinds": taken, "failures": failures}, sys.stdout)


def _kind(resource: Any) -> tuple[str, str]:
    return resource.api_version, resource.kind


def _sample(document: Any, model: Any, namespace: str = "") -> Sample[Any]:
    """The sample of a document, whose status is written once it is there.

    Raises:
        Mismatch: The model writes something else than it has read.
    """
    data = json.dumps(document).encode()
    if found := difference(model.from_wire(data), parse(data)):
        raise Mismatch(f"not written as it was read: {found}")
    status = document.pop("status", None)
    obj = model.from_wire(json.dumps(document).encode())
    obj.metadata.namespace = namespace
    if status is None:
        return Sample(obj)

    def give_status(current: Any) -> None:
        current.status = model.from_wire(json.dumps({**document, "status": status}).encode()).status

    return Sample(obj, change_status=give_status)


if __name__ == "__main__":
    main(*sys.argv[1:])
