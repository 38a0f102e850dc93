"""Objects without generated classes: of any kind, or of which only the metadata is wanted."""

from kinform.objects.dynamic import DynamicObject
from kinform.objects.dynamic_metadata import DynamicMetadata
from kinform.objects.metadata import ObjectMeta, OwnerReference, PartialObjectMetadata
from kinform.objects.views import View, view_of

__all__ = [
    "DynamicMetadata",
    "DynamicObject",
    "ObjectMeta",
    "OwnerReference",
    "PartialObjectMetadata",
    "View",
    "view_of",
]
