"""Reads the parameters into the operation's request."""

from __future__ import annotations

from tidegate.gateway.exchange import Exchange, known
from tidegate.gateway.routes import Route


async def decode(exchange: Exchange) -> None:
    """Set ``request``, and ``complaint`` when a parameter is missing or unreadable.

    The complaint is not raised here: whether the caller may do this at all comes first (wire.md 15.3).
    """
    route: Route = known(exchange.route)
    product = route.operation.product
    parameters = product.enter(exchange.version, exchange.parameters)
    exchange.request, complaint = route.decode(parameters, product.missing, product.invalid)
    exchange.complaint = exchange.complaint or complaint
