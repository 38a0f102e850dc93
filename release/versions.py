"""Makes sure that the versions of all distributions fit together, and with the tag of a release if there is one.

python release/versions.py [TAG]

Prints the versions. Exits 1 and names what is at odds; docs/releasing.md has the scheme.
"""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from packaging.requirements import Requirement
from packaging.version import Version

from kinform_codegen.revision import OUTPUT_REVISION
from kinform_codegen.spec.bundled import bundled_versions

__all__ = ["Versions", "problems"]

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Versions:
    """What the projects state.

    Attributes:
        runtime: ``kinform``'s version.
        codegen: ``kinform-codegen``'s.
        codegen_needs: The generator's requirement on the runtime.
        generated: The committed ``kinform-k8s``'s version.
        generated_needs: Its requirement on the runtime.
        changelog: The releases that CHANGELOG.md has a heading for.
    """

    runtime: str
    codegen: str
    codegen_needs: str
    generated: str
    generated_needs: str
    changelog: tuple[str, ...]

    @classmethod
    def read(cls, root: Path = ROOT) -> Self:
        """Reads a checkout."""
        runtime, codegen, generated = (_project(root / name) for name in ("runtime", "codegen", "generated"))
        version = re.search(r'__version__ = "(.+)"', (root / "generated/kinform_k8s/_version.py").read_text())
        assert version is not None
        changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
        return cls(
            runtime=runtime["version"],
            codegen=codegen["version"],
            codegen_needs=_requirement(codegen, "kinform"),
            generated=version[1],
            generated_needs=_requirement(generated, "kinform"),
            changelog=tuple(re.findall(r"^## v?(\d\S*)", changelog, re.MULTILINE)),
        )

    @property
    def kubernetes(self) -> list[str]:
        """The versions of ``kinform-k8s`` that a release has."""
        return [f"{version.major}.{version.minor}.{OUTPUT_REVISION}" for version in bundled_versions()]


def problems(versions: Versions, tag: str | None = None) -> list[str]:
    """What is at odds, in words."""
    runtime = Version(versions.runtime)
    found: list[str] = []
    if versions.codegen != versions.runtime:
        found.append(
            f"kinform is {versions.runtime}, kinform-codegen is {versions.codegen}: they are released together"
        )
    if versions.codegen_needs != f"kinform=={versions.runtime}":
        found.append(f"kinform-codegen needs {versions.codegen_needs}, not kinform=={versions.runtime}")
    if versions.generated not in versions.kubernetes:
        found.append(f"generated/ is {versions.generated}, and OUTPUT_REVISION gives {', '.join(versions.kubernetes)}")
    allowed = Requirement(versions.generated_needs).specifier
    if runtime not in allowed:
        found.append(f"generated/ needs {versions.generated_needs}, which kinform {runtime} is not")
    if f"{runtime.major}.{runtime.minor}.999" not in allowed:
        found.append(f"generated/ needs {versions.generated_needs}, which shuts out fixes of kinform {runtime}")
    breaking = f"{runtime.major + 1}.0.0" if runtime.major else f"0.{runtime.minor + 1}.0"
    if breaking in allowed:
        found.append(f"generated/ needs {versions.generated_needs}, which lets in kinform {breaking}")
    if tag is not None and tag != f"v{versions.runtime}":
        found.append(f"the tag is {tag}, and kinform is {versions.runtime}")
    if tag is not None and versions.runtime not in versions.changelog:
        found.append(f"CHANGELOG.md has no heading for {versions.runtime}")
    return found


def _project(folder: Path) -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def _requirement(project: dict[str, Any], name: str) -> str:
    return next((each for each in project["dependencies"] if Requirement(each).name == name), "nothing")


def main(arguments: list[str]) -> int:
    """Runs the check.

    Returns:
        The exit status.
    """
    versions = Versions.read()
    found = problems(versions, arguments[0] if arguments and arguments[0] else None)
    if found:
        sys.stderr.write("".join(f"{each}\n" for each in found))
        return 1
    kubernetes = ", ".join(versions.kubernetes)
    sys.stdout.write(f"kinform and kinform-codegen {versions.runtime}, kinform-k8s {kubernetes}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
