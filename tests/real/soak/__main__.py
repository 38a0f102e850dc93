"""Runs a soak: ``python -m tests.real.soak --help``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from pathlib import Path


def main() -> int:
    """The exit status: 0 if all was well."""
    parser = argparse.ArgumentParser(prog="python -m tests.real.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600.0, help="how long it lasts (default: an hour)")
    parser.add_argument("--output", type=Path, default=Path("soak"), help="folder for its figures")
    parser.add_argument("--version", default="v1.37", help="of Kubernetes")
    parser.add_argument("--rate", type=float, default=5.0, help="writes in a second")
    parser.add_argument("--population", type=int, default=40, help="objects of each kind and namespace")
    parser.add_argument("--interval", type=float, default=60.0, help="seconds between two samples")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "samples.jsonl").unlink(missing_ok=True)
    # The detector of changed objects, which kinform.testing switches on, keeps more than a cache does.
    os.environ["KINFORM_CACHE_MUTATION_DETECTOR"] = "0"
    logging.basicConfig(filename=options.output / "soak.log", level=logging.WARNING, format="%(asctime)s %(message)s")
    from tests.real.soak.soak import Soak

    summary = Soak(
        options.version,
        options.seconds,
        options.output,
        rate=options.rate,
        population=options.population,
        interval=options.interval,
    ).run()
    print(json.dumps(summary, indent=1))  # noqa: T201
    return 1 if summary["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
