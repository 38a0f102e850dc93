"""A clientset over a cluster in memory, for tests: what the generated ``FakeClientset`` of each package inherits."""

from kinform.testing.fake_clientset.actions import (
    Action,
    CreateAction,
    DeleteAction,
    DeleteCollectionAction,
    GetAction,
    ListAction,
    ObjectAction,
    PatchAction,
    UpdateAction,
    WatchAction,
    WriteAction,
)
from kinform.testing.fake_clientset.clientset import FakeClientsetBase
from kinform.testing.fake_clientset.fake_watch import FakeWatch
from kinform.testing.fake_clientset.reactions import Handled, Reactor, WatchReactor
from kinform.testing.fake_clientset.tracker import ObjectTracker
from kinform.testing.server import Refuse

__all__ = [
    "Action",
    "CreateAction",
    "DeleteAction",
    "DeleteCollectionAction",
    "FakeClientsetBase",
    "FakeWatch",
    "GetAction",
    "Handled",
    "ListAction",
    "ObjectAction",
    "ObjectTracker",
    "PatchAction",
    "Reactor",
    "Refuse",
    "UpdateAction",
    "WatchAction",
    "WatchReactor",
    "WriteAction",
]
