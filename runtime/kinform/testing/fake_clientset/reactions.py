"""Reactors: what a test has said to requests before, or after, the tracker sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from kinform.testing.fake_clientset.actions import Action, WatchAction
from kinform.testing.fake_clientset.fake_watch import FakeWatch
from kinform.testing.server import Refuse
from kinform.testing.server.documents import encode, wire_of
from kinform.testing.server.refusals import success

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kinform.meta import WireObject
    from kinform.testing.server.documents import JsonObject

__all__ = ["TRACKER", "Handled", "ReactionChain", "Reactor", "Tracker", "WatchReactor", "rendered"]

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Handled:
    """What a reactor returns that has dealt with an action.

    Attributes:
        answer: What the client is answered: an object, as a model or as JSON; the objects of a list; None: a mere
            success, for what is deleted or sent to a subresource.
    """

    answer: WireObject | Mapping[str, object] | Sequence[WireObject | Mapping[str, object]] | None = None


Reactor: TypeAlias = Callable[[Action], Handled | Refuse | None]
"""Sees an action and says what comes of it (client-go: ``testing.ReactionFunc``).

``Handled``: this is the answer. ``Refuse``: this error is. None: the next reactor is asked. What it raises comes out of
the client's call as it is: an ``ApiStatusError`` as from a server, a ``TransportError`` as from the network. It runs in
the thread that makes the request.
"""

WatchReactor: TypeAlias = Callable[[WatchAction], FakeWatch | Refuse | None]
"""As ``Reactor``, of watches (client-go: ``testing.WatchReactionFunc``). Informers begin with one, too."""


class Tracker:
    """The place of the tracker in a chain: it deals with all that an API server does."""


TRACKER: Final = Tracker()


class ReactionChain(Generic[F]):
    """Reactors in order, the tracker among them. Thread-safe: changes replace the list."""

    def __init__(self) -> None:
        self._links: tuple[tuple[str, str, F | Tracker], ...] = (("*", "*", TRACKER),)

    def prepend(self, verb: str, resource: str, react: F) -> None:
        """Before all others."""
        self._links = ((verb, resource, react), *self._links)

    def append(self, verb: str, resource: str, react: F) -> None:
        """After all others."""
        self._links = (*self._links, (verb, resource, react))

    def of(self, action: Action) -> Iterator[F | Tracker]:
        """Those whom an action is for, in order."""
        return (react for verb, resource, react in self._links if action.matches(verb, resource))


def rendered(action: Action, handled: Handled, revision: int) -> bytes:
    """The body of an answer.

    Args:
        action: What was asked.
        handled: What the reactor says.
        revision: The resourceVersion of a list.

    Raises:
        TypeError: That is no answer to it.
    """
    resource, answer = action.resource, handled.answer
    if answer is None:
        if action.subresource or action.verb in {"delete", "deletecollection"}:
            return success(resource, action.name, "")
        wanted = "a sequence of objects" if action.verb == "list" else "an object"
        raise TypeError(f"a reactor has handled {str(action)!r} and returned nothing: Handled(…) needs {wanted}")
    if isinstance(answer, Sequence):
        if action.verb != "list":
            raise TypeError(f"a reactor has answered {str(action)!r} with several objects: Handled(…) needs one")
        listed: JsonObject = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version}
        listed["metadata"] = {"resourceVersion": str(revision)}
        items = b",".join(map(wire_of, answer))
        return b'%b,"items":[%b]}' % (encode(listed).removesuffix(b"}"), items)
    if action.verb == "list":
        raise TypeError(f"a reactor has answered {str(action)!r} with one object: Handled([…]) needs a sequence")
    return wire_of(answer)
