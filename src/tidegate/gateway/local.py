"""The in-process caller: runbooks call the local cloud through the same handlers as everybody else."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidegate.cloud.caller import PathCall
from tidegate.errors import CloudError
from tidegate.gateway.elsewhere import Elsewhere
from tidegate.gateway.encode import answer_tree
from tidegate.gateway.exchange import CALL_LIMIT, Exchange, Handler
from tidegate.gateway.respond import fail, record
from tidegate.gateway.routes import Routes
from tidegate.ids import Ids
from tidegate.services.binding import bind
from tidegate.services.operation import Principal


class LocalCaller:
    """Calls operations as one principal, already proven; authorized, decoded and logged as over HTTP."""

    def __init__(
        self,
        principal: Principal,
        routes: Routes,
        handlers: Sequence[Handler],
        ids: Ids,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._principal = principal
        self._routes = routes
        self._handlers = handlers
        self._ids = ids
        self._elsewhere = elsewhere

    async def call_path(self, product: str, action: str, request: PathCall, *, region: str) -> Any:
        """Answer a call in ROA style, or send it on; see ``cloud.caller.Caller``.

        A product of this cloud takes query and body as the parameters of the operation, unless the settings say that it
        is somewhere else.
        """
        is_elsewhere = self._elsewhere is not None and self._elsewhere.serves(product)
        if self._routes.knows(product) and not is_elsewhere:
            return await self.call(product, action, {**request.query, **_fields(request.body)}, region=region)
        if self._elsewhere is None:
            raise CloudError("InvalidAction.NotFound", f"{product} {action} cannot be called from here.", 404)
        return await self._elsewhere.call(self._principal, product, action, request, region=region)

    async def call(self, product: str, action: str, parameters: Mapping[str, Any], *, region: str) -> dict[str, Any]:
        """Call an operation; see ``cloud.caller.Caller``."""
        exchange = Exchange(
            request_id=self._ids.uuid(), parameters={}, action=action, region=region, principal=self._principal
        )
        try:
            async with asyncio.timeout(CALL_LIMIT):
                exchange.route, exchange.version = self._routes.named(product, action)
                exchange.parameters = bind(exchange.route.operation.request, parameters, region)
                for handle in self._handlers:
                    await handle(exchange)
                tree = {"RequestId": exchange.request_id, **answer_tree(exchange)}
        except Exception as error:
            fault = fail(exchange, error)
            raise fault from (None if isinstance(error, CloudError) else error)
        finally:
            record(exchange)
        return tree


def _fields(body: str) -> dict[str, Any]:
    """Return what the body of a call in ROA style says, as parameters; raises CloudError."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any]) if body else {}
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise CloudError("InvalidParameter", "The body is not the JSON text of an object.") from error
