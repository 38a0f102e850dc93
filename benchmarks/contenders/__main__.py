"""Runs one contender: ``python -m benchmarks.contenders NAME SETTINGS``, started by the benchmark."""

from __future__ import annotations

import importlib
import json
import sys
import time

from benchmarks.contenders.bell import Bell
from benchmarks.contenders.serve import Settings, serve


def main() -> None:
    """Imports it, makes it, tells that it is ready, and serves."""
    settings = Settings(**json.loads(sys.argv[2]))
    begin = time.perf_counter()
    module = importlib.import_module(f"benchmarks.contenders.{sys.argv[1]}")
    bell = Bell(settings.last_key, settings.handlers)
    contender = module.make(settings, bell)
    print(json.dumps({"ready": time.perf_counter() - begin, "versions": module.versions()}), flush=True)
    serve(contender)


if __name__ == "__main__":
    main()
