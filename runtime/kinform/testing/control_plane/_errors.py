"""What goes wrong with a control plane."""

from __future__ import annotations

from kinform.errors import KinformError

__all__ = ["ControlPlaneError", "ControlPlaneNotFoundError", "ControlPlaneStartError"]


class ControlPlaneError(KinformError):
    """The root of a control plane's errors."""


class ControlPlaneNotFoundError(ControlPlaneError):
    """A program of the control plane is not on this machine; the message says how to get it."""


class ControlPlaneStartError(ControlPlaneError):
    """A program of the control plane did not come up; the message ends with the last lines of its log."""
