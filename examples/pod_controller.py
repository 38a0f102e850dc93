"""The complete controller pattern by hand: says for each pod which Deployment it belongs to.

Two workers, a rate-limited queue, cache reads only, owner lookup, graceful stop (``kinform.Controller`` has it ready).
"""

import logging
import signal
import sys
import threading
import time
from contextlib import suppress

from kinform import ObjectKey, RateLimitingQueue, ShutDown, connect, owner_key
from kinform_k8s import SharedInformerFactory

log = logging.getLogger("pod-controller")


class PodController:
    """Reconciles pods: one key at a time, never one key in two workers."""

    def __init__(self, factory: SharedInformerFactory) -> None:
        pods = factory.core().v1().pods()
        self._pods = pods.lister()
        self._replica_sets = factory.apps().v1().replica_sets().lister()
        self._queue: RateLimitingQueue[ObjectKey] = RateLimitingQueue(name="pods")
        pods.informer().add_key_handler(self._queue.add)

    def start(self, workers: int) -> None:
        """Starts the workers; the caches should have synced."""
        for number in range(workers):
            threading.Thread(target=self._work, name=f"worker-{number}").start()

    def stop(self) -> None:
        """Finishes what the queue still holds; then it tells the workers to end."""
        self._queue.shut_down_with_drain(timeout=10)

    def _work(self) -> None:
        with suppress(ShutDown):
            while True:
                with self._queue.processing() as key:
                    self._try(key)

    def _try(self, key: ObjectKey) -> None:
        try:
            log.info("%s: %s", key, self.reconcile(key))
            self._queue.forget(key)
        except Exception:
            log.exception("%s failed %d times", key, self._queue.num_requeues(key) + 1)
            self._queue.add_rate_limited(key)

    def reconcile(self, key: ObjectKey) -> str:
        """Level-triggered: looks at what is there now, not at what has happened."""
        pod = self._pods.pods(key.namespace).find(key.name)
        if pod is None:
            return "gone"
        owner = owner_key(pod, "ReplicaSet")
        replica_set = self._replica_sets.replica_sets(owner.namespace).find(owner.name) if owner else None
        deployment = owner_key(replica_set, "Deployment") if replica_set else None
        return f"{pod.status.phase} on {pod.spec.node_name or 'no node'}, of {deployment or 'no deployment'}"


def main() -> None:
    """Watches until Ctrl-C or SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(threadName)s %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    factory = SharedInformerFactory(connect, namespace=sys.argv[1] if len(sys.argv) > 1 else None)
    controller = PodController(factory)
    with factory:
        factory.wait_for_cache_sync(timeout=60)
        controller.start(workers=2)
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(1)
        controller.stop()


if __name__ == "__main__":
    main()
