"""Functions that make and merge maps."""

from __future__ import annotations

from typing import Any, Final

from tidegate.services.oos.functions.base import Function, need_list, need_map
from tidegate.services.oos.values import ExpressionError, to_text


def merge(*maps: Any) -> dict[str, Any]:
    """Return one map; later keys win, nulls count for nothing."""
    merged: dict[str, Any] = {}
    for entries in maps:
        if entries is not None:
            merged.update(need_map(entries))
    return merged


def transpose(*maps: Any) -> list[dict[str, Any]]:
    """Turn maps of lists into a list of maps, as long as the longest list (oos.md 3.7, ASSUMPTION)."""
    columns = {key: need_list(values) for key, values in merge(*maps).items()}
    length = max(map(len, columns.values()), default=0)
    return [{key: values[row] for key, values in columns.items() if row < len(values)} for row in range(length)]


def zip_map(keys: Any, values: Any) -> dict[str, Any]:
    """Make a map of a list of keys and a list of values."""
    if len(need_list(keys)) != len(need_list(values)):
        raise ExpressionError("needs as many values as keys")
    return {to_text(key): value for key, value in zip(keys, values, strict=True)}


def to_pairs(entries: Any) -> list[dict[str, Any]]:
    """Write a map as a list of ``{Key, Value}``, in the order of the map."""
    return [{"Key": key, "Value": value} for key, value in need_map(entries).items()]


FUNCTIONS: Final = (
    Function("Fn::MergeMap", merge, least=1),
    Function("Fn::MergeMapToList", transpose, least=1),
    Function("Fn::MapJoin", zip_map, least=2, most=2),
    Function("Fn::ConvertMapToList", to_pairs, least=1, most=1),
)
