"""Finds kube-apiserver, etcd and kubectl on this machine."""

from __future__ import annotations

import functools
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kinform.testing.control_plane._errors import ControlPlaneNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Binaries", "cache_folder", "find_binaries", "known_flags", "minor_version"]

_KUBEBUILDER_FOLDER = Path("/usr/local/kubebuilder/bin")
_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?")
_FLAG_IN_HELP = re.compile(r"^\s+(?:-\w, )?--([a-z][a-z0-9-]*)", re.MULTILINE)
_ASKED_VERSION = re.compile(r"v?\d+\.\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of a control plane.

    Attributes:
        kube_apiserver: The API server.
        etcd: Its store.
        kubectl: The command line, or None where it was not found (only ``ControlPlane.kubectl()`` needs it).
        version: What ``kube-apiserver --version`` says, such as ``"v1.37.2"``.
    """

    kube_apiserver: Path
    etcd: Path
    kubectl: Path | None
    version: str


def cache_folder() -> Path:
    """Where ``make control-plane`` puts the programs, one folder per version.

    It is ``$KINFORM_CACHE/control-plane``, else ``$XDG_CACHE_HOME/kinform/control-plane``, else
    ``~/.cache/kinform/control-plane``.
    """
    if own := os.environ.get("KINFORM_CACHE"):
        return Path(own) / "control-plane"
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache") / "kinform" / "control-plane"


def minor_version(version: str) -> str:
    """The minor version that a version belongs to: ``v1.37.2`` and ``1.37`` are of ``v1.37``.

    Raises:
        ValueError: It is not a version.
    """
    match = _VERSION.match(version)
    if match is None:
        raise ValueError(f"not a Kubernetes version: {version!r} (write it as v1.37 or v1.37.2)")
    return f"v{match[1]}.{match[2]}"


def find_binaries(
    version: str | None = None,
    *,
    kube_apiserver: Path | None = None,
    etcd: Path | None = None,
    kubectl: Path | None = None,
) -> Binaries:
    """Find the programs of a control plane.

    Each program is looked for in this order: the argument; ``TEST_ASSET_KUBE_APISERVER``, ``TEST_ASSET_ETCD``,
    ``TEST_ASSET_KUBECTL``; the folder ``KUBEBUILDER_ASSETS``; the cache that ``make control-plane`` fills;
    ``/usr/local/kubebuilder/bin``. An API server of another version than the one asked for is passed over.

    Args:
        version: The version of Kubernetes: ``"v1.37.2"``, or ``"v1.37"`` for any patch of it; None takes the first API
            server found, from the cache the newest.
        kube_apiserver: Path of kube-apiserver.
        etcd: Path of etcd.
        kubectl: Path of kubectl, which may be of another version than the server.

    Raises:
        ControlPlaneNotFoundError: kube-apiserver or etcd is not there; the message says how to get them.
        ValueError: ``version`` is not a version.
    """
    if version is not None and _ASKED_VERSION.fullmatch(version) is None:
        raise ValueError(f"not a Kubernetes version: {version!r} (write it as v1.37 or v1.37.2)")
    server, found_version = _find_server(version, kube_apiserver)
    store = next(_candidates("etcd", etcd), None)
    if store is None:
        raise ControlPlaneNotFoundError(_advice("etcd", None))
    tool = next(_candidates("kubectl", kubectl, beside=server.parent), None)
    return Binaries(kube_apiserver=server, etcd=store, kubectl=tool, version=found_version)


def known_flags(program: Path) -> frozenset[str] | None:
    """The flags that a program's ``--help`` lists, without dashes; None where it says nothing of use.

    So one code serves many versions: flags that one of them does not know are left out.
    """
    return _known_flags(program, program.stat().st_mtime_ns)


@functools.cache
def _known_flags(program: Path, _changed: int) -> frozenset[str] | None:
    try:
        done = subprocess.run(  # noqa: S603
            [program, "--help"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return frozenset(_FLAG_IN_HELP.findall(done.stdout)) or None


def _find_server(version: str | None, explicit: Path | None) -> tuple[Path, str]:
    passed_over: list[str] = []
    for candidate in _candidates("kube-apiserver", explicit):
        found = _version_of(candidate)
        if version is None or _fits(found, version):
            return candidate, found
        passed_over.append(f"{candidate} is {found}")
        if candidate == explicit:
            break
    raise ControlPlaneNotFoundError(_advice("kube-apiserver", version, passed_over))


def _candidates(program: str, explicit: Path | None, *, beside: Path | None = None) -> Iterator[Path]:
    """Where the program stands, best first; only files that are there and may be run.

    Raises:
        ControlPlaneNotFoundError: A path that was given or set in the environment does not lead to a program.
    """
    variable = "TEST_ASSET_" + program.upper().replace("-", "_")
    for path, origin in ((explicit, "the path given"), (os.environ.get(variable), variable)):
        if path:
            if not _runs(Path(path)):
                raise ControlPlaneNotFoundError(f"{origin} for {program} leads to no program: {path}")
            yield Path(path)
    if assets := os.environ.get("KUBEBUILDER_ASSETS"):
        yield from _in_folder(Path(assets), program)
    if beside is not None:
        yield from _in_folder(beside, program)
    if (cache := cache_folder()).is_dir():
        for folder in sorted(cache.iterdir(), key=_newness, reverse=True):
            yield from _in_folder(folder, program)
    yield from _in_folder(_KUBEBUILDER_FOLDER, program)


def _in_folder(folder: Path, program: str) -> Iterator[Path]:
    if _runs(path := folder / program):
        yield path


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _newness(folder: Path) -> tuple[int, ...]:
    """The version that a folder of the cache is named after, to sort by: ``v1.37.2``, ``etcd-v3.7.3``."""
    match = _VERSION.search(folder.name)
    return tuple(int(part or 0) for part in match.groups()) if match else ()


def _version_of(server: Path) -> str:
    """What an API server says of its version.

    Raises:
        ControlPlaneNotFoundError: It does not run.
    """
    try:
        said = subprocess.run([server, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise ControlPlaneNotFoundError(f"{server} --version does not run: {error}") from error
    match = re.search(r"v\d+\.\d+\.\d+\S*", said)
    if match is None:
        raise ControlPlaneNotFoundError(f"{server} --version says {said.strip()!r}, which names no version")
    return match[0]


def _fits(found: str, asked: str) -> bool:
    asked = asked if asked.startswith("v") else f"v{asked}"
    return found == asked or (asked.count(".") == 1 and minor_version(found) == asked)


def _advice(program: str, version: str | None, passed_over: list[str] | None = None) -> str:
    wanted = f"{program} {version}" if version else program
    advice = (
        f"no {wanted} on this machine. In a checkout of kinform, `make control-plane` builds etcd and the API servers"
        f" from their Go modules into {cache_folder()} (it needs Go and takes some minutes, once). Or point"
        " KUBEBUILDER_ASSETS at a folder with kube-apiserver and etcd, or TEST_ASSET_KUBE_APISERVER and"
        " TEST_ASSET_ETCD at the programs."
    )
    return "\n".join([advice, *(f"Passed over: {reason}." for reason in passed_over or ())])
