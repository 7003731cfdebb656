"""Which operation serves (Action, Version). Several products share one address, so the pair decides (wire.md 1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tidegate.errors import ConfigurationError
from tidegate.services.operation import Operation, Product, Request
from tidegate.wire import faults
from tidegate.wire.parameters import Decoder, decoder

#: The API version that runbooks are written for, where it is not the product's latest (ess.md 14).
TEMPLATE_VERSIONS: Mapping[str, str] = {"ess": "2014-08-28"}

_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation with the service behind it and the decoder of its requests."""

    operation: Operation
    service: Any
    decode: Decoder[Request]


class Routes:
    """All operations of all products, by (action, version). Actions are matched ignoring case."""

    def __init__(self, products: Mapping[Product, Any]) -> None:
        self._routes: dict[tuple[str, str], Route] = {}
        #: what is found by name only
        self._rest: dict[tuple[str, str], Route] = {}
        # A name counts more than the code of another product.
        self._products = {one.code.lower(): one for one in products} | {one.name.lower(): one for one in products}
        for product, service in products.items():
            for operation in product.operations.values():
                route = Route(operation, service, decoder(operation.request))
                if product.rest:
                    self._rest[operation.name.lower(), operation.versions[-1]] = route
                    continue
                for version in operation.versions:
                    if self._routes.setdefault((operation.name.lower(), version), route) is not route:
                        raise ConfigurationError(f"two products have {operation.name} of {version}")
        self._actions = {action for action, _ in self._routes}
        self._versions = {version for product in products if not product.rest for version in product.versions}

    def find(self, action: str, version: str) -> Route:
        """Return the route of a call; raises CloudError as the gateway words it (wire.md 8)."""
        route = self._routes.get((action.lower(), version))
        if route is not None:
            return route
        if not _VERSION.fullmatch(version):
            raise faults.invalid_version()
        if version not in self._versions and action.lower() in self._actions:
            raise faults.no_such_version()
        raise faults.api_not_found()

    def knows(self, product: str) -> bool:
        """Whether this cloud has a product."""
        return product.lower() in self._products

    def named(self, product: str, action: str) -> tuple[Route, str]:
        """Return the route of an operation and its version as a runbook names them: any case, no version."""
        found = self._products.get(product.lower())
        if found is not None:
            preferred = TEMPLATE_VERSIONS.get(found.code)
            for version in sorted(found.versions, key=lambda each: (each == preferred, each), reverse=True):
                routes = self._rest if found.rest else self._routes
                route = routes.get((action.lower(), version))
                if route is not None and route.operation.product is found:
                    return route, version
        raise faults.api_not_found()
