"""Functions on numbers, and the arithmetic of ``Fn::Eval`` with a parser of its own."""

from __future__ import annotations

import re
from typing import Any, Final

from tidegate.services.oos.functions.base import Function, need_list, need_number
from tidegate.services.oos.values import ExpressionError, to_text

Number = int | float


def least(items: Any) -> Any:
    """Return the smallest element."""
    return _ordered(items)[0]


def greatest(items: Any) -> Any:
    """Return the largest element."""
    return _ordered(items)[-1]


def _ordered(items: Any) -> list[Any]:
    if not need_list(items):
        raise ExpressionError("the list is empty")
    try:
        return sorted(items)
    except TypeError:
        raise ExpressionError("the elements cannot be ordered") from None


def add_up(items: Any) -> Number:
    """Return the sum of numbers; null elements count for nothing."""
    return _bounded(sum(need_number(item) for item in need_list(items) if item is not None))


_TOKEN = re.compile(r"\s*(?:(?P<number>\d+\.?\d*|\.\d+)|(?P<sign>[-+*/%()]))")
_LONGEST = 1000  # characters of an expression; also bounds its nesting


def calculate(text: Any) -> Number:
    """Return the value of one arithmetic expression: numbers, ``+ - * / %`` and brackets."""
    expression = to_text(text)
    if len(expression) > _LONGEST:
        raise ExpressionError("the expression is too long")
    return _Arithmetic(expression).value()


class _Arithmetic:
    """Reads an expression by recursive descent: sum → product → signed → number or bracket."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._wrong()
            self._tokens.append(match["number"] or match["sign"])
            at = match.end()
        self._at = 0

    def value(self) -> Number:
        result = self._sum(0)
        if self._at != len(self._tokens):
            raise self._wrong()
        return result

    def _wrong(self) -> ExpressionError:
        return ExpressionError(f"not arithmetic: {self._text[:80]}")

    def _take(self, *wanted: str) -> str | None:
        if self._at < len(self._tokens) and self._tokens[self._at] in wanted:
            self._at += 1
            return self._tokens[self._at - 1]
        return None

    def _sum(self, depth: int) -> Number:
        total = self._product(depth)
        while sign := self._take("+", "-"):
            part = self._product(depth)
            total = _bounded(total + part if sign == "+" else total - part)
        return total

    def _product(self, depth: int) -> Number:
        total = self._signed(depth)
        while sign := self._take("*", "/", "%"):
            total = _bounded(_combine(total, sign, self._signed(depth)))
        return total

    def _signed(self, depth: int) -> Number:
        if depth > 100:
            raise self._wrong()
        if sign := self._take("-", "+"):
            value = self._signed(depth + 1)
            return -value if sign == "-" else value
        if self._take("("):
            value = self._sum(depth + 1)
            if not self._take(")"):
                raise self._wrong()
            return value
        if self._at >= len(self._tokens) or (token := self._tokens[self._at])[0] not in ".0123456789":
            raise self._wrong()
        self._at += 1
        return _bounded(float(token) if "." in token else int(token))


def _combine(left: Number, sign: str, right: Number) -> Number:
    if sign == "*":
        return left * right
    if right == 0:
        raise ExpressionError("division by zero")
    if sign == "%":
        return left % right
    quotient = left / right
    return int(quotient) if quotient.is_integer() else quotient


def _bounded(value: Number) -> Number:
    if not -(2**63) <= value < 2**63:  # false for infinities and what is not a number, too
        raise ExpressionError("the number is too large")
    return value


FUNCTIONS: Final = (
    Function("Fn::Min", least, shape="value"),
    Function("Fn::Max", greatest, shape="value"),
    Function("Fn::Sum", add_up, shape="value"),
    Function("Fn::Eval", calculate, least=1, most=1),
)
