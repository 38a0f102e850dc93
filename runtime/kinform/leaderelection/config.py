"""What is competed for, as whom, and how patiently: the configuration of a leader election, checked when it is made."""

from __future__ import annotations

import re
import socket
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from kinform.meta import ObjectKey
from kinform.selectors.names import label_key_problem, label_value_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["JITTER_FACTOR", "LeaderElection", "default_identity"]

JITTER_FACTOR: Final = 1.2
"""A candidate waits between one and this much more than one ``retry_period`` (client-go: ``JitterFactor``)."""

_MAX_DURATION: Final = timedelta(seconds=2**31 - 1)  # what leaseDurationSeconds can hold
_DNS_NAME: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_MAX_NAMESPACE: Final = 63
_MAX_NAME: Final = 253


def default_identity() -> str:
    """``"<host name>_<uuid>"``: who this is, for people, and different each time, for the others."""
    return f"{socket.gethostname()}_{uuid.uuid4()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderElection:
    """What an election is about (client-go: ``leaderelection.LeaderElectionConfig``, whose figures are the defaults).

    A leader renews its lease every ``retry_period``; one that has not managed to for ``renew_deadline`` stops leading,
    before the others, who wait for ``lease_duration``, may begin. The distance between the two, and nothing else, keeps
    two from leading at once: it must cover how long the leader's work takes to stop, and how much faster one machine's
    clock runs than another's. Only durations count: clocks that show different times do no harm.

    Attributes:
        lease: The ``Lease`` to hold, as ``"namespace/name"`` or ``ObjectKey``; it is made if it does not exist. Needed
            are the rights to get, create and update it.
        identity: Who holds it, unique among all who compete at any time; None: ``hostname_uuid``, made anew by each
            elector. Who finds its own identity in the lease takes it without waiting.
        lease_duration: For how long the others leave an unrenewed lease alone. Written to the lease in whole seconds,
            rounded up.
        renew_deadline: For how long a leader goes on without a successful renewal, counted from the start of the last.
        retry_period: How long to wait between two tries.
        release_on_cancel: Whether a leader that is told to stop gives the lease up, so that another can begin at once.
            It does so only after the work has stopped and if it still holds it, hence True (in client-go False, as
            there the work may still run).
        labels: Set on the lease whenever it is written; other labels stay.

    Raises:
        ValueError: The lease's name, the identity, a label or the durations cannot be: ``lease_duration`` must be
            greater than ``renew_deadline``, which must be greater than 1.2 times ``retry_period``.
    """

    lease: ObjectKey | str
    identity: str | None = None
    lease_duration: timedelta = timedelta(seconds=15)
    renew_deadline: timedelta = timedelta(seconds=10)
    retry_period: timedelta = timedelta(seconds=2)
    release_on_cancel: bool = True
    labels: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)

    def __post_init__(self) -> None:
        _check_lease(self.key)
        if self.identity is not None and not self.identity:
            raise ValueError("the lock's identity is empty: give one that is unique, or None for hostname_uuid")
        if self.retry_period <= timedelta(0):
            raise ValueError(f"retry_period must be greater than 0, not {self.retry_period}")
        if self.renew_deadline <= JITTER_FACTOR * self.retry_period:
            raise ValueError(
                f"renew_deadline ({self.renew_deadline}) must be greater than {JITTER_FACTOR} times retry_period"
                f" ({self.retry_period}): else the deadline may come before a second try"
            )
        if self.lease_duration <= self.renew_deadline:
            raise ValueError(
                f"lease_duration ({self.lease_duration}) must be greater than renew_deadline ({self.renew_deadline}):"
                " a leader must stop before another may begin"
            )
        if self.lease_duration > _MAX_DURATION:
            raise ValueError(f"lease_duration ({self.lease_duration}) is more than a lease can hold: {_MAX_DURATION}")
        for key, value in self.labels.items():
            if problem := label_key_problem(key):
                raise ValueError(f"label {key!r} of the lease {problem}")
            if problem := label_value_problem(value):
                raise ValueError(f"the value {value!r} of label {key!r} of the lease {problem}")

    @property
    def key(self) -> ObjectKey:
        """The lease's namespace and name."""
        return self.lease if isinstance(self.lease, ObjectKey) else ObjectKey.parse(self.lease)


def _check_lease(key: ObjectKey) -> None:
    if not key.namespace or not key.name:
        raise ValueError(f"the lease {str(key)!r} needs a namespace and a name, as in 'shop/rollup'")
    if len(key.namespace) > _MAX_NAMESPACE or "." in key.namespace or not _DNS_NAME.fullmatch(key.namespace):
        raise ValueError(
            f"{key.namespace!r} cannot be a lease's namespace:"
            f" at most {_MAX_NAMESPACE} lower-case letters, digits and '-'"
        )
    if len(key.name) > _MAX_NAME or not _DNS_NAME.fullmatch(key.name):
        raise ValueError(
            f"{key.name!r} cannot be a lease's name: at most {_MAX_NAME} lower-case letters, digits, '-' and '.'"
        )
