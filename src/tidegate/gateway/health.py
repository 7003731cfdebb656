"""``/_tidegate/health``: answers 200 once everything a call needs is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tidegate import __version__
from tidegate.gateway.pages import send_json
from tidegate.gateway.read import Receive, Scope, Send
from tidegate.services.operation import Product
from tidegate.telemetry import get_logger

#: Tells whether one part is ready: returns, or raises.
Probe = Callable[[], Awaitable[object]]
#: Tells what the page adds for people: names and counts, nothing that would need a permission.
Facts = Callable[[], Awaitable[Mapping[str, Any]]]

_PROBE_LIMIT = 2.0
_log = get_logger("gateway.health")


class Health:
    """Lists every product and every probed part; 503 while one of them is not ready."""

    def __init__(self, products: Mapping[Product, Any], probes: Mapping[str, Probe], facts: Facts | None) -> None:
        self._products = [product.name for product in products]
        self._probes = probes
        self._facts = facts

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Serve one request."""
        parts = dict(zip(self._probes, await asyncio.gather(*map(_is_ready, self._probes.values())), strict=True))
        ready = all(parts.values())
        tree: dict[str, Any] = {
            "status": "ok" if ready else "starting",
            "version": __version__,
            "products": dict.fromkeys(self._products, "ready" if ready else "starting"),
            "parts": {name: "ready" if is_ready else "starting" for name, is_ready in parts.items()},
        }
        if ready and self._facts is not None:
            tree |= await self._facts()
        await send_json(send, tree, 200 if ready else 503)


async def _is_ready(probe: Probe) -> bool:
    try:
        async with asyncio.timeout(_PROBE_LIMIT):
            await probe()
    except Exception as error:
        _log.warning("not ready", extra={"reason": type(error).__name__})
        return False
    return True
