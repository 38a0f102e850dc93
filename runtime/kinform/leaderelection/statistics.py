"""What can be asked of an elector at any time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kinform.meta import ObjectKey

__all__ = ["LeaderElectionStatistics"]


@dataclass(frozen=True, slots=True)
class LeaderElectionStatistics:
    """An elector at one moment.

    Attributes:
        lease: What it competes for.
        identity: As whom.
        is_leader: Whether it leads now.
        leader: The holder that was last seen in the lease; ``""``: none.
        transitions: How often the lease has changed hands, as last seen.
        renewals: Successful writes that made or kept it the leader.
        slow_renewals: Renewals that had to read the lease first, after a conflict or an error.
        errors: Requests that failed, all of which were reported.
        last_error: The last of them, or None.
        last_renewal: For how many seconds the last successful renewal has been in force; None: there was none.
    """

    lease: ObjectKey
    identity: str
    is_leader: bool
    leader: str
    transitions: int
    renewals: int
    slow_renewals: int
    errors: int
    last_error: Exception | None
    last_renewal: float | None
