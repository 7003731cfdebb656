"""The product itself, and whom its operations touch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from tidegate.services.ess import dialect, refusals
from tidegate.services.ess.service import Ess
from tidegate.services.operation import Answer, Call, Product

ess = Product(
    name="Ess",
    code="ess",
    versions=(dialect.OLD, dialect.NEW),
    denial=refusals.role_lacks_right,
    enter=dialect.enter,
    leave=dialect.leave,
)


def on(**fields: str) -> Callable[[Ess, Call, Any], Awaitable[Sequence[str]]]:
    """Name the group that a call touches, by the request fields that lead to it: ``on(hook_id="lifecycle_hook_id")``.

    A group that the caller does not have, or none at all, is checked against ``*`` (ess.md 12.1).
    """

    async def resources(service: Ess, call: Call, request: Any) -> Sequence[str]:
        named = {kind: getattr(request, field) for kind, field in fields.items()}
        resource = await service.group_of(call.account_id, **named)
        return ["*"] if resource is None else [resource]

    return resources


on_group = on(group_id="scaling_group_id")


class Page(Answer, kw_only=True):
    """What every page of a list carries."""

    page_number: int
    page_size: int
    total_count: int


class Started(Answer):
    """An activity was started; UNSET when only the desired capacity moved (ess.md 12.5, ASSUMPTION)."""

    scaling_activity_id: str | msgspec.UnsetType = msgspec.UNSET


def unless_none(value: str | None) -> str | msgspec.UnsetType:
    """Leave a field out that has no value."""
    return msgspec.UNSET if value is None else value
