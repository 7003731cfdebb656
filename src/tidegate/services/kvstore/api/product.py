"""The product R-kvstore, and what its operations have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tidegate.services.kvstore.errors import invalid_parameter, missing_parameter
from tidegate.services.kvstore.service import Kvstore
from tidegate.services.operation import Call, Product, Request

kvstore = Product(
    name="R-kvstore", code="kvstore", versions=("2015-01-01",), missing=missing_parameter, invalid=invalid_parameter
)


class NamesInstance(Protocol):
    """A request about one instance."""

    instance_id: str


class InstanceRequest(Request):
    """The instance meant."""

    instance_id: str


def on_instance(_service: Kvstore, _call: Call, request: NamesInstance) -> Sequence[str]:
    """Name the instance of the request (ram.md 11)."""
    return [f"instance/{request.instance_id}"]


def on_instances(_service: Kvstore, _call: Call, _request: Request) -> Sequence[str]:
    """Name all instances: creating and listing (ram.md 11)."""
    return ["instance/*"]
