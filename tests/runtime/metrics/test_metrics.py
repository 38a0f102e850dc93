"""The page itself, and what it takes to have one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, CollectorRegistry

from kinform import Controller
from kinform.metrics import Metrics, families


def test_a_registry_takes_one_metrics(metrics: Metrics) -> None:
    with pytest.raises(ValueError, match="has metrics of kinform's names already"):
        Metrics(metrics.registry)
    assert Metrics(CollectorRegistry()).registry is not metrics.registry


def test_the_page_comes_in_the_format_that_is_asked_for(metrics: Metrics) -> None:
    metrics.add_controller(Controller("pods", lambda key: None))
    content_type, page = metrics.render()
    assert content_type.startswith("text/plain")
    assert b'\nworkqueue_adds_total{controller="pods",name="pods"} 0.0\n' in page
    content_type, page = metrics.render("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert page.endswith(b"# EOF\n")


def test_the_documentation_lists_every_metric_with_its_labels() -> None:
    page = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)` \| (\w+) \| ([^|]*) \|", page, re.MULTILINE)
    listed = {(name, kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}
    assert listed == {(family.name, family.kind, family.labels) for family in families.ALL}
    assert len(rows) == len(families.ALL)


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


def test_unless_told_otherwise_the_page_has_the_process_too() -> None:
    code = "from kinform.metrics import Metrics; print(Metrics().render()[1].decode())"
    assert "process_resident_memory_bytes" in run_python(code)
    assert REGISTRY is not None


def test_without_the_extra_nothing_is_imported_and_the_error_says_how_to_get_it() -> None:
    code = """
import sys
sys.modules["prometheus_client"] = None
import kinform, kinform.controller.run
print(sorted(name for name in sys.modules if name.startswith(("kinform.metrics", "kinform.health", "http.server"))))
del sys.modules["prometheus_client"]

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name == "prometheus_client":
            raise ModuleNotFoundError("No module named 'prometheus_client'", name=name)

sys.meta_path.insert(0, Refuse())
try:
    import kinform.metrics
except ModuleNotFoundError as error:
    print(error)
"""
    assert run_python(code).splitlines() == [
        "[]",
        "kinform.metrics needs prometheus_client, which the extra installs: pip install 'kinform[metrics]'",
    ]
