"""The functions of the template language (oos.md 3.7), one module per family."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tidegate.services.oos.functions import lists, logic, maps, network, numbers, text, times
from tidegate.services.oos.functions.base import Function

#: by lower-case name: names match in any case (oos.md 3.1, ASSUMPTION)
FUNCTIONS: Final[Mapping[str, Function]] = MappingProxyType(
    {
        function.name.lower(): function
        for family in (logic, lists, maps, text, numbers, times, network)
        for function in family.FUNCTIONS
    }
)

#: known to the cloud, but what they do cannot be learned from public material (oos.md 3.7)
UNDOCUMENTED: Final = frozenset({"fn::findmatchedpackage", "fn::calculatetimebyopswindow"})

#: what ``AggregateType`` of ``Loop.Outputs`` may name (oos.md 6.4)
AGGREGATES: Final = frozenset({"fn::listjoin", "fn::sum", "fn::min", "fn::max", "fn::first", "fn::last"})
