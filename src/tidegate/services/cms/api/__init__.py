"""The operations of CloudMonitor: typed requests in, typed answers out."""

from tidegate.services.cms.api import custom, metrics, system
from tidegate.services.cms.api.product import cms

__all__ = ["cms", "custom", "metrics", "system"]
