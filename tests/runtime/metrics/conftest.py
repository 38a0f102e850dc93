"""A registry for each test, and what is in it."""

from __future__ import annotations

from typing import Protocol

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from kinform.metrics import Metrics


class Series(Protocol):
    """How the fixture ``series`` is called."""

    def __call__(self, *names: str) -> dict[str, float]: ...


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry())


@pytest.fixture
def series(metrics: Metrics) -> Series:
    """``series("workqueue_depth")``: what the page shows of these metrics, as ``name{label="value"}`` → value."""

    def read(*names: str) -> dict[str, float]:
        _, page = metrics.render()
        found = {}
        for family in text_string_to_metric_families(page.decode()):
            for sample in family.samples:
                if sample.name in names:
                    labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
                    found[f"{sample.name}{{{labels}}}"] = sample.value
        return found

    return read
