"""The revision of what is written for one and the same specification."""

from __future__ import annotations

from typing import Final

__all__ = ["OUTPUT_REVISION"]

OUTPUT_REVISION: Final = 0
"""The last number of ``kinform-k8s``'s version: ``1.30.0``.

Raised by one in the first change after a release that makes the output for a bundled version another one; a release
refuses to publish different files under a version that is out. docs/releasing.md says more.
"""
