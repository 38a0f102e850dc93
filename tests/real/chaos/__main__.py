"""Runs chaos by itself: its figures go to standard output, what kinform logs to standard error."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import replace

import pytest
from tests.real.chaos.chaos import LONG, SHORT, VERSIONS, Chaos


def main() -> int:
    """The exit status: 0 if all was well."""
    parser = argparse.ArgumentParser(prog="python -m tests.real.chaos", description=__doc__)
    parser.add_argument("--version", choices=VERSIONS, default="v1.37", help="of Kubernetes")
    parser.add_argument("--seconds", type=float, default=LONG.seconds, help="how long (default: ten minutes)")
    parser.add_argument("--seed", type=int, default=LONG.seed, help="another one: another sequence")
    parser.add_argument("--short", action="store_true", help="the short run, as in CI")
    options = parser.parse_args()
    logging.basicConfig(format="%(asctime)s.%(msecs)03d %(message)s", datefmt="%H:%M:%S")
    plan = replace(SHORT if options.short else replace(LONG, seconds=options.seconds), seed=options.seed)
    with pytest.MonkeyPatch.context() as monkeypatch:
        figures = Chaos(plan, options.version, monkeypatch).run()
    print(json.dumps(figures, indent=1))  # noqa: T201
    return 1 if figures["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
