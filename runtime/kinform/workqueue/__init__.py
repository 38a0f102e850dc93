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
from kinform.workqueue.queue import WorkQueue, WorkQueueStatistics

__all__ = [
    "BucketRateLimiter",
    "DelayingQueue",
    "ItemExponentialFailureRateLimiter",
    "ItemFastSlowRateLimiter",
    "MaxOfRateLimiter",
    "RateLimiter",
    "RateLimitingQueue",
    "ShutDown",
    "WithMaxWaitRateLimiter",
    "WorkQueue",
    "WorkQueueStatistics",
    "default_controller_rate_limiter",
    "default_item_based_rate_limiter",
]
