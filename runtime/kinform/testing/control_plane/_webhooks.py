"""Admission webhooks on a local port: configurations from files, pointed there, and the certificate to serve with."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from kinform.meta import Resource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from kinform.testing.control_plane._objects import Objects

__all__ = ["WebhookServing", "install_webhooks"]

_GROUP: Final = "admissionregistration.k8s.io"
_CONFIGURATIONS: Final[Mapping[str, Resource]] = {
    kind: Resource(_GROUP, "v1", f"{kind.lower()}s", kind, namespaced=False)
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
}


@dataclass(frozen=True, slots=True)
class WebhookServing:
    """Where webhooks are to listen, and the certificate that the API server will know them by.

    Attributes:
        host: The address.
        port: The port, reserved for two minutes.
        certificate: File of the certificate (PEM).
        key: File of its key (PEM).
    """

    host: str
    port: int
    certificate: Path
    key: Path

    def ssl_context(self) -> ssl.SSLContext:
        """For a server of Python's that serves the webhooks."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


class _Configuration(msgspec.Struct, frozen=True):
    """A configuration of webhooks, of which almost everything stays as it is."""

    metadata: dict[str, object]
    webhooks: list[dict[str, object]] = []


def install_webhooks(
    objects: Objects, trees: Iterable[Mapping[str, object]], serving: WebhookServing, authority: bytes
) -> list[str]:
    """Applies the webhook configurations among some objects, pointed to a local server.

    Returns:
        Their names.

    Raises:
        ControlPlaneError: One is refused.
        ValueError: One is none.
    """
    names: list[str] = []
    for tree in trees:
        resource = _CONFIGURATIONS.get(str(tree.get("kind")))
        if resource is None:
            continue
        try:
            known = msgspec.convert(tree, _Configuration)
        except msgspec.ValidationError as error:
            raise ValueError(f"the {resource.kind} {tree.get('metadata')} is none: {error}") from None
        name = str(known.metadata.get("name"))
        bare = {key: value for key, value in known.metadata.items() if key != "creationTimestamp"}
        pointed = [_pointed(each, serving, authority) for each in known.webhooks]
        objects.apply(resource.path(name=name), {**tree, "metadata": bare, "webhooks": pointed})
        names.append(name)
    return names


def _pointed(webhook: Mapping[str, object], serving: WebhookServing, authority: bytes) -> dict[str, object]:
    """A webhook whose path stays, and whose host is ours."""
    match webhook.get("clientConfig"):
        case {"service": {"path": str(path)}}:
            pass
        case {"url": str(url)}:
            path = "/" + url.partition("://")[2].partition("/")[2]
        case _:
            path = ""
    url = f"https://{serving.host}:{serving.port}/{path.removeprefix('/')}"
    return {**webhook, "clientConfig": {"url": url, "caBundle": base64.b64encode(authority).decode()}}
