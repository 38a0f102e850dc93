"""What an API server has: its groups, versions and resources, found out when first needed, and names for them."""

from kinform.discovery.discover import discover
from kinform.discovery.mapper import RestMapper
from kinform.discovery.resources import ApiGroup, ApiResource, Discovered

__all__ = ["ApiGroup", "ApiResource", "Discovered", "RestMapper", "discover"]
