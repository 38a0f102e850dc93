"""The specs that come with the generator: openapi/ of the repository, which is package data of the wheel."""

from __future__ import annotations

import re
from pathlib import Path

from kinform_codegen.spec.version import KubernetesVersion

__all__ = ["bundled_spec", "bundled_versions"]

_FOLDER = Path(__file__).resolve().parent.parent / "openapi"
_NAME = re.compile(r"v1\.\d+\.json")


def bundled_versions() -> dict[KubernetesVersion, Path]:
    """The Kubernetes versions whose specs are at hand, oldest first."""
    found = {}
    for path in _FOLDER.glob("v*.json") if _FOLDER.is_dir() else ():
        version = KubernetesVersion.find(path.name) if _NAME.fullmatch(path.name) else None
        if version is not None:
            found[version] = path
    return dict(sorted(found.items()))


def bundled_spec(name: str) -> Path | None:
    """The bundled spec of that name (``v1.30``), or None."""
    return next((path for version, path in bundled_versions().items() if str(version) == name), None)
