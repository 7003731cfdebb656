"""Lets an in-process call see every change of RAM that was made before it, as a signed call does."""

from __future__ import annotations

from tidegate.gateway.exchange import Exchange
from tidegate.gateway.ports import Authority


class Refresh:
    """Takes the place of the nonce round trip, which tells signed calls how often RAM has changed."""

    def __init__(self, ram: Authority) -> None:
        self._ram = ram

    async def __call__(self, _exchange: Exchange) -> None:
        """Forget what is out of date."""
        await self._ram.refresh()
