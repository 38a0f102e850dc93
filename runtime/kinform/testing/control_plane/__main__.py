"""Runs a control plane for the time of a command, or until Ctrl-C: ``python -m kinform.testing.control_plane``."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from kinform.testing.control_plane import ControlPlane, ControlPlaneError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_EXAMPLES = """\
examples:
  python -m kinform.testing.control_plane
  python -m kinform.testing.control_plane --version v1.30 -- kubectl get namespaces

The command finds the API server by KUBECONFIG. Exit status: the command's, or 2 if the control plane does not come up.

The programs are those of TEST_ASSET_KUBE_APISERVER, TEST_ASSET_ETCD and TEST_ASSET_KUBECTL, else of the folder
KUBEBUILDER_ASSETS, else what `make control-plane` in a checkout of kinform has put into the user's cache, else of
/usr/local/kubebuilder/bin.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; blocks until the command or the user ends it.

    Args:
        arguments: Without the program's name; None takes the process's own.

    Returns:
        The exit status.
    """
    options = _parse(arguments)
    gates = dict(_gate(text) for text in options.feature_gate)
    signal.signal(signal.SIGTERM, _end)
    try:
        control_plane = ControlPlane(
            options.version, all_apis=options.all_apis, feature_gates=gates, directory=options.directory
        )
        with control_plane:
            sys.stderr.write(f"Kubernetes {control_plane.version} at {control_plane.url}\n")
            if options.command:
                return _run(options.command, control_plane.kubeconfig)
            sys.stderr.write(f"export KUBECONFIG={control_plane.kubeconfig}\nCtrl-C ends it\n")
            threading.Event().wait()
    except (ControlPlaneError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _end(number: int, _frame: FrameType | None) -> None:
    """Leave by way of the ``with`` block, which ends the servers."""
    raise SystemExit(128 + number)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m kinform.testing.control_plane",
        description="Starts a kube-apiserver and its etcd on free ports of this machine, and ends them afterwards.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", metavar="VERSION", help="of Kubernetes: v1.37, v1.30.14 (default: the newest)")
    parser.add_argument("--all-apis", action="store_true", help="serve every API, alpha and beta ones included")
    parser.add_argument(
        "--feature-gate", metavar="NAME=BOOL", action="append", default=[], help="a feature gate; may be repeated"
    )
    parser.add_argument("--directory", metavar="DIR", type=Path, help="keep data and logs there")
    parser.add_argument("command", nargs="*", help="command to run, after --")
    return parser.parse_args(arguments)


def _gate(text: str) -> tuple[str, bool]:
    name, _, value = text.partition("=")
    if value not in {"true", "false"}:
        raise SystemExit(f"--feature-gate {text}: write it as NAME=true or NAME=false")
    return name, value == "true"


def _run(command: Sequence[str], kubeconfig: Path) -> int:
    """Run the command with ``KUBECONFIG`` set."""
    try:
        return subprocess.run(  # noqa: S603
            command, env={**os.environ, "KUBECONFIG": str(kubeconfig)}, check=False
        ).returncode
    except OSError as error:
        sys.stderr.write(f"error: {command[0]}: {error.strerror}\n")
        return 127


if __name__ == "__main__":
    sys.exit(main())
