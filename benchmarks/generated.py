"""Packages that the benchmark generates for contenders, beside the committed ``kinform_k8s``."""

from __future__ import annotations

import atexit
import functools
import io
import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.programs import ROOT

from kinform_codegen.generate import generate
from kinform_codegen.progress import Progress
from kinform_codegen.settings import ModelKind, PackageOptions
from kinform_codegen.spec.load import load_spec

__all__ = ["generated_packages", "write_package"]

SPEC: Final = ROOT / "openapi" / "v1.30.json"


def write_package(folder: Path, models: ModelKind) -> float:
    """Generates ``bench_pydantic`` or ``bench_msgspec`` into a folder; the seconds that it took."""
    begin = time.perf_counter()
    options = PackageOptions(package=f"bench_{models}", models=models)
    for path, content in generate(load_spec(str(SPEC)), Progress(io.StringIO()), options).files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return time.perf_counter() - begin


@functools.cache
def generated_packages() -> Path:
    """A folder with ``bench_msgspec``, made on the first call and removed when this process ends."""
    folder = tempfile.TemporaryDirectory(prefix="kinform-benchmarks-")
    atexit.register(folder.cleanup)
    write_package(Path(folder.name), "msgspec")
    return Path(folder.name)
