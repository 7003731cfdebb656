"""The door itself: an ASGI application whose whole path is one list of handlers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from tidegate.clock import Clock, SystemClock
from tidegate.gateway.authorize import Authorize
from tidegate.gateway.clock import AdvanceClock, Mover
from tidegate.gateway.decode import decode
from tidegate.gateway.elsewhere import Elsewhere
from tidegate.gateway.encode import check_format, choose_format, encode, encode_error
from tidegate.gateway.exchange import CALL_LIMIT, Handler
from tidegate.gateway.health import Facts, Health, Probe
from tidegate.gateway.identify import identify
from tidegate.gateway.invoke import invoke
from tidegate.gateway.local import LocalCaller
from tidegate.gateway.mns.door import MnsDoor
from tidegate.gateway.mns.prove import Prove
from tidegate.gateway.ports import Authority, NonceBook
from tidegate.gateway.read import DisconnectedError, Receive, Scope, Send, begin, read
from tidegate.gateway.refresh import Refresh
from tidegate.gateway.respond import fail, record, respond
from tidegate.gateway.route import RouteCall
from tidegate.gateway.routes import Routes
from tidegate.gateway.verify import Verify
from tidegate.ids import Ids
from tidegate.services.operation import Principal, Product
from tidegate.settings import Settings
from tidegate.wire import faults

Endpoint = Callable[[Scope, Receive, Send], Awaitable[None]]


class Gateway:
    """Serves every operation of ``products`` at ``/``, MNS at ``/queues`` and ``/topics``, own pages at ``/_tidegate/…``.

    ``products`` maps each product to the service that its operations are called with. ``advance`` moves an adjustable
    clock and sweeps; ``probes`` tell what else must be ready for the cloud to be healthy, ``facts`` what it consists of.
    """

    def __init__(
        self,
        products: Mapping[Product, Any],
        *,
        ram: Authority,
        nonces: NonceBook,
        clock: Clock,
        ids: Ids,
        settings: Settings,
        advance: Mover | None = None,
        probes: Mapping[str, Probe] | None = None,
        facts: Facts | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._ids = ids
        self._elsewhere = elsewhere
        self._routes = Routes(products)
        # Clients sign by their own clock, which does not jump when the cloud's is moved.
        wall = SystemClock() if settings.adjustable_clock else clock
        serve: list[Handler] = [
            RouteCall(self._routes, settings.region),
            decode,
            Authorize(ram, clock),
            invoke,
        ]
        self._over_http: Sequence[Handler] = (
            choose_format,
            identify,
            Verify(ram, nonces, wall=wall, clock=clock),
            check_format,
            *serve,
            encode,
        )
        self._in_process: Sequence[Handler] = (Refresh(ram), *serve)
        self._pages: dict[str, Endpoint] = {"/": self._api, "/_tidegate/health": Health(products, probes or {}, facts)}
        if settings.adjustable_clock and advance is not None:
            self._pages["/_tidegate/clock"] = AdvanceClock(advance)
        rest = MnsDoor(self._routes, Prove(ram, nonces, wall=wall, clock=clock), serve, ids)
        self._mounts: dict[str, Endpoint] = {"queues": rest, "topics": rest}

    def mount(self, name: str, application: Endpoint) -> None:
        """Let another ASGI application serve ``/<name>`` and everything under it."""
        self._mounts[name] = application

    def page(self, path: str, application: Endpoint) -> None:
        """Let another ASGI application serve exactly ``path``."""
        self._pages[path] = application

    def caller(self, principal: Principal) -> LocalCaller:
        """Return a caller of this cloud's operations in this process, as ``principal``."""
        return LocalCaller(principal, self._routes, self._in_process, self._ids, self._elsewhere)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        match scope["type"]:
            case "http":
                serve = self._pages.get(scope["path"] or "/") or self._mounted(scope["path"])
                await serve(scope, receive, send)
            case "lifespan":
                await _live(receive, send)
            case "websocket":
                await send({"type": "websocket.close", "code": 1000})

    async def _api(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = begin(scope, self._ids.uuid())
        try:
            async with asyncio.timeout(CALL_LIMIT):
                await read(exchange, scope, receive)
                for handle in self._over_http:
                    await handle(exchange)
        except DisconnectedError:
            return
        except Exception as error:
            fail(exchange, error)
        record(exchange)
        await respond(exchange, send)

    def _mounted(self, path: str) -> Endpoint:
        return self._mounts.get(path.split("/", 2)[1], self._nowhere) if path[:1] == "/" else self._nowhere

    async def _nowhere(self, scope: Scope, _receive: Receive, send: Send) -> None:
        exchange = begin(scope, self._ids.uuid())
        encode_error(exchange, faults.path_not_found())
        await respond(exchange, send)


async def _live(receive: Receive, send: Send) -> None:
    """Nothing to start or stop here: assembly does both."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await send({"type": "lifespan.shutdown.complete"})
            return
