"""Sharing and lifecycle of informers: the factory, its options, and the base of its generated accessors."""

from kinform.factory.factory import AccessorClass, FactoryStatistics, InformerFactory
from kinform.factory.generic import GenericInformer, GenericInformers
from kinform.factory.options import InformerOptions, InformerSpec, Namespaces, TweakListOptions
from kinform.factory.resource_informer import ResourceInformer
from kinform.informer import ErrorReport, ListOptions, StopResult

__all__ = [
    "AccessorClass",
    "ErrorReport",
    "FactoryStatistics",
    "GenericInformer",
    "GenericInformers",
    "InformerFactory",
    "InformerOptions",
    "InformerSpec",
    "ListOptions",
    "Namespaces",
    "ResourceInformer",
    "StopResult",
    "TweakListOptions",
]
