"""The operations of OOS 2019-06-01: typed requests in, typed answers out."""

from __future__ import annotations

from tidegate.services.oos.api import executions, histories, offers, parameters, tags, templates
from tidegate.services.oos.api.product import oos

__all__ = ["executions", "histories", "offers", "oos", "parameters", "tags", "templates"]
