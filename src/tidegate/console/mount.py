"""Where the gateway meets the console: nothing is imported or built before somebody opens a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from tidegate.console.surroundings import Surroundings

if TYPE_CHECKING:
    from tidegate.console.site import Site

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PREFIX = "/console"


class Console:
    """An ASGI application for every path at or under ``/console``."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._site: Site | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._site is None:
            # Starlette and Jinja2 cost a tenth of a second to import, which start-up does not need.
            from tidegate.console.site import Site  # noqa: PLC0415

            self._site = Site(self._around)
        await self._site(scope, receive, send)

    async def close(self) -> None:
        """End every live stream, so that the server can stop."""
        if self._site is not None:
            await self._site.close()
