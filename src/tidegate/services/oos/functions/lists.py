"""Functions that take lists apart and put them together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from tidegate.services.oos.functions.base import Function, need_integer, need_list
from tidegate.services.oos.values import ExpressionError, to_json, to_text


def select(key: Any, container: Any) -> Any:
    """Return one element of a list or one entry of a map; null when there is none (oos.md 3.7, ASSUMPTION)."""
    match container:
        case dict():
            return container.get(to_text(key))
        case list():
            index = need_integer(key)
            return container[index] if -len(container) <= index < len(container) else None
        case None:
            return None
    raise ExpressionError(f"neither a list nor a map: {to_json(container)[:80]}")


def select_range(start: Any, end: Any, items: Any) -> list[Any]:
    """Return the slice from ``start`` up to, not including, ``end``."""
    return need_list(items)[need_integer(start) : need_integer(end)]


def first(items: Any) -> Any:
    """Return the first element, null when there is none."""
    return next(iter(need_list(items)), None)


def last(items: Any) -> Any:
    """Return the last element, null when there is none."""
    return next(reversed(need_list(items)), None)


def join_lists(*items: Any) -> list[Any]:
    """Return the arguments as a list, nothing flattened."""
    return list(items)


def merge(lists: Any) -> list[Any]:
    """Flatten one level; what is not a list is one element, nulls are dropped (oos.md 3.7, ASSUMPTION)."""
    merged: list[Any] = []
    for element in need_list(lists):
        if isinstance(element, list):
            merged.extend(element)
        elif element is not None:
            merged.append(element)
    return merged


def _distinct(items: Iterable[Any]) -> dict[str, Any]:
    """Key each element by its JSON, so that lists and maps can be members of sets; first come, first kept."""
    kept: dict[str, Any] = {}
    for item in items:
        kept.setdefault(to_json(item), item)
    return kept


def intersect(*lists: Any) -> list[Any]:
    """Return what stands in every list, in the order of the first."""
    kept, *others = [_distinct(need_list(items)) for items in lists]
    return [item for key, item in kept.items() if all(key in other for other in others)]


def unite(*lists: Any) -> list[Any]:
    """Return what stands in any list, once, in the order of first appearance."""
    return list(_distinct(item for items in lists for item in need_list(items)).values())


def difference(*lists: Any) -> list[Any]:
    """Return the union without the intersection."""
    common = _distinct(intersect(*lists))
    return [item for item in unite(*lists) if to_json(item) not in common]


def batch(number: Any, items: Any) -> list[int]:
    """Split into at most ``number`` batches whose sizes differ by one at most (oos.md 3.7, ASSUMPTION)."""
    total, parts = len(need_list(items)), need_integer(number)
    if parts < 1:
        raise ExpressionError("needs at least one batch")
    size, larger = divmod(total, min(parts, total) or 1)
    return [size + (index < larger) for index in range(min(parts, total))]


FUNCTIONS: Final = (
    Function("Fn::Select", select, least=2, most=2),
    Function("Fn::RangeSelect", select_range, least=3, most=3),
    Function("Fn::First", first, shape="value"),
    Function("Fn::Last", last, shape="value"),
    Function("Fn::ListJoin", join_lists, least=0),
    Function("Fn::MergeList", merge, shape="value"),
    Function("Fn::Intersection", intersect, least=1),
    Function("Fn::Union", unite, least=1),
    Function("Fn::Difference", difference, least=1),
    Function("Fn::CalculateBatch", batch, least=2, most=2),
)
