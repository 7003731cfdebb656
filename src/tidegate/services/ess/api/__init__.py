"""The operations of Auto Scaling: typed requests in, typed answers out; one module for each page of the reference."""

from tidegate.services.ess.api import (
    activities,
    advice,
    alarms,
    bindings,
    configurations,
    groups,
    hooks,
    instances,
    notifications,
    predictions,
    refreshes,
    regions,
    rules,
    tags,
    tasks,
)
from tidegate.services.ess.api.product import ess

__all__ = [
    "activities",
    "advice",
    "alarms",
    "bindings",
    "configurations",
    "ess",
    "groups",
    "hooks",
    "instances",
    "notifications",
    "predictions",
    "refreshes",
    "regions",
    "rules",
    "tags",
    "tasks",
]
