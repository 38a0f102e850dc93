"""The certificates, keys and kubeconfig files of one run of a control plane."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING

from kinform.testing._kubeconfig import authority_data, identity_data, kubeconfig, write_private
from kinform.testing._pki import LIFETIME, Authority, key_pair

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta
    from pathlib import Path

__all__ = ["Credentials"]

_NAME = "kinform-testing"
_ADMINISTRATORS = "system:masters"


class Credentials:
    """Makes a certificate authority and what it signs, and writes the files that the API server reads.

    Args:
        folder: Where the files go; it is made.
        addresses: The IP addresses that the API server answers to.

    Attributes:
        tls: For requests to the API server as an administrator.
        authority: The authority's certificate, PEM-encoded.
        authority_file: The file that holds it.
    """

    def __init__(self, folder: Path, addresses: Sequence[str]) -> None:
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._authority = Authority()
        self.authority = self._authority.certificate
        self.authority_file = folder / "ca.crt"
        self._users: dict[Path, tuple[Path, Path]] = {}
        server = self._authority.server(["localhost"], addresses)
        admin = self._authority.client(_NAME, [_ADMINISTRATORS])
        accounts_key, accounts_public_key = key_pair()
        for name, content in {
            "ca.crt": self.authority,
            "server.crt": server.certificate,
            "server.key": server.key,
            "admin.crt": admin.certificate,
            "admin.key": admin.key,
            "service-accounts.key": accounts_key,
            "service-accounts.pub": accounts_public_key,
        }.items():
            write_private(folder / name, content)
        self.tls = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        self.tls.load_cert_chain(folder / "admin.crt", folder / "admin.key")

    def apiserver_flags(self) -> dict[str, str]:
        """The flags of kube-apiserver that name the files."""
        return {
            "tls-cert-file": str(self._folder / "server.crt"),
            "tls-private-key-file": str(self._folder / "server.key"),
            "client-ca-file": str(self._folder / "ca.crt"),
            "service-account-signing-key-file": str(self._folder / "service-accounts.key"),
            "service-account-key-file": str(self._folder / "service-accounts.pub"),
        }

    def webhook_identity(self, host: str) -> tuple[Path, Path]:
        """The files of a certificate, and its key, for a server of webhooks at this IP address."""
        certificate, key = self._folder / "webhook.crt", self._folder / "webhook.key"
        if not certificate.exists():
            identity = self._authority.server(["localhost"], [host])
            write_private(key, identity.key)
            write_private(certificate, identity.certificate)
        return certificate, key

    def write_admin_kubeconfig(self, path: Path, url: str) -> None:
        """Write a kubeconfig for an administrator."""
        self.write_kubeconfig(path, url, "admin", [_ADMINISTRATORS])

    def write_kubeconfig(
        self, path: Path, url: str, user: str, groups: Sequence[str], lifetime: timedelta | None = None
    ) -> None:
        """Write a kubeconfig for a user, which holds its certificates itself, for the API server at ``url``."""
        identity = self._authority.client(user, groups, lifetime or LIFETIME)
        config = kubeconfig(_NAME, url, authority_data(self.authority), identity_data(identity))
        write_private(path, json.dumps(config, indent=1).encode())  # YAML takes JSON as it is
        files = self._folder / f"{path.name}.crt", self._folder / f"{path.name}.key"
        for file, content in zip(files, (identity.certificate, identity.key), strict=True):
            write_private(file, content)
        self._users[path] = files

    def user_files(self, kubeconfig: Path) -> tuple[Path, Path] | None:
        """The files of a user's certificate and its key, by the kubeconfig that was written for the user.

        The official client would write what a kubeconfig holds to files of its own, and leave them if we are killed.
        """
        return self._users.get(kubeconfig)
