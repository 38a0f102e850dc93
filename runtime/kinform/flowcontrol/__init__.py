"""Limits on how fast requests are made, and back-off per key, after client-go's ``util/flowcontrol``."""

from kinform.flowcontrol.backoff import Backoff
from kinform.flowcontrol.limiter import RateLimiter, TokenBucketRateLimiter

__all__ = ["Backoff", "RateLimiter", "TokenBucketRateLimiter"]
