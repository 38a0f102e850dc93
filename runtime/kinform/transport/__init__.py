"""The way to the API server: connecting, authenticating, reading as it comes, and stopping at once."""

from kinform.transport.abort import Abort
from kinform.transport.api_client import AnsweringClient, ApiClient, ApiSource, connect
from kinform.transport.exchange import Answer, Request
from kinform.transport.observer import TransportObserver
from kinform.transport.statistics import TransportStatistics
from kinform.transport.transport import Response, Stream, Transport, transport_of

__all__ = [
    "Abort",
    "Answer",
    "AnsweringClient",
    "ApiClient",
    "ApiSource",
    "Request",
    "Response",
    "Stream",
    "Transport",
    "TransportObserver",
    "TransportStatistics",
    "connect",
    "transport_of",
]
