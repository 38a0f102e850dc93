"""How errors show bytes that make no sense: enough to know a proxy's page by, and nothing of an object."""

from __future__ import annotations

__all__ = ["glimpse"]


def glimpse(data: bytes) -> str:
    """What to say of bytes that should have been JSON.

    HTML is quoted: it says who has answered. All else may be a piece of a Secret, and errors end in logs.
    """
    data = data.lstrip()
    if data.startswith(b"<"):
        return f"it goes {data[:80]!r}"
    return f"it has {len(data)} bytes and begins with {data[:1]!r}"
