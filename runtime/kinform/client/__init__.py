"""Typed clients: what generated ones inherit, verb by verb, and what their methods take and return."""

from kinform.client.clientset import ClientsetBase
from kinform.client.deleting import CollectionDeletable, Deletable
from kinform.client.dynamic import DynamicClient, DynamicResourceClient
from kinform.client.options import PatchBody, PatchType, Preconditions, PropagationPolicy, ResourceVersionMatch
from kinform.client.reading import Gettable, Listable, ObjectList, StatusReadable
from kinform.client.resource import ApiObject, ResourceClient
from kinform.client.watching import Watch, Watchable, WatchedEvent
from kinform.client.writing import Creatable, Patchable, Sendable, StatusPatchable, StatusUpdatable, Updatable

__all__ = [
    "ApiObject",
    "ClientsetBase",
    "CollectionDeletable",
    "Creatable",
    "Deletable",
    "DynamicClient",
    "DynamicResourceClient",
    "Gettable",
    "Listable",
    "ObjectList",
    "PatchBody",
    "PatchType",
    "Patchable",
    "Preconditions",
    "PropagationPolicy",
    "ResourceClient",
    "ResourceVersionMatch",
    "Sendable",
    "StatusPatchable",
    "StatusReadable",
    "StatusUpdatable",
    "Updatable",
    "Watch",
    "Watchable",
    "WatchedEvent",
]
