"""What befalls requests that come over HTTP: strangers are turned away, faults take effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kinform.testing.server import refusals
from kinform.testing.server.effects import Close, Cut, Delay, Expire, Refuse, Reply, Stall
from kinform.testing.server.rendering import error_frame
from kinform.testing.server.shaping import CutError

if TYPE_CHECKING:
    from collections.abc import Generator

    from kinform.testing.server.access import Access
    from kinform.testing.server.address import Address
    from kinform.testing.server.connection import Exchange
    from kinform.testing.server.faults import FaultBoard
    from kinform.testing.server.requests import RecordedRequest, RequestLog
    from kinform.testing.server.storage import Storage

__all__ = ["Trouble"]


class Trouble:
    """Has faults take effect on what is let in. Thread-safe.

    Args:
        access: Who is let in.
        faults: Which.
        log: What is told of the answers.
        storage: Whose revision expired watches name.
    """

    def __init__(self, access: Access, faults: FaultBoard, log: RequestLog, storage: Storage) -> None:
        self._access = access
        self._faults = faults
        self._log = log
        self._storage = storage

    def __call__(self, exchange: Exchange, record: RecordedRequest, at: Address | None) -> bool:  # noqa: ARG002
        """Has a fault take effect, if there is one; whether the request is thereby answered.

        Raises:
            Refusal: That is the answer.
            CutError: The connection is to break.
        """
        self._access.check(exchange)
        effect = record.fault = self._faults.take(record)
        match effect:
            case None:
                pass
            case Refuse(close=close):
                exchange.closing = close
                raise effect.refusal()
            case Expire() if record.verb == "watch":
                self._log.answer(record, 200)
                exchange.stream(self._expired())
                return True
            case Expire():
                raise refusals.expired_list()
            case Reply(code=code, body=body, content_type=content_type):
                self._log.answer(record, code)
                exchange.respond(code, body, content_type=content_type)
                return True
            case Close():
                exchange.closing = True
            case Delay(seconds=seconds):
                exchange.wait(seconds)
            case Cut(after_bytes=None):
                raise CutError
            case Stall(after_bytes=None):
                exchange.wait(None)
            case _:
                exchange.shape(effect)
        return False

    def _expired(self) -> Generator[bytes]:
        yield error_frame(refusals.expired_watch(1, self._storage.revision))
