"""The operations of SLB: typed requests in, typed answers out."""

from tidegate.services.slb.api import balancers, groups, listeners, servers
from tidegate.services.slb.api.product import slb

__all__ = ["balancers", "groups", "listeners", "servers", "slb"]
