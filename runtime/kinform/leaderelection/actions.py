"""What an election wants its driver to do next, and what it has to tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from kinform.errors import LeadershipLostError
    from kinform.leaderelection.lease import Lease
    from kinform.leaderelection.lock import Verb

__all__ = ["Action", "Effect", "Failed", "Finish", "Instant", "NewLeader", "Send", "Started", "Stopped", "Wait"]


class Instant(NamedTuple):
    """One moment, by the three clocks of this machine. An election believes whichever is on the safe side.

    Attributes:
        awake: Seconds that stand still while the machine is suspended: by these another's lease expires.
        elapsed: Seconds that go on while it is suspended: by these one's own does.
        wall: Seconds since 1970, for what others read; nothing is decided by them.
    """

    awake: float
    elapsed: float
    wall: float


# ---- to do


@dataclass(frozen=True, slots=True)
class Send:
    """Send a request, and give up another that is still under way; the answer goes to ``answered()`` or ``failed()``.

    Attributes:
        verb: Get, create or update.
        lease: What to write; None to get.
        timeout: Seconds for the whole of it; more than 0.
    """

    verb: Verb
    lease: Lease | None
    timeout: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for so many seconds, or until there is something to report."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Finish:
    """The election is over for this candidate.

    Attributes:
        lost: Why, where it lost the lease; None where it was told to stop.
    """

    lost: LeadershipLostError | None


Action: TypeAlias = Send | Wait | Finish


# ---- to tell


@dataclass(frozen=True, slots=True)
class Started:
    """This candidate leads: the work begins."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """This candidate lost the lease: the work must end at once."""

    lost: LeadershipLostError


@dataclass(frozen=True, slots=True)
class NewLeader:
    """Another leader has been seen; ``""``: nobody leads."""

    identity: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A request failed, and what follows is dealt with."""

    error: Exception


Effect: TypeAlias = Started | Stopped | NewLeader | Failed
