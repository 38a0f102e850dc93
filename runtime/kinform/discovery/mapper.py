"""From names to resources, by what the server has: found out once, and again when a name is not known."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final, final

from kinform.discovery.discover import discover
from kinform.discovery.matching import check_api_version, match_kind, match_name, match_resource
from kinform.errors import NoMatchError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kinform.discovery.resources import ApiResource, Discovered
    from kinform.transport import Transport

__all__ = ["RestMapper"]

logger: Final = logging.getLogger("kinform.discovery")


@final
class RestMapper:
    """Knows which resources a server has, by plural, singular, short name and kind.

    (client-go: ``restmapper.DeferredDiscoveryRESTMapper`` with its ``ShortcutExpander``.) The first question blocks
    while the server is asked; later ones are answered from memory. What memory does not know is asked for anew, so a
    definition is found as soon as the server has it; what the server has no more stays known until ``invalidate``.
    Thread-safe: threads that ask at once share one discovery, and only those that need it wait.

    What discovery could not find out, of an aggregated API that is down, say, is in ``failures``, is logged by the
    logger ``kinform.discovery`` when it is new, and stands in the errors that it may be the cause of.

    All questions raise ``ApiStatusError``, ``TransportError`` or ``DiscoveryError`` where the server must be asked and
    cannot be.

    Args:
        transport: The way to the server; it is not closed by this.
        on_failure: Told what could not be found out, and why, when it is new, on the thread that asked.
    """

    def __init__(self, transport: Transport, *, on_failure: Callable[[str, Exception], object] | None = None) -> None:
        self._transport = transport
        self._on_failure = on_failure
        self._asking = threading.Lock()  # held while the server is asked
        self._begun = 0  # discoveries so far; the newest may still be under way
        self._known: tuple[int, Discovered] | None = None
        self._failed: frozenset[str] = frozenset()

    def for_resource(self, api_version: str, name: str) -> ApiResource:
        """The resource of a group and version by its plural, singular or short name (client-go: ``ResourceFor``).

        Args:
            api_version: As in objects: ``"apps/v1"``, or ``"v1"`` for the core group.
            name: Such as ``"deployments"``; in any case.

        Raises:
            NoMatchError: The server has none; the message says what looks alike.
            AmbiguousMatchError: Several have that name.
            ValueError: ``api_version`` is none.
        """
        check_api_version(api_version)
        return self._find(lambda found: match_resource(found, api_version, name))

    def for_kind(self, api_version: str, kind: str) -> ApiResource:
        """The resource whose objects are of that kind (client-go: ``RESTMapping``).

        Args:
            api_version: As in objects: ``"apps/v1"``, or ``"v1"`` for the core group.
            kind: As in objects: ``"Deployment"``.

        Raises:
            NoMatchError: The server has none; the message says what looks alike.
            AmbiguousMatchError: Several are.
            ValueError: ``api_version`` is none.
        """
        check_api_version(api_version)
        return self._find(lambda found: match_kind(found, api_version, kind))

    def resolve(self, text: str) -> ApiResource:
        """The resource of a name as people type it behind ``kubectl get``.

        Plural, singular, short name or kind, alone or with its group, or version and group: ``"deploy"``,
        ``"deployments.apps"``, ``"Deployment.v1.apps"``. Without a version it is the preferred one. Without a group it
        is the core group if that has the name, else the only group that has it.

        Raises:
            NoMatchError: The server has none.
            AmbiguousMatchError: Several groups have that name, and the core group has not.
        """
        return self._find(lambda found: match_name(found, text))

    def resources(self) -> tuple[ApiResource, ...]:
        """All that the server has, as far as is known; asks only if nothing is."""
        return self._discovered().resources

    def failures(self) -> dict[str, Exception]:
        """What could not be found out the last time, and why; see ``Discovered.failures``. Asks as ``resources``."""
        return dict(self._discovered().failures)

    def invalidate(self) -> None:
        """Forgets everything: the next question asks the server (client-go: ``Reset``)."""
        self._known = None

    def _discovered(self) -> Discovered:
        known = self._known
        return known[1] if known is not None else self._discover(self._begun)

    def _find(self, match: Callable[[Discovered], ApiResource]) -> ApiResource:
        # Whatever has begun before this question was asked may know less than the asker.
        begun = self._begun
        known = self._known
        if known is not None:
            try:
                return match(known[1])
            except NoMatchError:
                pass
        return match(self._discover(begun))

    def _discover(self, begun: int) -> Discovered:
        """A discovery that is not among the first ``begun``: another thread's, or one of our own."""
        with self._asking:
            known = self._known
            if known is not None and known[0] > begun:
                return known[1]
            self._begun += 1
            number = self._begun
            found = discover(self._transport)
            if known is not None:
                found = found.with_what_failed_of(known[1])
            self._known = (number, found)
            news = {name: error for name, error in found.failures.items() if name not in self._failed}
            self._failed = frozenset(found.failures)
        for name, error in news.items():
            logger.warning("discovery knows nothing certain of %s: %s", name, error)
            if self._on_failure is not None:
                self._on_failure(name, error)
        return found

    def __repr__(self) -> str:
        known = self._known
        what = "nothing asked yet" if known is None else f"{len(known[1].resources)} resources"
        return f"<{type(self).__name__} of {self._transport!r}: {what}>"
