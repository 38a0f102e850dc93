"""Kubeconfigs, read by the official client; what is wrong with one is found first, and told in one sentence."""

from __future__ import annotations

import base64
import binascii
import contextlib
import importlib
import logging
import os
import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from kinform.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from kinform.transport.api_client import ApiClient

__all__ = ["from_kubeconfig", "plain_reason"]

_LISTS: Final = ("clusters", "contexts", "users")
_LONGEST: Final = 300
"""Letters of what a credential plugin says; more is no sentence."""


class _DefectError(Exception):
    """What is wrong with a kubeconfig, in words that hold no secret."""


def from_kubeconfig(config: Any, files: str, context: str | None, origin: str) -> ApiClient:
    """An API client as these files describe it. Runs credential plugins.

    The official client takes a plugin that fails, a user that is not there and a certificate that is none for nothing
    to speak of, and asks without credentials: the server's 401 would be all that is heard of it.

    Args:
        config: The module ``kubernetes.config``.
        files: Paths, with the system's separator between them.
        context: The context to use; None: the current one.
        origin: Where the paths come from, for messages.

    Raises:
        ConfigurationError: They cannot be used.
    """
    try:
        return _client(config, files, context)
    except Exception as error:  # noqa: BLE001  (KeyError, TypeError, yaml errors…: it does not check what it reads)
        # Without its cause: the official messages quote whole users of the kubeconfig, tokens and all.
        raise ConfigurationError(
            f"the kubeconfig at {origin} cannot be used"
            f"{'' if context is None else f' with context {context!r}'}: {plain_reason(error)}."
            " `kubectl config view` shows what it holds"
        ) from None


def _client(config: Any, files: str, context: str | None) -> ApiClient:
    user = _checked(files, context)
    with _hearing_complaints() as complaints:
        client = cast("ApiClient", config.new_client_from_config(config_file=files, context=context))
    if complaints and "exec" in user:
        raise _DefectError(_plugin_failed(user["exec"], complaints[-1]))
    _check_certificates(client.configuration)
    return client


def plain_reason(error: BaseException) -> str:
    """What an exception of the official client says, as far as it cannot hold a secret."""
    name = type(error).__name__
    if isinstance(error, _DefectError):
        return str(error)
    if isinstance(error, OSError):
        return f"{error.strerror or name}: {error.filename}" if error.filename else error.strerror or name
    if isinstance(error, UnicodeDecodeError):
        return "it is no text in UTF-8"
    if name == "ConfigException":
        # "Expected key command in <file>/users[...]{'name': …, 'user': {'token': …}}": what follows a brace may be any
        # part of the file.
        return str(error).partition("{")[0].rstrip(" .")
    mark = getattr(error, "problem_mark", None)  # of yaml; its text quotes the line
    if mark is not None:
        return f"no YAML at line {mark.line + 1}, column {mark.column + 1}"
    if name == "ReaderError":
        return "no YAML: it holds characters that no text has"
    return name


# ---- before


def _checked(files: str, context: str | None) -> Mapping[str, Any]:
    """The user of the context, after a look at everything that the official client does not look at.

    Raises:
        _DefectError: Something is wrong.
        OSError, ValueError, yaml.YAMLError: A file cannot be read.
    """
    found: dict[str, dict[str, list[Any]]] = {each: {} for each in _LISTS}
    current: object = context
    for file in filter(None, files.split(os.pathsep)):
        path = Path(file).expanduser()
        if not path.exists():
            continue
        document = importlib.import_module("yaml").safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(document, dict):
            raise _DefectError(f"{path} is empty" if document is None else f"{path} is no mapping, as kubeconfigs are")
        fields = cast("dict[str, Any]", document)
        if context is None:
            current = fields.get("current-context", current)
        for each, named in found.items():
            for name, entries in _named(fields.get(each), each, path).items():
                named.setdefault(name, entries)
    if not isinstance(current, str) or not current:
        raise _DefectError("it has no current-context, and none is named: `kubectl config use-context` sets one")
    chosen = _one(found, "contexts", current, "context", "the current one" if context is None else "which is asked for")
    cluster_name, user_name = chosen.get("cluster"), chosen.get("user")
    if not cluster_name:
        raise _DefectError(f"its context {current!r} names no cluster")
    cluster = _one(found, "clusters", cluster_name, "cluster", f"its context {current!r} names it")
    _check_cluster(cluster, cluster_name)
    if not user_name:
        return {}
    user = _one(found, "users", user_name, "user", f"its context {current!r} names it")
    _check_user(user, user_name)
    return user


def _named(value: object, kind: str, path: Path) -> dict[str, list[Any]]:
    """The entries of a list by their names."""
    entries = cast("list[dict[str, Any]]", value or [])
    if not isinstance(value or [], list) or not all(isinstance(each, dict) and "name" in each for each in entries):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise _DefectError(f"{kind} in {path} is no list of entries that have names")
    named: dict[str, list[Any]] = {}
    for each in entries:
        named.setdefault(str(each["name"]), []).append(each.get(kind.removesuffix("s")))
    return named


def _one(found: Mapping[str, Mapping[str, list[Any]]], kind: str, name: object, what: str, why: str) -> dict[str, Any]:
    entries = found[kind].get(str(name), [])
    if not entries:
        known = ", ".join(sorted(found[kind])) or "none"
        raise _DefectError(f"its {kind} have no {what} {name!r} ({why}; there are: {known})")
    if len(entries) > 1:
        raise _DefectError(f"its {kind} have {name!r} {len(entries)} times")
    entry: object = entries[0] if entries[0] is not None else {}
    if not isinstance(entry, dict):
        raise _DefectError(f"its {what} {name!r} is no mapping")
    return cast("dict[str, Any]", entry)


def _check_cluster(cluster: Mapping[str, Any], name: object) -> None:
    where = f"its cluster {name!r}"
    server = cluster.get("server")
    try:
        parsed = urlsplit(server) if isinstance(server, str) else None
    except ValueError:
        parsed = None
    if parsed is None or parsed.scheme.lower() not in {"http", "https"} or not parsed.hostname:
        raise _DefectError(f"{where} has no server that is an http:// or https:// URL")
    skip = cluster.get("insecure-skip-tls-verify")
    if skip is not None and not isinstance(skip, bool):
        # The official client would take the text "false" for true.
        raise _DefectError(f"{where} has an insecure-skip-tls-verify that is neither true nor false, without quotes")
    _check_data(cluster, where, "certificate-authority-data")


def _check_user(user: Mapping[str, Any], name: object) -> None:
    where = f"its user {name!r}"
    for each in ("client-certificate-data", "client-key-data"):
        _check_data(user, where, each)
    certificate, key = (
        any(user.get(f"{each}{suffix}") for suffix in ("", "-data")) for each in ("client-certificate", "client-key")
    )
    if certificate != key:
        has, lacks = ("client-certificate", "client-key") if certificate else ("client-key", "client-certificate")
        raise _DefectError(f"{where} has a {has} without a {lacks}")
    if "exec" in user:
        said: object = user["exec"]
        plugin = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
        if not isinstance(plugin.get("command"), str) or not plugin["command"]:
            raise _DefectError(f"{where} has a credential plugin (exec) without a command")
        if not plugin.get("apiVersion"):
            raise _DefectError(f"{where} has a credential plugin (exec) without an apiVersion")


def _check_data(entry: Mapping[str, Any], where: str, name: str) -> None:
    data = entry.get(name)
    if data is None:
        return
    try:
        base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError, AttributeError):
        raise _DefectError(f"{where} has a {name} that is not in base64") from None


# ---- meanwhile


@contextlib.contextmanager
def _hearing_complaints() -> Generator[list[str]]:
    """Hears what the official client says of credential plugins to the root logger, and to nobody else.

    It quotes them, and sets up logging for the whole process where nobody has.
    """
    heard: list[str] = []
    thread = threading.get_ident()

    def hear(record: logging.LogRecord) -> bool:
        if record.thread != thread or record.filename != "kube_config.py":
            return True
        heard.append(record.getMessage())
        return False

    root, silent = logging.getLogger(), logging.NullHandler()
    root.addFilter(hear)
    root.addHandler(silent)
    try:
        yield heard
    finally:
        root.removeHandler(silent)
        root.removeFilter(hear)


def _plugin_failed(plugin: Mapping[str, Any], said: str) -> str:
    """Tells of a credential plugin that failed; what it wrote for its user to read is passed on, its output is not."""
    text = " ".join(said.partition("{")[0].removeprefix("exec: ").split())
    text = f"{text[:_LONGEST]}…" if len(text) > _LONGEST else text
    return f"its credential plugin {plugin['command']!r} gave no credentials ({text.rstrip('.')}): run it to see why"


# ---- afterwards


def _check_certificates(configuration: object) -> None:
    """Loads the certificates as a connection would: later it would fail at each request.

    Raises:
        _DefectError: They are none.
    """
    authority = getattr(configuration, "ssl_ca_cert", None)
    certificate, key = (getattr(configuration, each, None) for each in ("cert_file", "key_file"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if isinstance(authority, str):
        _load(lambda: context.load_verify_locations(authority), "its certificate-authority holds no certificate")
    if isinstance(certificate, str):
        _load(
            lambda: context.load_cert_chain(certificate, key, password=""),
            "its client-certificate and client-key are no certificate and its key, both in PEM and without a password",
        )


def _load(load: Callable[[], object], said: str) -> None:
    try:
        load()
    except ssl.SSLError:
        raise _DefectError(said) from None
