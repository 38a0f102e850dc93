"""Takes an object of each of many kinds to the server and back through the cache; prints what came of it as JSON.

Usage: python -m tests.real.package.programs.round_trip KUBECONFIG NAMESPACE

It runs with whichever ``kinform_k8s`` Python finds. Each object is created, sent back unchanged, changed, given a status
and deleted through the generated client, always from what the generated lister reads, and after each step the cache is
compared with the server. The namespace is made, and left behind: nothing here finalizes namespaces.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import TYPE_CHECKING, Any

from tests.real.package.programs.core_samples import core_samples
from tests.real.package.programs.extension_samples import extension_samples
from tests.real.package.programs.other_samples import other_samples
from tests.real.package.programs.walk import calls
from tests.real.package.programs.wire import difference, is_struct, parse, without_managed_fields

import kinform_k8s
from kinform import ConflictError, ErrorReport, Event, KinformError, ObjectKey, connect
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.core.v1 import Namespace
from kinform_k8s.models.meta.v1 import ObjectMeta

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.real.package.programs.samples import Sample

    from kinform import Resource, SharedInformer, Transport

TIMEOUT = 20.0
ATTEMPTS = 20  # the server's own controllers write to some of the objects, too

# Definitions of custom resources are finalized by the API server itself.
CLEANED_UP_BY_THE_SERVER = frozenset({"customresourcecleanup.apiextensions.k8s.io"})


class Mismatch(Exception):  # noqa: N818  (it is a finding, not a failure of the program)
    """The cache and the server do not agree."""


class History:
    """The types of the events that a handler was told of, by key."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._types: dict[ObjectKey, list[str]] = {}

    def note(self, event: Event[Any]) -> None:
        """The handler."""
        with self._condition:
            self._types.setdefault(event.key, []).append(event.type.value)
            self._condition.notify_all()

    def until_deleted(self, key: ObjectKey) -> list[str]:
        """All that was told of a key; blocks until its deletion was."""
        with self._condition:
            if not self._condition.wait_for(lambda: "DELETED" in self._types.get(key, ()), TIMEOUT):
                raise Mismatch(f"the handler was not told of the deletion, only {self._types.get(key)}")
            return self._types[key]


class Trip:
    """The way of one object.

    Args:
        sample: The object.
        client: The generated client for its resource, in its namespace.
        accessor: Its generated informer's.
        history: What that informer's handler has heard.
    """

    def __init__(self, sample: Sample[Any], client: Any, accessor: Any, history: History) -> None:
        self._sample = sample
        self._client = client
        self._resource: Resource = accessor.resource
        self._model = accessor.spec.model
        self._informer: SharedInformer[Any] = accessor.informer()
        self._history = history
        self._key = ObjectKey(sample.obj.metadata.namespace, sample.obj.metadata.name)
        lister = accessor.lister()
        self._reads = calls(lister)[0](self._key.namespace) if self._resource.namespaced else lister

    def run(self, transport: Transport) -> None:
        """Goes all the way.

        Raises:
            Mismatch: The cache and the server do not agree.
            KinformError: A request failed, or the cache did not follow.
        """
        self._informer.wait_for(self._client.create(self._sample.obj), TIMEOUT)
        self._compare("created", transport)
        self._send_back(transport)
        self._change("updated", self._client.update, self._alter, transport)
        if self._sample.change_status is not None:
            self._change("given a status", self._client.update_status, self._sample.change_status, transport)
        self._delete()

    def _copy(self) -> Any:
        return self._reads.copy(self._key.name if self._resource.namespaced else self._key)

    def _compare(self, step: str, transport: Transport) -> None:
        """Compares what the cache holds, and what the lister reads, with what the server holds."""
        path = self._resource.path(self._key.namespace, self._key.name)
        for _ in range(ATTEMPTS):
            held = transport.request("GET", path).body
            self._informer.wait_for(self._model.from_wire(held), TIMEOUT)
            version = parse(held)["metadata"]["resourceVersion"]
            entry, read = self._informer.read_entry(self._key), self._reads.get(self._key.name)
            if entry is not None and entry.resource_version == read.metadata.resource_version == version:
                break
        else:
            raise Mismatch(f"{step}: the object does not come to rest")
        held = without_managed_fields(held)
        if entry.body != held:
            raise Mismatch(f"{step}: the cache has {entry.body!r}, the server {held!r}")
        if found := difference(read, parse(held)):
            raise Mismatch(f"{step}: {found}")

    def _alter(self, obj: Any) -> None:
        obj.metadata.annotations["example.com/step"] = "updated"
        if self._sample.change is not None:
            self._sample.change(obj)

    def _send_back(self, transport: Transport) -> None:
        """What the lister reads is sent back unchanged: the server sees no change in it.

        At first the server's own bytes are sent back, since it may see a change even in these: quantities are written
        anew. And a pydantic model writes a null list as an empty one, which the server does take for a change.
        """
        path = self._resource.path(self._key.namespace, self._key.name)
        for _ in range(ATTEMPTS):
            try:
                transport.request("PUT", path, body=transport.request("GET", path).body)
                self._informer.wait_for(self._client.get(self._key.name), TIMEOUT)
                entry, obj = self._informer.read_entry(self._key), self._copy()
                written = self._client.update(obj)
            except ConflictError:
                continue
            if entry is not None and entry.resource_version == obj.metadata.resource_version:
                break
        else:
            raise Mismatch("the object does not come to rest")
        sent = obj.to_wire()
        same = is_struct(obj) or parse(sent) == parse(entry.body)
        if written.metadata.resource_version != entry.resource_version and same:
            raise Mismatch(f"the server found a change in what was sent back unchanged: {sent!r}")

    def _change(
        self, step: str, write: Callable[[Any], Any], change: Callable[[Any], object], transport: Transport
    ) -> None:
        """Changes what the lister reads, and writes it."""
        for _ in range(ATTEMPTS):
            obj = self._copy()
            change(obj)
            try:
                written = write(obj)
            except ConflictError:
                self._informer.wait_for(self._client.get(self._key.name), TIMEOUT)
            else:
                break
        else:
            raise Mismatch(f"{step}: the object does not come to rest")
        if written.metadata.resource_version == obj.metadata.resource_version:
            raise Mismatch(f"{step}: the server took nothing over")
        self._informer.wait_for(written, TIMEOUT)
        self._compare(step, transport)

    def _delete(self) -> None:
        name = self._key.name
        last = self._copy()
        left = self._client.delete(name, grace_period_seconds=0)
        if left is not None:
            last = self._finalize(left)
        self._informer.wait_for_deleted(last, TIMEOUT)
        if self._reads.find(name) is not None:
            raise Mismatch("the lister still finds what was deleted")
        told = self._history.until_deleted(self._key)
        if (told[0], told[-1], set(told[1:-1])) != ("ADDED", "DELETED", {"MODIFIED"}):
            raise Mismatch(f"the handler was told of {told}")

    def _finalize(self, obj: Any) -> Any:
        """Does what the controllers do that are not there."""
        if obj.metadata.finalizers and CLEANED_UP_BY_THE_SERVER.isdisjoint(obj.metadata.finalizers):
            obj.metadata.finalizers = []
            return self._client.update(obj)
        if isinstance(obj, Namespace):
            obj.spec.finalizers = []
            return self._client.update_finalize(self._key.name, obj)
        return obj


def main(kubeconfig: str, namespace: str) -> None:
    """Runs all trips and prints the report."""
    samples = [*core_samples(namespace), *other_samples(namespace), *extension_samples(namespace)]
    wanted = {(sample.obj.api_version, sample.obj.kind) for sample in samples}
    errors: list[ErrorReport] = []
    failures: list[str] = []
    kinds: list[str] = []
    factory = SharedInformerFactory(connect(config_file=kubeconfig))
    factory.on_error(errors.append)
    clientset = Clientset(factory.transport)
    clients = _by_type(clientset, wanted)
    accessors = _by_type(factory, wanted)
    histories = {}
    for type_meta, accessor in accessors.items():
        histories[type_meta] = History()
        accessor().informer().add_handler(histories[type_meta].note)
    with factory:
        factory.wait_for_cache_sync(timeout=TIMEOUT)
        clientset.core_v1().namespaces().create(Namespace(metadata=ObjectMeta(name=namespace)))
        for sample in samples:
            of_kind = sample.obj.api_version, sample.obj.kind
            client = clients[of_kind]
            own = client(namespace) if sample.obj.metadata.namespace else client()
            try:
                Trip(sample, own, accessors[of_kind](), histories[of_kind]).run(factory.transport)
            except (Mismatch, KinformError) as error:
                failures.append(f"{'/'.join(of_kind)}: {type(error).__name__}: {error}")
            kinds.append("/".join(of_kind))
    failures += [str(error) for error in errors]
    json.dump({"package": kinform_k8s.__file__, "kinds": kinds, "failures": failures}, sys.stdout)


def _by_type(generated: object, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], Callable[..., Any]]:
    """The methods of a factory or clientset that lead to the wanted kinds, by apiVersion and kind."""
    found = {}
    groups = [group() for group in calls(generated)]
    versions = groups if isinstance(generated, Clientset) else [version() for g in groups for version in calls(g)]
    for version in versions:
        for method in calls(version):
            resource = method().resource
            if (resource.api_version, resource.kind) in wanted:
                found[resource.api_version, resource.kind] = method
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
