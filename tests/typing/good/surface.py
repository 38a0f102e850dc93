"""The public surface: what each call takes and gives."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import assert_type

from kinform import (
    LOW_PRIORITY,
    Controller,
    DynamicClient,
    DynamicObject,
    Event,
    EventRecorder,
    GenericInformer,
    Index,
    LeaderElection,
    LeaderElector,
    Leadership,
    ObjectKey,
    PartialObjectMetadata,
    PriorityQueue,
    RateLimitingQueue,
    Snapshot,
    TokenBucketRateLimiter,
    add_finalizer,
    connect,
    controller_of,
    default_controller_rate_limiter,
    drop,
    field_index,
    generation_changed,
    index,
    label_index,
    labels_changed,
    owner_key,
    parallelize,
    run,
)
from kinform.health import HealthServer
from kinform.metrics import Metrics
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.apps.v1 import Deployment
from kinform_k8s.models.core.v1 import Container, Node, Pod, PodSpec
from kinform_k8s.models.meta.v1 import ObjectMeta
from kinform_k8s.resources.core.v1 import PODS


def on_add(pod: Pod) -> None:
    print(pod.metadata.name)


def on_update(old: Pod, new: Pod) -> bool:
    return old.metadata.resource_version != new.metadata.resource_version


def on_event(event: Event[Pod]) -> None:
    assert_type(event.old, Pod | None)
    assert_type(event.new, Pod | None)
    assert_type(event.key, ObjectKey)
    assert_type(event.initial, bool)


def informers() -> None:
    factory = SharedInformerFactory(
        connect, namespace=["a", "b"], label_selector="app=web", transform=drop("metadata.managedFields"), resync=None
    )
    pods = factory.core().v1().pods()
    nodes = factory.core().v1().nodes()
    informer = pods.informer()
    informer.add_event_handler(on_add=on_add, on_update=on_update, on_delete=lambda pod: print(pod.spec.node_name))
    informer.add_event_handler(on_add=on_add, where=lambda pod: pod.spec.node_name == "n1")
    informer.add_event_handler(on_update=on_update, where=generation_changed | labels_changed)
    informer.add_handler(on_event)
    queue: RateLimitingQueue[ObjectKey] = RateLimitingQueue(default_controller_rate_limiter(), name="pods")
    registration = informer.add_key_handler(queue.add)
    assert_type(registration.has_synced(), bool)
    registration.remove(timeout=1.0)

    assert_type(pods.lister().list(), Snapshot[Pod])
    assert_type(pods.lister().pods("shop").get("web-0"), Pod)
    assert_type(pods.lister().pods("shop").find("web-0"), Pod | None)
    assert_type(nodes.lister().get("n1"), Node)
    for pod in pods.lister().list("app in (a, b)"):
        assert_type(pod, Pod)
    for key in pods.lister().keys():
        assert_type(key, ObjectKey)

    by_node = informer.add_index(field_index("spec.nodeName"))
    assert_type(by_node, Index[Pod])
    by_image = informer.add_index(index("image", lambda pod: [c.image for c in pod.spec.containers]))
    assert_type(by_image["nginx"], Snapshot[Pod])
    informer.add_index(label_index("app"))


def metadata_alone(factory: SharedInformerFactory) -> None:
    pods = factory.metadata().for_resource(PODS, namespace="shop", label_selector="app=web")
    assert_type(pods, GenericInformer[PartialObjectMetadata])
    assert_type(factory.metadata().for_kind("example.com/v1", "Widget"), GenericInformer[PartialObjectMetadata])
    informer = pods.informer()
    informer.add_event_handler(on_add=lambda obj: print(obj.metadata.labels["app"]), where=labels_changed)
    assert_type(pods.lister().get(ObjectKey("shop", "web-0")).metadata.owner_references[0].name, str)
    assert_type(pods.lister().namespace("shop").list(), Snapshot[PartialObjectMetadata])
    informer.add_index(index("owner", lambda obj: [each.uid for each in obj.metadata.owner_references]))
    informer.wait_for(PartialObjectMetadata.of(Pod()))
    when = pods.lister().get(ObjectKey("shop", "web-0")).metadata.creation_timestamp
    assert_type(when, datetime | None)
    Controller("pods", print).watches(factory.core().v1().pods()).owns(pods).maps(
        pods, lambda obj: [ObjectKey(obj.metadata.namespace, obj.metadata.name)]
    )


def told(recorder: EventRecorder, partial: PartialObjectMetadata, widget: DynamicObject) -> None:
    recorder.event(partial, "Normal", "Seen", "it is there")
    recorder.event(widget, "Normal", "Seen", "it is there", related=partial)


def any_kind(factory: SharedInformerFactory) -> None:
    widgets = factory.dynamic().for_resource("example.com/v1", "widgets", namespace="shop")
    assert_type(widgets, GenericInformer[DynamicObject])
    widget = widgets.lister().copy(ObjectKey("shop", "w"))
    assert_type(widget.nested_string("spec.color"), str | None)
    assert_type(widget.nested_int("spec.size"), int | None)
    assert_type(widget.metadata.generation, int)
    labels: dict[str, str] = {"app": "web"}
    widget.metadata.labels = labels
    widget.metadata.labels["app"] = "db"
    widget.metadata.finalizers.append("example.com/keep")
    widget["spec"] = {"size": 3, "labels": labels}
    widget.set_nested_field("spec.template", {"metadata": {"labels": labels}})
    add_finalizer(widget, "example.com/keep")
    owner = controller_of(widget)
    if owner is not None:
        assert_type(owner.uid, str)
    widgets.informer().add_index(index("size", lambda obj: [str(obj.nested_int("spec.size"))]))
    with DynamicClient(factory.transport, mapper=factory.rest_mapper) as client:
        written = client.for_kind(widget.api_version, widget.kind).apply(widget, field_manager="me")
        assert_type(written, DynamicObject)
        widgets.informer().wait_for(written)
        for event in client.for_resource(PODS, namespace="shop").watch():
            assert_type(event.object, DynamicObject)
    found = factory.rest_mapper.resolve("deploy")
    assert_type(found.supports("list", "watch"), bool)
    factory.dynamic().for_resource(found.resource)
    DynamicObject({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": labels})


def models() -> None:
    pod = Pod(metadata=ObjectMeta(name="x"), spec=PodSpec(node_name="n", containers=[Container(name="c", image="i")]))
    assert_type(pod.metadata.name, str)
    assert_type(pod.spec.node_name, str)
    assert_type(pod.spec.containers[0].image, str)
    assert_type(pod.metadata.labels["a"], str)
    assert_type(Deployment().spec.replicas, int | None)
    when = pod.metadata.creation_timestamp
    if when is not None:
        late: bool = when < datetime.now(when.tzinfo)
        print(late)
    owner = controller_of(pod)
    if owner is not None:
        assert_type(owner.name, str)
    assert_type(owner_key(pod, "ReplicaSet"), ObjectKey | None)


def clients() -> None:
    with Clientset(connect) as clientset:
        pods = clientset.core_v1().pods("shop")
        assert_type(pods.create(Pod()), Pod)
        assert_type(pods.get("x"), Pod)
        assert_type(pods.update_status(Pod()), Pod)
        assert_type(pods.list().items[0], Pod)
        assert_type(clientset.core_v1().nodes().get("n1"), Node)


def queues() -> None:
    queue: RateLimitingQueue[ObjectKey] = RateLimitingQueue(name="pods")
    queue.add(ObjectKey("a", "b"))
    queue.add_after(ObjectKey("a", "b"), timedelta(seconds=5))
    urgent: PriorityQueue[ObjectKey] = PriorityQueue(default_controller_rate_limiter(), name="pods")
    urgent.add(ObjectKey("a", "b"), priority=LOW_PRIORITY)
    parallelize(urgent.add, [ObjectKey("a", "b")], workers=2)
    with queue.processing() as item:
        assert_type(item, ObjectKey)


def measured(factory: SharedInformerFactory, queue: PriorityQueue[ObjectKey]) -> None:
    limiter = TokenBucketRateLimiter(qps=20, burst=30)
    clientset = Clientset(connect, rate_limiter=limiter)
    pods = factory.core().v1().pods()
    pods.informer().add_key_handler(queue.add, background=partial(queue.add, priority=LOW_PRIORITY))
    controller = Controller("pods", lambda key: None).watches(pods)
    metrics = Metrics()
    metrics.add_queue(queue)
    metrics.add_transport(clientset.transport)
    health = HealthServer(8080, host="0.0.0.0", metrics=metrics.render)
    health.readyz.add("queue", lambda: queue.statistics().depth < 1000)
    run(factory, controller, health=health, metrics=metrics)


def lead(leadership: Leadership) -> None:
    assert_type(leadership.stop.wait(), bool)
    assert_type(leadership.lost.aborted, bool)


def elections() -> None:
    factory = SharedInformerFactory(connect)
    controller = Controller("pods", print).watches(factory.core().v1().pods())
    election = LeaderElection(lease="shop/rollup", retry_period=timedelta(seconds=1), labels={"app": "rollup"})
    run(factory, controller, leader_election=election)
    elector = LeaderElector(election, connect, on_started_leading=lead, on_new_leader=lambda leader: leader.upper())
    Metrics().add_elector(LeaderElector(election, factory.transport))
    elector.run()
    assert_type(elector.is_leader(), bool)
    assert_type(elector.leader_identity, str)
    assert_type(elector.statistics().lease, ObjectKey)
    elector.check(timedelta(seconds=5))
