"""The cache: entries in partitions, the indexes over them, and objects made of them when someone looks."""

from kinform.store.index import Index
from kinform.store.indexer import Indexer, IndexValues, field_index, index, indexed_field, label_index
from kinform.store.inflater import Inflater
from kinform.store.modes import StoreMode, checked_mode
from kinform.store.notification import Notification
from kinform.store.reader import CacheReader
from kinform.store.snapshot import Snapshot
from kinform.store.store import Store

__all__ = [
    "CacheReader",
    "Index",
    "IndexValues",
    "Indexer",
    "Inflater",
    "Notification",
    "Snapshot",
    "Store",
    "StoreMode",
    "checked_mode",
    "field_index",
    "index",
    "indexed_field",
    "label_index",
]
