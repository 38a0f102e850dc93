"""CustomResourceDefinitions: read, and told as the OpenAPI that an API server would publish for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["load_crds"]


def load_crds(locations: Sequence[str]) -> dict[str, object]:
    """Reads definitions."""
    raise NotImplementedError
