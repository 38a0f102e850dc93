"""Processes that compete for a lease at a real API server: killed, stopped, frozen; and never two that act.

Each writes down when it acted, by a clock that all processes of the machine share. What they may do is what the docs
say that an election needs: get, create and update leases.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest
from tests.real.programs.candidate import LEASE_DURATION, RENEW_DEADLINE, RETRY_PERIOD

from kinform.clock import SYSTEM_CLOCK
from kinform_k8s import Clientset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kinform.testing import ControlPlane

TIMEOUT = 40.0
ROOT = Path(__file__).parents[2]
NAMESPACE = "election"
LONGEST_RETRY = 2.2 * RETRY_PERIOD
SLACK = 2.0
"""Seconds for requests, and for a machine that has other things to do."""

_numbers = itertools.count()


class Candidate:
    """One process, and what it says and did."""

    def __init__(self, name: str, lease: str, kubeconfig: Path, folder: Path) -> None:
        self.name = name
        self.acts_file = folder / name
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.real.programs.candidate", lease, name, str(self.acts_file)],
            cwd=ROOT,  # where `tests` is found
            env={**os.environ, "KUBECONFIG": str(kubeconfig)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, pipe: IO[str]) -> None:
        for line in pipe:
            self._lines.put(line.rstrip("\n"))

    def wait_for(self, text: str) -> None:
        seen: list[str] = []
        while not seen or not seen[-1].startswith(text):
            try:
                seen.append(self._lines.get(timeout=TIMEOUT))
            except queue.Empty:
                pytest.fail(f"{self.name} did not say {text!r}, but {seen}")

    def wait_for_acts(self, after: float) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not any(act > after for act in self.acts()):
            assert time.monotonic() < deadline, f"{self.name} has not acted"
            time.sleep(0.05)

    def acts(self) -> list[float]:
        text = self.acts_file.read_text() if self.acts_file.exists() else ""
        return [float(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def end(self) -> int:
        code = self.process.wait(TIMEOUT)
        self._reader.join(TIMEOUT)
        return code

    def close(self) -> None:
        self.process.kill()
        self.process.wait(TIMEOUT)
        self._reader.join(TIMEOUT)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture(scope="module")
def kubeconfigs() -> dict[str, Path]:
    return {}


@pytest.fixture
def kubeconfig(control_plane: ControlPlane, kubeconfigs: dict[str, Path]) -> Path:
    """Of a user who may do what an election needs, and nothing else."""
    if control_plane.version not in kubeconfigs:
        control_plane.kubectl("create", "namespace", NAMESPACE)
        kubeconfigs[control_plane.version] = control_plane.add_user("candidate", groups=["candidates"])
        role = ("--verb=get,create,update", "--resource=leases.coordination.k8s.io", f"--namespace={NAMESPACE}")
        control_plane.kubectl("create", "role", "candidate", *role)
        binding = ("--role=candidate", "--group=candidates", f"--namespace={NAMESPACE}")
        control_plane.kubectl("create", "rolebinding", "candidate", *binding)
    return kubeconfigs[control_plane.version]


@pytest.fixture
def lease() -> str:
    """A lease for each test."""
    return f"{NAMESPACE}/lease-{next(_numbers)}"


@pytest.fixture
def compete(kubeconfig: Path, lease: str, tmp_path: Path) -> Iterator[Callable[[str], Candidate]]:
    candidates: list[Candidate] = []

    def begin(name: str) -> Candidate:
        candidates.append(Candidate(name, lease, kubeconfig, tmp_path))
        return candidates[-1]

    yield begin
    for candidate in candidates:
        candidate.close()


def start_two(compete: Callable[[str], Candidate]) -> tuple[Candidate, Candidate]:
    """One that leads and acts, one that has seen it do so."""
    leader = compete("first")
    leader.wait_for("leader first")
    follower = compete("second")
    follower.wait_for("leader first")
    leader.wait_for_acts(0.0)
    return leader, follower


def check_turns(*expected: Candidate) -> None:
    """They acted one after another, each until the next one began and never again."""
    acts = sorted((act, candidate.name) for candidate in expected for act in candidate.acts())
    turns = [name for name, _ in itertools.groupby(acts, key=lambda each: each[1])]
    assert turns == [candidate.name for candidate in expected]


def test_another_takes_over_from_one_that_was_killed(compete: Callable[[str], Candidate]) -> None:
    leader, follower = start_two(compete)
    killed = SYSTEM_CLOCK.boottime()
    leader.process.kill()
    leader.process.wait(TIMEOUT)
    follower.wait_for("leader second")
    follower.wait_for_acts(killed)
    taken = follower.acts()[0] - killed
    assert RENEW_DEADLINE < taken < LEASE_DURATION + LONGEST_RETRY + SLACK
    check_turns(leader, follower)


def test_another_takes_over_at_once_from_one_that_ends_in_good_order(compete: Callable[[str], Candidate]) -> None:
    leader, follower = start_two(compete)
    leader.process.send_signal(signal.SIGTERM)
    leader.wait_for("acted")
    assert leader.end() == 0
    follower.wait_for_acts(0.0)
    taken = follower.acts()[0] - leader.acts()[-1]
    assert 0 < taken < LONGEST_RETRY + SLACK
    assert taken < RENEW_DEADLINE, "without waiting for the lease to expire"
    check_turns(leader, follower)


def test_one_that_was_frozen_beyond_its_lease_does_nothing_when_it_wakes_up(
    compete: Callable[[str], Candidate],
) -> None:
    leader, follower = start_two(compete)
    frozen = SYSTEM_CLOCK.boottime()
    leader.process.send_signal(signal.SIGSTOP)
    follower.wait_for("leader second")
    follower.wait_for_acts(frozen)
    assert follower.acts()[0] - frozen > RENEW_DEADLINE
    woken = SYSTEM_CLOCK.boottime()
    leader.process.send_signal(signal.SIGCONT)
    leader.wait_for(f"lost the lease {NAMESPACE}/")
    assert leader.end() == 3
    follower.wait_for_acts(woken + 0.2)
    assert max(leader.acts()) < frozen + 0.1, "signals take a moment"
    check_turns(leader, follower)


def test_many_changes_of_leader_and_never_two_that_act(compete: Callable[[str], Candidate]) -> None:
    order = [compete("c0")]
    order[0].wait_for_acts(0.0)
    for number in range(1, 4):
        order.append(compete(f"c{number}"))
        order[-1].wait_for(f"leader c{number - 1}")
        order[-2].process.send_signal(signal.SIGTERM)
        assert order[-2].end() == 0
        order[-1].wait_for_acts(0.0)
    check_turns(*order)


def test_the_lease_is_what_kubectl_and_everyone_else_expects(
    control_plane: ControlPlane, compete: Callable[[str], Candidate], lease: str
) -> None:
    def read() -> dict[str, Any]:
        name = lease.rpartition("/")[2]
        text = control_plane.kubectl("get", "lease", name, f"--namespace={NAMESPACE}", "--output=json")
        tree: dict[str, Any] = json.loads(text)
        return tree

    leader, follower = start_two(compete)
    first = read()
    assert first["metadata"]["labels"] == {"app": "candidate"}
    spec = first["spec"]
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"], spec["leaseTransitions"]) == ("first", 6, 0)
    for time_of in ("acquireTime", "renewTime"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", spec[time_of])
    name = lease.rpartition("/")[2]
    table = control_plane.kubectl("get", "lease", name, f"--namespace={NAMESPACE}", "--no-headers")
    assert table.split()[:2] == [name, "first"]
    control_plane.kubectl("annotate", "lease", name, f"--namespace={NAMESPACE}", "kept=yes")
    leader.process.send_signal(signal.SIGTERM)
    assert leader.end() == 0
    follower.wait_for_acts(0.0)
    second = read()
    spec = second["spec"]
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("second", 1)
    assert spec["acquireTime"] > first["spec"]["renewTime"]
    assert second["metadata"]["annotations"] == {"kept": "yes"}
    follower.process.send_signal(signal.SIGTERM)
    assert follower.end() == 0
    assert read()["spec"].get("holderIdentity", "") == ""
    with Clientset(control_plane.client()) as clientset:
        assert clientset.coordination_v1().leases(NAMESPACE).get(name).spec.lease_transitions == 1
