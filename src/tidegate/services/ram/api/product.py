"""The product RAM: its names, its words, and the resources that its operations touch (ram.md 6, 11 and 12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from tidegate.errors import CloudError
from tidegate.services.operation import Call, Product, Resources
from tidegate.services.ram.faults import denied
from tidegate.services.ram.model import ram_resource
from tidegate.services.ram.service import Ram

VERSION = "2015-05-01"


def _missing(name: str) -> CloudError:
    return CloudError(f"Missing{name}", f"{name} is mandatory for this action.")


def _invalid(name: str) -> CloudError:
    return CloudError(f"InvalidParameter.{name}", f'The specified value of parameter "{name}" is not valid.')


ram = Product(name="Ram", code="ram", versions=(VERSION,), missing=_missing, invalid=_invalid, denial=denied)


class HasUser(Protocol):
    """A request that may name a user; without one it means the caller."""

    user_name: str | None


def on(*relatives: str) -> Resources:
    """Name the resources of an operation: ``user/{user_name}`` takes the name from the request.

    Attaching needs both the policy and the target, joining both the user and the group (ram.md 11).
    """

    def resources(_ram: Ram, call: Call, request: msgspec.Struct) -> Sequence[str]:
        fields = msgspec.structs.asdict(request)
        return [ram_resource(call.account_id, relative.format_map(fields)) for relative in relatives]

    return resources


def on_user_or_caller(_ram: Ram, call: Call, request: HasUser) -> Sequence[str]:
    """Name the user of the request, or the caller."""
    name = request.user_name or (call.principal.name if call.principal.kind == "RAMUser" else "*")
    return [ram_resource(call.account_id, f"user/{name}")]
