"""An API server in a box: in memory, over real HTTP, and enough of one to test informers and controllers.

``Server`` runs in the test's own process; ``python -m kinform.testing.server`` runs one by itself. It was written
beside kube-apiservers 1.30 and 1.37: what it does it does as they do, down to the words of ``Status`` messages where
clients look at them.

What it does
    Discovery, aggregated and by group, OpenAPI, ``/version`` and health. get, list, watch, create, update, patch (all
    four kinds, server-side apply with managedFields among them), delete and deletecollection, ``/status`` and
    ``/scale``. One resourceVersion over everything; uid, creationTimestamp, generation, generateName; optimistic
    locking; dry run; finalizers and deletionTimestamp. Label selectors; field selectors on any path, with the ADDED
    and DELETED that a watch sees when an object begins or ceases to match. Pages whose tokens hold on to one state
    and expire; the rules of resourceVersion and resourceVersionMatch; a bounded history with real 410s; bookmarks;
    streaming lists with their end bookmark. CustomResourceDefinitions take effect when they are created: objects are
    pruned, defaulted and validated by their schema. TLS with an authority of its own; 401 without the token or client
    certificate that it is told to ask for.

What it does not do
    docs/testing.md has the list. In short: built-in kinds are neither validated nor defaulted; nobody acts on the
    objects; no CEL rules, conversion, admission or authorisation; JSON only, but for YAML that is applied.
"""

from kinform.testing.server.documents import Json, JsonObject
from kinform.testing.server.effects import (
    Close,
    Cut,
    Delay,
    Drip,
    Duplicate,
    Effect,
    EndEarly,
    Expire,
    Garbage,
    Insert,
    Refuse,
    Reply,
    Stall,
)
from kinform.testing.server.fault_plan import FaultPlan
from kinform.testing.server.faults import Fault, RequestMatcher
from kinform.testing.server.requests import RecordedRequest
from kinform.testing.server.resources import ServedResource, resources_in
from kinform.testing.server.server import Server
from kinform.testing.server.server_options import ServerOptions
from kinform.testing.server.watching import OpenWatch

__all__ = [
    "Close",
    "Cut",
    "Delay",
    "Drip",
    "Duplicate",
    "Effect",
    "EndEarly",
    "Expire",
    "Fault",
    "FaultPlan",
    "Garbage",
    "Insert",
    "Json",
    "JsonObject",
    "OpenWatch",
    "RecordedRequest",
    "Refuse",
    "Reply",
    "RequestMatcher",
    "ServedResource",
    "Server",
    "ServerOptions",
    "Stall",
    "resources_in",
]
