"""Continue tokens: where a paged list goes on, and in which state of the world."""

from __future__ import annotations

import base64
import binascii
from typing import Final, NamedTuple

from kinform.testing.server.documents import decode, encode
from kinform.testing.server.refusals import bad_request

__all__ = ["LATEST", "ContinueToken"]

_VERSION: Final = "meta.k8s.io/v1"

LATEST: Final = -1
"""The resourceVersion in a token that gives up consistency: the list goes on in whatever is there now."""


class ContinueToken(NamedTuple):
    """What a token says. Clients must not look inside; the server keeps nothing but this text between pages."""

    resource_version: int
    start: str

    def __str__(self) -> str:
        text = encode({"v": _VERSION, "rv": self.resource_version, "start": self.start})
        return base64.urlsafe_b64encode(text).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> ContinueToken:
        """Reads a token.

        Raises:
            Refusal: It is not one of ours (400).
        """
        try:
            content = decode(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        except (ValueError, binascii.Error) as error:
            raise bad_request(f"invalid continue token: continue key is not valid: {error}") from error
        match content:
            case {"v": str(version)} if version != _VERSION:
                problem = f"server does not recognize this encoded version {version}"
            case {"rv": int(resource_version), "start": str(start)} if resource_version and start:
                return cls(resource_version, start)
            case _:
                problem = "it names no resourceVersion and start"
        raise bad_request(f"invalid continue token: continue key is not valid: {problem}")
