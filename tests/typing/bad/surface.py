"""What a type checker must refuse."""

from __future__ import annotations

from kinform import DynamicClient, DynamicObject, Event, ObjectKey, RateLimitingQueue, connect, index
from kinform_k8s import Clientset, SharedInformerFactory
from kinform_k8s.models.core.v1 import Node, Pod, PodSpec
from kinform_k8s.resources.core.v1 import PODS

factory = SharedInformerFactory(connect)
pods = factory.core().v1().pods()
nodes = factory.core().v1().nodes()


def on_node(node: Node) -> None:
    print(node.spec.pod_cidr)


def on_node_event(event: Event[Node]) -> None:
    print(event.new)


pods.informer().add_event_handler(on_add=on_node)  # must-fail
pods.informer().add_handler(on_node_event)  # must-fail
pods.informer().add_key_handler(on_node)  # must-fail
pods.informer().add_event_handler(on_add=lambda pod: pod.spec.no_such_field)  # must-fail
pods.informer().add_index(index("x", lambda pod: [pod.spec.no_such_field]))  # must-fail
pods.informer().add_event_handler(where=lambda pod: pod.spec.no_such_field)  # must-fail

queue: RateLimitingQueue[ObjectKey] = RateLimitingQueue(name="pods")
queue.add("shop/web-0")  # must-fail

nodes.lister().nodes("default")  # must-fail
pods.lister().get("web-0")  # must-fail
pods.lister().pods("a").get("x").spec.nodeName  # must-fail
length: int = pods.lister().pods("a").get("x").spec.node_name  # must-fail

PodSpec(nodename="x")  # must-fail
PodSpec(node_name=1)  # must-fail
Clientset(connect).core_v1().pods("a").create(Node())  # must-fail
Clientset(connect).core_v1().component_statuses().create(Pod())  # must-fail
factory.core().v1().pods(labels="app=web")  # must-fail
factory.core().v1().component_statuses()  # must-fail

metadata = factory.metadata().for_resource(PODS)
metadata.informer().add_event_handler(on_add=lambda obj: obj.spec)  # must-fail
metadata.informer().add_event_handler(on_add=on_node)  # must-fail
metadata.informer().wait_for(Pod())  # must-fail
metadata.lister().get("web-0")  # must-fail
metadata.lister().pods("shop")  # must-fail
factory.metadata().for_resource("v1")  # must-fail
factory.dynamic().for_resource(PODS, labels="app=web")  # must-fail
widget = factory.dynamic().for_kind("example.com/v1", "Widget").lister().get(ObjectKey("shop", "w"))
widget["spec"]["size"]  # must-fail
widget.spec  # must-fail
size: int = widget.nested_int("spec.size")  # must-fail
widget.metadata.labels["a"] = 1  # must-fail
widget.metadata.uid = "x"  # must-fail
DynamicClient(connect).for_kind("v1", "Pod").create(Pod())  # must-fail
DynamicObject("web")  # must-fail
pods.lister().list(None)  # must-fail
