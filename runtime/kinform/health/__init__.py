"""Health checks and metrics over HTTP, in the API server's format; it knows nothing of Kubernetes."""

from kinform.health.checks import HealthChecks
from kinform.health.server import HealthServer, MetricsPage

__all__ = ["HealthChecks", "HealthServer", "MetricsPage"]
