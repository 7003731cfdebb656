"""The REST door itself: an ASGI application beside the one of the RPC products, with the same handlers behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from tidegate.errors import CloudError
from tidegate.gateway.exchange import CALL_LIMIT, Exchange, Handler, known
from tidegate.gateway.mns.answer import Response, encode, encode_error, respond
from tidegate.gateway.mns.prove import Prove
from tidegate.gateway.mns.targets import place_of, target_of
from tidegate.gateway.read import DisconnectedError, Receive, Scope, Send, begin, read
from tidegate.gateway.respond import fail, record
from tidegate.gateway.routes import Routes
from tidegate.ids import Ids
from tidegate.services.mns import limits, refusals


class MnsDoor:
    """Serves ``/queues…`` and ``/topics…``; ``serve`` are the handlers from routing to invoking."""

    def __init__(self, routes: Routes, prove: Prove, serve: Sequence[Handler], ids: Ids) -> None:
        self._routes = routes
        self._prove = prove
        self._serve = serve
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        exchange = begin(scope, self._ids.uuid())
        try:
            async with asyncio.timeout(CALL_LIMIT):
                await read(exchange, scope, receive)
            response = await self._while_connected(exchange, scope, receive)
        except DisconnectedError:
            return
        except Exception as error:
            response = encode_error(exchange, self._failed(exchange, error))
        exchange.status = response.status
        record(exchange)
        await respond(exchange, response, send)

    async def _while_connected(self, exchange: Exchange, scope: Scope, receive: Receive) -> Response:
        """Serve a call, and drop it when the client goes away: nobody would get the message that it waits for."""
        serving = asyncio.create_task(self._handle(exchange, _resource(scope)), name="mns")
        leaving = asyncio.create_task(_gone(receive), name="mns client")
        try:
            await asyncio.wait({serving, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not serving.done():
                raise DisconnectedError
            return serving.result()
        finally:
            for task in (serving, leaving):
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(serving, leaving, return_exceptions=True)

    async def _handle(self, exchange: Exchange, resource: str) -> Response:
        async with asyncio.timeout(limits.WAIT[1] + CALL_LIMIT):
            await self._prove(exchange, resource)
            place = place_of(exchange.headers.get("host", ""))
            if place.account_id and place.account_id != known(exchange.principal).account_id:
                raise refusals.access_denied()
            target = target_of(exchange.method, exchange.path, exchange.query, exchange.headers, exchange.body)
            exchange.action, exchange.region, exchange.parameters = target.action, place.region, target.parameters
            exchange.route, exchange.version = self._routes.named("mns", target.action)
            for handle in self._serve:
                await handle(exchange)
            return encode(exchange)

    @staticmethod
    def _failed(exchange: Exchange, error: Exception) -> CloudError:
        fault = fail(exchange, error)
        # Its own word for a crash (sic: the page of error codes spells the message differently twice).
        return CloudError("InternalError", "Internal error.", 500) if fault.status == 500 else fault


def _resource(scope: Scope) -> str:
    """Return the target as it was sent, which is what was signed."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return (path + b"?" + query if query else path).decode("latin-1")


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
