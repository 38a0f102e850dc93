"""One process that competes for a lease, and while it leads acts about a hundred times a second.

Usage: python -m tests.real.programs.candidate NAMESPACE/NAME IDENTITY ACTS. Each act is a line in the file ACTS: a
reading of CLOCK_BOOTTIME, which all processes of a machine share, taken *before* the elector was asked whether to act.
Ends by SIGTERM with 0, and with 3 when it has lost the lease.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from datetime import timedelta
from pathlib import Path

from kinform import LeaderElection, LeaderElector, Leadership, LeadershipLostError, connect
from kinform.clock import SYSTEM_CLOCK

LEASE_DURATION = 6.0
RENEW_DEADLINE = 4.0
RETRY_PERIOD = 0.5


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def main(lease: str, identity: str, acts: Path) -> int:
    logging.basicConfig(level=logging.INFO, format="%(created).3f %(message)s")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    def act(leadership: Leadership) -> None:
        with acts.open("a", buffering=1) as file:
            while not leadership.stop.wait(0.01):
                now = SYSTEM_CLOCK.boottime()
                if elector.is_leader():
                    file.write(f"{now}\n")
        say("acted")

    config = LeaderElection(
        lease=lease,
        identity=identity,
        lease_duration=timedelta(seconds=LEASE_DURATION),
        renew_deadline=timedelta(seconds=RENEW_DEADLINE),
        retry_period=timedelta(seconds=RETRY_PERIOD),
        labels={"app": "candidate"},
    )
    elector = LeaderElector(
        config, connect, on_started_leading=act, on_new_leader=lambda leader: say(f"leader {leader}")
    )
    try:
        elector.run(stop)
    except LeadershipLostError as lost:
        say(f"lost {lost}")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
