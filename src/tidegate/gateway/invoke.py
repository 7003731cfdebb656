"""Calls the operation."""

from __future__ import annotations

from tidegate.gateway.exchange import Exchange, known
from tidegate.gateway.routes import Route


async def invoke(exchange: Exchange) -> None:
    """Set ``answer``."""
    route: Route = known(exchange.route)
    exchange.answer = await route.operation.handler(route.service, known(exchange.call), exchange.request)
