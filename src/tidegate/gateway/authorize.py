"""Asks RAM about every action of the operation on every resource it touches (ram.md 7 and 11)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence

from tidegate.clock import Clock, to_seconds
from tidegate.errors import CloudError
from tidegate.gateway.exchange import Exchange, known
from tidegate.gateway.ports import Authority
from tidegate.gateway.routes import Route
from tidegate.services.operation import Call

#: What is checked when an operation names nothing, or cannot because its parameters are unreadable.
_ANYTHING = ("*",)


class Authorize:
    """Raises the product's own denial, or the complaint about the parameters once the call is allowed."""

    def __init__(self, ram: Authority, clock: Clock) -> None:
        self._ram = ram
        self._clock = clock

    async def __call__(self, exchange: Exchange) -> None:
        """Let the call pass, or raise."""
        operation = known(exchange.route).operation
        call: Call = known(exchange.call)
        if operation.actions:
            context = self._context(exchange)
            resources = [operation.product.arn(call, relative) for relative in await _resources(exchange)]
            for action in operation.actions:
                decision = await self._ram.decide_all(call.principal, action, resources, context)
                if not decision.allowed:
                    denial: CloudError = operation.product.denial(action, decision.resource)
                    denial.detail = decision.detail
                    raise denial
        if exchange.complaint is not None:
            raise exchange.complaint

    def _context(self, exchange: Exchange) -> Mapping[str, str]:
        return {
            "acs:SourceIp": exchange.source_ip,
            "acs:SecureTransport": "true" if exchange.secure else "false",
            "acs:CurrentTime": to_seconds(self._clock.now()),
        }


async def _resources(exchange: Exchange) -> Sequence[str]:
    route: Route = known(exchange.route)
    name_resources = route.operation.resources
    if name_resources is None:
        return _ANYTHING
    try:
        named = name_resources(route.service, known(exchange.call), exchange.request)
        if inspect.isawaitable(named):
            named = await named
    except CloudError as error:  # what it would touch does not exist; only who may touch anything is told so
        exchange.complaint = exchange.complaint or error
        return _ANYTHING
    except Exception:
        if exchange.complaint is None:
            raise
        return _ANYTHING  # the request is incomplete: what it touches cannot be told
    return named or _ANYTHING
