"""Limits on how fast requests are made, after client-go's ``util/flowcontrol``; it knows nothing of Kubernetes."""

from kinform.flowcontrol.limiter import RateLimiter, TokenBucketRateLimiter

__all__ = ["RateLimiter", "TokenBucketRateLimiter"]
