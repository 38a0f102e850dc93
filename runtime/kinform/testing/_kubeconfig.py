"""The kubeconfig of a test's server: one cluster, one user, one context."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kinform.testing._pki import Identity

__all__ = ["authority_data", "identity_data", "kubeconfig", "write_private"]


def kubeconfig(name: str, url: str, authority: Mapping[str, str], user: Mapping[str, str]) -> dict[str, object]:
    """A kubeconfig as a document.

    Args:
        name: Of cluster, user and context alike.
        url: Of the server.
        authority: How to know the server, such as ``authority_data`` makes; empty without TLS.
        user: The user's credentials, such as ``identity_data`` makes, or ``{"token": "..."}``.
    """
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "clusters": [{"name": name, "cluster": {"server": url, **authority}}],
        "users": [{"name": name, "user": {**user}}],
    }


def authority_data(certificate: bytes) -> dict[str, str]:
    """An authority's certificate (PEM) as the part of a kubeconfig that holds it itself."""
    return {"certificate-authority-data": _encoded(certificate)}


def identity_data(identity: Identity) -> dict[str, str]:
    """A user's certificate and key as the part of a kubeconfig that holds them itself."""
    return {
        "client-certificate-data": _encoded(identity.certificate),
        "client-key-data": _encoded(identity.key),
    }


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read."""
    path.touch(mode=0o600)
    path.write_bytes(content)


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
