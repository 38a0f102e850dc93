"""Comparing resourceVersions, where they can be compared."""

from __future__ import annotations

__all__ = ["at_least", "is_comparable", "is_older"]


def is_comparable(resource_version: str) -> bool:
    """Whether this is a plain number as the API server makes them: decimal digits, no sign, no leading zero, not 0."""
    return resource_version.isascii() and resource_version.isdigit() and not resource_version.startswith("0")


def at_least(resource_version: str, wanted: str) -> bool:
    """Whether ``resource_version`` is ``wanted`` or later; only equality counts where one is not a plain number.

    Plain numbers compare by length, then by text: servers may use values beyond 64 bits
    (apimachinery: ``resourceversion.CompareResourceVersion``).
    """
    if is_comparable(resource_version) and is_comparable(wanted):
        return (len(resource_version), resource_version) >= (len(wanted), wanted)
    return resource_version == wanted


def is_older(resource_version: str, other: str) -> bool:
    """Whether both are plain numbers and the first is the smaller."""
    return is_comparable(resource_version) and is_comparable(other) and not at_least(resource_version, other)
