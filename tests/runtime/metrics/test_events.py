"""What is shown of a recorder of events."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from kinform.events import EventStatistics
from kinform.metrics import Metrics


class Recorder:
    component = "example.com/rollup"

    def statistics(self) -> EventStatistics:
        return EventStatistics(
            recorded=21,
            waiting=1,
            created=2,
            patched=3,
            combined=9,
            filtered=4,
            dropped=5,
            failed=6,
            retries=7,
            last_error=None,
        )


def test_what_became_of_its_events() -> None:
    metrics, recorder = Metrics(CollectorRegistry()), Recorder()
    metrics.add_recorder(recorder)
    metrics.add_recorder(recorder)
    _, page = metrics.render()
    lines = [line for line in page.decode().splitlines() if line.startswith("kinform_event")]
    who = 'controller="example.com/rollup"'
    assert sorted(lines) == sorted(
        [
            f'kinform_events_total{{{who},outcome="created"}} 2.0',
            f'kinform_events_total{{{who},outcome="patched"}} 3.0',
            f'kinform_events_total{{{who},outcome="filtered"}} 4.0',
            f'kinform_events_total{{{who},outcome="dropped"}} 5.0',
            f'kinform_events_total{{{who},outcome="failed"}} 6.0',
            f"kinform_events_waiting{{{who}}} 1.0",
            f"kinform_event_retries_total{{{who}}} 7.0",
        ]
    )
    with pytest.raises(ValueError, match="another recorder named 'example"):
        metrics.add_recorder(Recorder())
