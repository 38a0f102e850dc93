"""Metrics for Prometheus, under client-go's and controller-runtime's names; needs the extra ``kinform[metrics]``."""

try:
    import prometheus_client as _prometheus_client
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        "kinform.metrics needs prometheus_client, which the extra installs: pip install 'kinform[metrics]'",
        name=_missing.name,
    ) from None

from kinform.metrics.metrics import Metrics

del _prometheus_client

__all__ = ["Metrics"]
