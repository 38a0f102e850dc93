"""Takes out of a folder what the package index has already, after making sure that it is the same.

python release/unpublished.py DIST

A release has no new kinform-k8s where the generator's output did not change. A version that is out with other content
is an error: for kinform-k8s it means that OUTPUT_REVISION was not raised. Asks the index that pip is configured for.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import zipfile
from email import message_from_bytes
from pathlib import Path

__all__ = ["differences", "published", "split_name"]

# What another release of the build backend writes in another way.
_BY_BACKEND = re.compile(r"[^/]+\.dist-info/(WHEEL|RECORD)")

_NOT_FETCHED = re.compile(r"Could not fetch URL \S+: (.+) - skipping")


def split_name(wheel: Path) -> tuple[str, str]:
    """Distribution and version of a wheel, as its file name has them."""
    name, version, *_ = wheel.name.split("-")
    return name, version


def published(wheel: Path, folder: Path) -> Path | None:
    """Downloads the wheel of that version; None if the index has none.

    Raises:
        RuntimeError: The index could not be asked.
    """
    name, version = split_name(wheel)
    # So verbose it tells what it passes over in silence: an index that cannot be reached, or refuses.
    options = ["-vv", "--disable-pip-version-check", "--no-cache-dir", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), f"{name}=={version}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return folder / wheel.name
    failed = [reason for reason in _NOT_FETCHED.findall(done.stdout) if not reason.startswith("404 ")]
    if "No matching distribution found" in done.stderr and not failed:
        return None
    said = "\n".join([done.stderr.strip(), *failed])
    raise RuntimeError(f"cannot tell whether {name} {version} is published:\n{said}")


def differences(built: Path, published: Path) -> list[str]:
    """The files in which two wheels differ."""
    before, after = _contents(published), _contents(built)
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def _contents(wheel: Path) -> dict[str, object]:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not _BY_BACKEND.fullmatch(name)]
        return {name: _content(name, archive.read(name)) for name in names}


def _content(name: str, data: bytes) -> object:
    if not name.endswith(".dist-info/METADATA"):
        return data
    message = message_from_bytes(data)
    fields = sorted((key, value) for key, value in message.items() if key != "Metadata-Version")
    return fields, message.get_payload()


def main(arguments: list[str]) -> int:
    """Runs it.

    Returns:
        The exit status.
    """
    dist = Path(arguments[0])
    status = 0
    for wheel in sorted(dist.glob("*.whl")):
        name, version = split_name(wheel)
        with tempfile.TemporaryDirectory() as folder:
            try:
                out = published(wheel, Path(folder))
            except RuntimeError as error:
                sys.stderr.write(f"{error}\n")
                return 1
            if out is None:
                sys.stdout.write(f"{name} {version}: new\n")
            elif found := differences(wheel, out):
                status = 1
                mend = "raise OUTPUT_REVISION" if name == "kinform_k8s" else "raise its version"
                shown = ", ".join([*found[:5], *([f"and {len(found) - 5} more"] if len(found) > 5 else [])])
                sys.stderr.write(f"{name} {version} is published and differs in {shown}: {mend}\n")
            else:
                wheel.unlink()
                (dist / f"{name}-{version}.tar.gz").unlink()
                sys.stdout.write(f"{name} {version}: published already, and the same\n")
    if status == 0 and not list(dist.iterdir()):
        sys.stderr.write("there is nothing new to publish\n")
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
