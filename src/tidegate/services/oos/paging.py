"""Token paging of the list operations: a token says where the next page begins (oos.md 8)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from tidegate.services.oos import limits
from tidegate.services.operation import invalid_parameter

T = TypeVar("T")


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is wanted."""

    offset: int
    size: int

    @classmethod
    def read(cls, max_results: int | None, next_token: str | None) -> Page:
        """Read the parameters of a list operation; raises InvalidParameter."""
        size = limits.LIST_DEFAULT if max_results is None else max_results
        if not 1 <= size <= limits.LIST_MAX:
            raise invalid_parameter("MaxResults")
        return cls(_read_token(next_token) if next_token else 0, size)

    def cut(self, items: Sequence[T]) -> Part[T]:
        """Return this page of a whole list."""
        return self.part(items[self.offset : self.offset + self.size + 1])

    def part(self, items: Sequence[T]) -> Part[T]:
        """Return this page, given its items and one more when there is another page."""
        more = len(items) > self.size
        return Part(items[: self.size], _write_token(self.offset + self.size) if more else None, self.size)


class Part(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list."""

    items: Sequence[T]
    next_token: str | None
    size: int


def _write_token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"from:{offset}".encode()).decode()


def _read_token(token: str) -> int:
    try:
        head, _, offset = base64.urlsafe_b64decode(token).decode().partition(":")
    except (binascii.Error, ValueError):
        raise invalid_parameter("NextToken") from None
    if head != "from" or not offset.isdecimal() or len(offset) > 9:
        raise invalid_parameter("NextToken")
    return int(offset)
