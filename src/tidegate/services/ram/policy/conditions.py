"""Conditions of a statement: what a request must carry (ram.md 5)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from tidegate.services.ram.policy.patterns import match_glob

#: Tells whether the value that a request carries meets one value of the policy.
Test = Callable[[str], bool]
#: Turns one value of a policy into its test; raises ValueError when the value is not of the operator's kind.
Prepare = Callable[[str], Test]

_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key: any of the values may match; for a negative operator none may."""

    key: str
    tests: tuple[Test, ...]
    negative: bool

    def holds(self, context: Mapping[str, str]) -> bool:
        """Tell whether a request that carries ``context`` meets it.

        A key that the request does not carry fails a positive operator and meets a negative one; so does a value
        that the operator cannot read (ASSUMPTION, ram.md 5). Keys are compared exactly (ASSUMPTION).
        """
        value = context.get(self.key)
        if value is None:
            return self.negative
        return any(test(value) for test in self.tests) != self.negative


def prepare_condition(name: str, key: str, values: list[str]) -> Condition:
    """Compile ``{name: {key: values}}``. Raises KeyError for an unknown operator, ValueError for a bad value."""
    positive = NEGATIVE.get(name)
    prepare = POSITIVE[positive or name]
    return Condition(key, tuple(prepare(value) for value in values), positive is not None)


def _same_text(wanted: str) -> Test:
    return wanted.__eq__


def _same_text_ignoring_case(wanted: str) -> Test:
    folded = wanted.lower()
    return lambda value: value.lower() == folded


def _truth(wanted: str) -> Test:
    folded = wanted.lower()
    if folded not in {"true", "false"}:
        raise ValueError(f'"{wanted}" is neither "true" nor "false"')
    return lambda value: value.lower() == folded


def _read_number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f'"{text}" is not a number')
    return Decimal(text)


def _read_moment(text: str) -> datetime:
    """Read an ISO 8601 time; without an offset it is UTC (ASSUMPTION)."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f'"{text}" is not a time in ISO 8601') from error


def _ordered(read: Callable[[str], Decimal | datetime], compare: Callable[[Any, Any], bool]) -> Prepare:
    """Make the ``prepare`` of an operator that reads both sides and compares request with policy."""

    def prepare(wanted: str) -> Test:
        limit = read(wanted)

        def test(value: str) -> bool:
            try:
                return compare(read(value), limit)
            except ValueError:
                return False

        return test

    return prepare


def _within(wanted: str) -> Test:
    try:
        network: IPv4Network | IPv6Network = ip_network(wanted, strict=False)
    except ValueError as error:
        raise ValueError(f'"{wanted}" is neither an address nor a CIDR block') from error

    def test(value: str) -> bool:
        try:
            return ip_address(value) in network
        except ValueError:
            return False

    return test


_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}

#: The operators that ask for a match.
POSITIVE: Mapping[str, Prepare] = {
    "StringEquals": _same_text,
    "StringEqualsIgnoreCase": _same_text_ignoring_case,
    "StringLike": match_glob,
    "Bool": _truth,
    "IpAddress": _within,
    **{f"Numeric{name}": _ordered(_read_number, compare) for name, compare in _ORDER.items()},
    **{f"Date{name}": _ordered(_read_moment, compare) for name, compare in _ORDER.items()},
}

#: The operators that forbid a match, and which one.
NEGATIVE: Mapping[str, str] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}
