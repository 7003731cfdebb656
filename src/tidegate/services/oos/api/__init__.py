"""The operations of OOS 2019-06-01: typed requests in, typed answers out."""

from __future__ import annotations

from tidegate.services.oos.api import changes, executions, histories, offers, parameters, resources, tags, templates
from tidegate.services.oos.api.product import oos

__all__ = ["changes", "executions", "histories", "offers", "oos", "parameters", "resources", "tags", "templates"]
