"""The query parameters of a request, read and checked as a kube-apiserver does."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from kinform.errors import SelectorError
from kinform.selectors import FieldSelector, LabelSelector
from kinform.testing.server.refusals import (
    Cause,
    bad_request,
    forbidden_parameter,
    invalid_options,
    malformed_resource_version,
    unsupported_value,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ListOptions", "WatchListMode", "check_dry_run", "parse_flag", "parse_number", "parse_resource_version"]

_NUMBER: Final = re.compile(r"[+-]?[0-9]+")
_REVISION: Final = re.compile(r"[0-9]{1,20}")
_MATCHES: Final = ("Exact", "NotOlderThan")


class WatchListMode(StrEnum):
    """What the server makes of ``sendInitialEvents`` on a watch."""

    ON = "on"
    """Streaming lists are served, as from Kubernetes 1.34 on."""
    OFF = "off"
    """They are refused with 422, as by Kubernetes with the WatchList gate off."""
    IGNORED = "ignored"
    """The parameters are passed over and no end bookmark ever comes, as by servers that never heard of them."""


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What a list or watch asks for (``meta/v1.ListOptions``)."""

    watch: bool
    resource_version: str
    match: str
    limit: int
    continue_token: str
    labels: LabelSelector
    fields: FieldSelector
    allow_bookmarks: bool
    send_initial_events: bool | None
    timeout_seconds: int

    @classmethod
    def parse(cls, parameters: Mapping[str, str], watch_list: WatchListMode) -> ListOptions:
        """Reads and checks the parameters.

        Raises:
            Refusal: One does not parse (400), or they contradict each other (422).
        """
        return cls(
            watch=parse_flag(parameters.get("watch")) or False,
            resource_version=parameters.get("resourceVersion", ""),
            match=parameters.get("resourceVersionMatch", ""),
            limit=max(0, parse_number(parameters.get("limit", ""))),
            continue_token=parameters.get("continue", ""),
            labels=_label_selector(parameters.get("labelSelector", "")),
            fields=_field_selector(parameters.get("fieldSelector", "")),
            allow_bookmarks=parse_flag(parameters.get("allowWatchBookmarks")) or False,
            send_initial_events=parse_flag(parameters.get("sendInitialEvents")),
            timeout_seconds=parse_number(parameters.get("timeoutSeconds", "")),
        ).checked(watch_list)

    def checked(self, watch_list: WatchListMode) -> ListOptions:
        """The options as the server understands them.

        Raises:
            Refusal: They contradict each other (422).
        """
        options = self
        begins_anew = self.watch and self.resource_version in {"", "0"}
        if watch_list is WatchListMode.ON and begins_anew and self.send_initial_events is None and not self.match:
            # To a server that knows streaming lists, watches of old that begin with all objects are such.
            options = replace(self, send_initial_events=True, match="NotOlderThan")
        causes = options._of_watch(watch_list) if options.watch else options._of_list()  # noqa: SLF001  (of its own class)
        if causes:
            raise invalid_options("ListOptions", causes)
        return options

    def _of_list(self) -> list[Cause]:
        causes: list[Cause] = []
        if self.match:
            if not self.resource_version:
                why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
                causes.append(forbidden_parameter("resourceVersionMatch", why))
            if self.continue_token:
                causes.append(_match_with_continue())
            if self.match not in _MATCHES:
                causes.append(unsupported_value("resourceVersionMatch", f'"{self.match}"', *_MATCHES, ""))
            if self.match == "Exact" and self.resource_version == "0":
                why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
                causes.append(forbidden_parameter("resourceVersionMatch", why))
        if self.send_initial_events is not None:
            causes.append(forbidden_parameter("sendInitialEvents", "sendInitialEvents is forbidden for list"))
        return causes

    def _of_watch(self, watch_list: WatchListMode) -> list[Cause]:
        if watch_list is WatchListMode.IGNORED:
            return []
        causes: list[Cause] = []
        if self.send_initial_events is not None:
            if self.match != "NotOlderThan":
                why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
                causes.append(forbidden_parameter("resourceVersionMatch", why))
            if watch_list is WatchListMode.OFF:
                why = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled"
                causes.append(forbidden_parameter("sendInitialEvents", why))
        if self.match:
            if self.send_initial_events is None:
                why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
                causes.append(forbidden_parameter("resourceVersionMatch", why))
            if self.match != "NotOlderThan":
                causes.append(unsupported_value("resourceVersionMatch", f'"{self.match}"', "NotOlderThan"))
            if self.continue_token:
                causes.append(_match_with_continue())
        return causes


def _match_with_continue() -> Cause:
    return forbidden_parameter("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided")


def parse_number(text: str) -> int:
    """A number; nothing is 0.

    Raises:
        Refusal: 400.
    """
    if not text:
        return 0
    if not _NUMBER.fullmatch(text):
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def parse_flag(text: str | None) -> bool | None:
    """A switch as Kubernetes reads it: everything but ``0`` and ``false`` is true, ``""`` too; None where absent."""
    return None if text is None else text != "0" and text.lower() != "false"


def parse_resource_version(text: str, *, of_list: bool = False) -> int:
    """A resourceVersion; ``""`` is 0.

    Raises:
        Refusal: It is no number (400 on lists, 500 elsewhere).
    """
    if not text:
        return 0
    if not _REVISION.fullmatch(text):
        raise malformed_resource_version(text, of_list=of_list)
    return int(text)


def _label_selector(text: str) -> LabelSelector:
    try:
        return LabelSelector.parse(text)
    except SelectorError as error:
        raise bad_request(f"unable to parse requirement: {error}") from error


def _field_selector(text: str) -> FieldSelector:
    try:
        return FieldSelector.parse(text)
    except SelectorError as error:
        raise bad_request(f"invalid selector: '{text}'; {error}") from error


def check_dry_run(text: str, kind: str) -> bool:
    """Whether nothing is to be kept; ``kind`` is that of the verb's options, such as ``CreateOptions``.

    Raises:
        Refusal: A value other than ``All`` (422).
    """
    if text not in {"", "All"}:
        raise invalid_options(kind, [unsupported_value("dryRun", f'["{text}"]', "All")])
    return text == "All"
