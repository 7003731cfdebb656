"""``/_tidegate/clock``: moves the time of a cloud that was started with an adjustable clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec

from tidegate.errors import CloudError
from tidegate.gateway.pages import send_json
from tidegate.gateway.read import Receive, Scope, Send, begin, read

#: Moves the clock forward, sweeps what has become due, and returns the new present.
Mover = Callable[[timedelta], Awaitable[datetime]]

#: Seconds; a clock that never goes back must not be sent past the end of time by one typing error.
MAX_ADVANCE = 366 * 24 * 3600.0


class _Advance(msgspec.Struct):
    advance: float = 0.0


class AdvanceClock:
    """Takes POST ``{"advance": seconds}`` and answers ``{"now": …}``."""

    def __init__(self, advance: Mover) -> None:
        self._advance = advance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["method"] != "POST":
            await send_json(send, {"error": 'POST an amount of seconds: {"advance": 60}'}, 405)
            return
        exchange = begin(scope, "")
        try:
            await read(exchange, scope, receive)
            seconds = msgspec.json.decode(exchange.body, type=_Advance).advance
        except (CloudError, msgspec.MsgspecError):
            seconds = -1.0
        # A page in somebody's browser must not move the clock: browsers tell where a request comes from.
        if "origin" in exchange.headers or not 0 <= seconds <= MAX_ADVANCE:
            await send_json(send, {"error": f"advance must be 0 to {MAX_ADVANCE:.0f} seconds"}, 400)
            return
        now = await self._advance(timedelta(seconds=seconds))
        await send_json(send, {"now": now.isoformat()})
