"""The example of the README, as a user writes it."""

from kinform import ObjectKey, RateLimitingQueue, connect
from kinform_k8s import SharedInformerFactory

factory = SharedInformerFactory(connect)
pods = factory.core().v1().pods()
queue: RateLimitingQueue[ObjectKey] = RateLimitingQueue(name="pods")
pods.informer().add_key_handler(queue.add)
with factory:
    factory.wait_for_cache_sync()
    pod = pods.lister().pods("default").get("web-0")
    pod.spec.node_name.startswith("edge-")
