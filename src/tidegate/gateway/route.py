"""Finds the operation and says where, for whom and under which token it is called."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from tidegate.gateway.exchange import Exchange, known
from tidegate.gateway.routes import Routes
from tidegate.services.operation import Call, Product

#: Names that belong to the protocol, not to the operation: they differ between two tries of one call.
SYSTEM_PARAMETERS = frozenset(
    {
        "AccessKeyId",
        "Action",
        "Format",
        "SecurityToken",
        "Signature",
        "SignatureMethod",
        "SignatureNonce",
        "SignatureType",
        "SignatureVersion",
        "Timestamp",
        "Version",
    }
)
#: What R-kvstore calls the client token (kvstore.md); everybody else says ClientToken.
_TOKEN_NAMES: Mapping[str, str] = {"kvstore": "Token"}
MAX_CLIENT_TOKEN = 64


class RouteCall:
    """Sets ``route`` and ``call``, and ``complaint`` when the client token cannot be one."""

    def __init__(self, routes: Routes, region: str) -> None:
        self._routes = routes
        self._region = region

    async def __call__(self, exchange: Exchange) -> None:
        """Route a call whose caller is proven."""
        route = exchange.route
        if route is None:
            route = exchange.route = self._routes.find(exchange.action, exchange.version)
        parameters = exchange.parameters
        token = _client_token(exchange, route.operation.product)
        exchange.call = Call(
            principal=known(exchange.principal),
            region=parameters.get("RegionId") or exchange.region or self._region,
            request_id=exchange.request_id,
            product=route.operation.product.code,
            action=route.operation.name,
            version=exchange.version,
            source_ip=exchange.source_ip,
            secure=exchange.secure,
            client_token=token,
            fingerprint=_fingerprint(parameters) if token else "",
        )


def _client_token(exchange: Exchange, product: Product) -> str | None:
    """Return the token that makes a repeat recognisable; at most 64 ASCII characters (ess.md 11, ecs.md 3)."""
    name = _TOKEN_NAMES.get(product.code, "ClientToken")
    token = exchange.parameters.get(name)
    if token and (len(token) > MAX_CLIENT_TOKEN or not token.isascii() or not token.isprintable()):
        exchange.complaint = product.invalid(name)
        return None
    return token or None


def _fingerprint(parameters: Mapping[str, str]) -> str:
    """Return a digest of what an operation was asked to do: equal for two tries of one call."""
    digest = sha256()
    for name in sorted(parameters.keys() - SYSTEM_PARAMETERS):
        digest.update(f"{len(name)}:{name}={len(parameters[name])}:{parameters[name]};".encode())
    return digest.hexdigest()
