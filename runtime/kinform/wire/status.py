"""Reads the ``Status`` that an ERROR event carries, whatever a server puts in its place."""

from __future__ import annotations

from kinform.errors import Status
from kinform.status import read_status
from kinform.wire.glimpse import glimpse

__all__ = ["event_status"]


def event_status(data: bytes) -> Status:
    """The ``Status`` in these bytes; one without code and reason where they hold something else."""
    return read_status(data) or Status(message=f"an error event without a Status: {glimpse(data)}")
