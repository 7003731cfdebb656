"""Calls in ROA style, which this cloud has no products for: sent on to the endpoints of the settings (oos.md 5.1)."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tidegate.cloud.caller import PathCall
from tidegate.errors import CloudError, ConfigurationError, UnreachableError
from tidegate.gateway.ports import Authority
from tidegate.services.operation import Principal, forbidden_ram

if TYPE_CHECKING:
    from tidegate.cloud.client import Client
    from tidegate.cloud.credentials import Keys

#: gives the key of this cloud's account
OwnKeys = Callable[[], Awaitable["Keys"]]


class Elsewhere:
    """Sends calls on for principals whom RAM allows them, signed with the keys of the environment, else the account's."""

    def __init__(self, endpoints: Sequence[str], ram: Authority, own_keys: OwnKeys) -> None:
        self._endpoints = read_endpoints(endpoints)
        self._ram = ram
        self._own_keys = own_keys
        self._clients: dict[str, Client] = {}

    def serves(self, product: str) -> bool:
        """Whether the settings say where a product is."""
        return product.lower() in self._endpoints

    async def call(self, principal: Principal, product: str, action: str, request: PathCall, *, region: str) -> Any:
        """Send a call on and return its answer; raises CloudError."""
        service = product.lower()
        if (endpoint := self._endpoints.get(service)) is None:
            raise CloudError(
                "InvalidAction.NotFound",
                f"{product} {action} is a call in ROA style; start the cloud with --roa-endpoint {service}=URL to send it on.",
                404,
            )
        decision = await self._ram.decide_all(principal, f"{service}:{action}", ["*"], {})
        if not decision.allowed:
            raise forbidden_ram(action, "*")
        try:
            client = self._clients.get(service) or await self._connect(service, endpoint)
            return await client.call_path(product, action, request, region=region)
        except (UnreachableError, ConfigurationError) as error:
            raise CloudError("ServiceUnavailable", str(error), 503) from error

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()

    async def _connect(self, service: str, endpoint: str) -> Client:
        # The HTTP library costs a quarter of a second to import, which a cloud that sends nothing on does without.
        from tidegate.cloud.client import Client  # noqa: PLC0415
        from tidegate.cloud.credentials import Profile, from_environment  # noqa: PLC0415

        try:
            keys = from_environment(os.environ).keys
        except ConfigurationError:
            keys = await self._own_keys()
        self._clients[service] = Client(Profile(keys=keys, endpoint=endpoint))
        return self._clients[service]


def read_endpoints(given: Sequence[str]) -> Mapping[str, str]:
    """Read ``cs=http://127.0.0.1:8080``; raises ConfigurationError."""
    endpoints = {}
    for one in given:
        service, _, address = one.partition("=")
        if not service or not address.startswith(("http://", "https://")):
            raise ConfigurationError(f"not an endpoint: {one!r}; write it as cs=http://127.0.0.1:8080")
        endpoints[service.lower()] = address
    return endpoints
