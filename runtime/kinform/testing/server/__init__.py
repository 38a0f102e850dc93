"""An API server in a box: in memory, over real HTTP, and enough of one to test informers and controllers.

``Server`` runs in the test's own process; ``python -m kinform.testing.server`` runs one by itself. It was written
beside kube-apiservers 1.30 and 1.37: what it does it does as they do, down to the words of ``Status`` messages where
clients look at them.

What it does
    Discovery, aggregated and by group, ``/version`` and health. get, list, watch, create, update, patch (JSON merge
    patch, JSON patch), delete and deletecollection for the resources that it is given, and ``/status`` where they
    have it. One resourceVersion over everything; uid, creationTimestamp, generation, generateName; optimistic
    locking; dry run; finalizers and deletionTimestamp. Label selectors; field selectors on any path, with the ADDED
    and DELETED that a watch sees when an object begins or ceases to match. Pages whose tokens hold on to one state
    and expire; the rules of resourceVersion and resourceVersionMatch; a bounded history with real 410s; bookmarks;
    streaming lists with their end bookmark. All versions of a resource share its objects.

What it does not do
    *Nothing is validated or defaulted* but names: objects are stored as they are sent, except that an empty status or
    its phase is set where Kubernetes does so on creation. No admission, no quotas, no service accounts.
    *Nobody acts on the objects*: no controllers, no scheduler, no kubelet, no garbage collection. Owner references and
    ``propagationPolicy`` have no effect, deleting a namespace deletes nothing in it, pods go at once when deleted
    (``gracePeriodSeconds`` has no effect), events do not expire.
    *No versions are converted*: an object is shown in each served version with the same fields.
    No strategic merge patch and no server-side apply (415), and so no managedFields but those that objects come with.
    No other subresources than ``/status``; that changes the status alone, where some built-in kinds let annotations
    through, too. CustomResourceDefinitions are objects like others: ``register`` is what makes a resource served.
    JSON only: no protobuf, YAML, CBOR or gzip, no tables (406 if nothing else is accepted), and OpenAPI documents
    without content. ``PartialObjectMetadata`` is for reading: what is written is answered whole.
    No TLS, authentication or authorisation; no priority and fairness; no graceful shutdown; no WebSocket.
    Field selectors work on every path, even on those that a kube-apiserver refuses with 400.
    History is counted in changes, not minutes; nothing but its limit and ``compact`` makes anything expire.
"""

from kinform.testing.server.documents import Json, JsonObject
from kinform.testing.server.faults import Fault, RequestMatcher
from kinform.testing.server.requests import RecordedRequest
from kinform.testing.server.resources import ServedResource, resources_in
from kinform.testing.server.server import Server
from kinform.testing.server.watching import OpenWatch

__all__ = [
    "Fault",
    "Json",
    "JsonObject",
    "OpenWatch",
    "RecordedRequest",
    "RequestMatcher",
    "ServedResource",
    "Server",
    "resources_in",
]
