"""Follows the pages of list operations, in all three styles of the cloud (wire.md 11)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from tidegate.cloud.caller import Caller

#: Pages after which a list is given up as endless.
MAX_PAGES = 1_000


async def pages(
    caller: Caller, product: str, action: str, parameters: Mapping[str, Any], *, region: str
) -> AsyncIterator[dict[str, Any]]:
    """Yield the answers of a list operation, page after page, beginning where ``parameters`` say."""
    asked = dict(parameters)
    for _ in range(MAX_PAGES):
        answer = await caller.call(product, action, asked, region=region)
        yield answer
        following = next_page(answer)
        if following is None:
            return
        asked |= following


def next_page(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the parameters that ask for the page after ``answer``; None after the last."""
    if answer.get("NextToken"):
        return {"NextToken": answer["NextToken"]}
    if answer.get("Marker") and answer.get("IsTruncated"):
        return {"Marker": answer["Marker"]}
    try:
        number, size, total = (int(answer[name]) for name in ("PageNumber", "PageSize", "TotalCount"))
    except (KeyError, TypeError, ValueError):
        return None
    return {"PageNumber": number + 1, "PageSize": size} if 0 < number * size < total else None


def elements(answer: Mapping[str, Any]) -> list[Any]:
    """Return the one list of an answer, plain (``LifecycleHooks[]``) or wrapped (``Instances.Instance[]``).

    An answer without a list, or with several, has no elements.
    """
    lists = [found for value in answer.values() if (found := _list(value)) is not None]
    return lists[0] if len(lists) == 1 else []


def _list(value: Any) -> list[Any] | None:
    if isinstance(value, Mapping) and len(value) == 1:
        value = next(iter(value.values()))
    return value if isinstance(value, list) else None
