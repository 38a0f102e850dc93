"""Work queues and rate limiters, after client-go's ``util/workqueue``; they know nothing of Kubernetes."""

from kinform.errors import ShutDown
from kinform.workqueue.delaying import DelayingQueue, RateLimitingQueue
from kinform.workqueue.limiters import (
    BucketRateLimiter,
    ItemExponentialFailureRateLimiter,
    ItemFastSlowRateLimiter,
    MaxOfRateLimiter,
    RateLimiter,
    WithMaxWaitRateLimiter,
    default_controller_rate_limiter,
    default_item_based_rate_limiter,
)
from kinform.workqueue.observer import WorkQueueObserver
from kinform.workqueue.order import FifoOrder, Order
from kinform.workqueue.parallel import parallelize
from kinform.workqueue.priority import LOW_PRIORITY, PriorityQueue
from kinform.workqueue.queue import WorkQueue, WorkQueueStatistics

__all__ = [
    "LOW_PRIORITY",
    "BucketRateLimiter",
    "DelayingQueue",
    "FifoOrder",
    "ItemExponentialFailureRateLimiter",
    "ItemFastSlowRateLimiter",
    "MaxOfRateLimiter",
    "Order",
    "PriorityQueue",
    "RateLimiter",
    "RateLimitingQueue",
    "ShutDown",
    "WithMaxWaitRateLimiter",
    "WorkQueue",
    "WorkQueueObserver",
    "WorkQueueStatistics",
    "default_controller_rate_limiter",
    "default_item_based_rate_limiter",
    "parallelize",
]
