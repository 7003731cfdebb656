"""Functions on texts."""

from __future__ import annotations

import base64
import binascii
import json
import re
import shlex
from typing import Any, Final

from tidegate.services.oos.functions.base import Function, need_list, need_map, need_text
from tidegate.services.oos.values import ExpressionError, check_length, to_text


def join(separator: Any, items: Any) -> str:
    """Join elements as texts; a null element is an empty text (oos.md 3.7, ASSUMPTION)."""
    texts = [to_text(item) for item in need_list(items)]
    check_length(sum(map(len, texts)) + len(need_text(separator)) * len(texts))
    return str(separator).join(texts)


def split(separator: Any, text: Any) -> list[str]:
    """Split a text at every separator."""
    if not need_text(separator):
        raise ExpressionError("the separator is empty")
    return to_text(text).split(separator)


def replace(replacements: Any, text: Any) -> str:
    """Replace every occurrence, pair after pair."""
    replaced = to_text(text)
    for old, new in need_map(replacements).items():
        if not old:
            raise ExpressionError("cannot replace an empty text")
        check_length(len(replaced) + replaced.count(old) * (len(to_text(new)) - len(old)))  # replacements multiply
        replaced = replaced.replace(old, to_text(new))
    return replaced


_VARIABLE = re.compile(r"\$\{([^{}$]*)\}")


def substitute(text: Any, variables: Any) -> str:
    """Replace ``${Name}`` for the names given, others stay: they may be a shell's (oos.md 3.7, ASSUMPTION)."""
    values = {name: to_text(value) for name, value in need_map(variables).items()}

    def value(match: re.Match[str]) -> str:
        return values.get(match[1].strip(), match[0])

    check_length(len(need_text(text)) + sum(len(value(match)) for match in _VARIABLE.finditer(text)))
    return _VARIABLE.sub(value, text)


def contains(text: Any, part: Any) -> bool:
    """Whether ``part`` stands in ``text``."""
    return to_text(part) in to_text(text)


_POWERSHELL = {"`": "``", '"': '`"', "'": "''", "$": "`$"}


def escape(text: Any, kind: Any) -> str:
    """Escape a text for a script (oos.md 3.7, ASSUMPTION on the exact set)."""
    match need_text(kind).lower():
        case "powershell":
            return "".join(_POWERSHELL.get(letter, letter) for letter in to_text(text))
        case "shell":
            return shlex.quote(to_text(text))
        case "json":
            return json.dumps(to_text(text), ensure_ascii=False)[1:-1]
    raise ExpressionError(f"cannot escape for {kind[:40]}")


def encode_base64(text: Any) -> str:
    """Write the UTF-8 bytes of a text as base64."""
    return base64.b64encode(to_text(text).encode("utf-8", "surrogatepass")).decode()


def decode_base64(text: Any) -> str:
    """Read base64 of UTF-8; null and empty give an empty text, bytes that are not UTF-8 become U+FFFD."""
    try:
        return base64.b64decode(to_text(text)).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise ExpressionError("not base64") from None


FUNCTIONS: Final = (
    Function("Fn::Join", join, least=2, most=2),
    Function("Fn::Split", split, least=2, most=2),
    Function("Fn::Replace", replace, least=2, most=2),
    Function("Fn::Sub", substitute, least=2, most=2),
    Function("Fn::ContainsSubString", contains, least=2, most=2),
    Function("Fn::Escape", escape, least=2, most=2),
    Function("Fn::Base64Encode", encode_base64, shape="value"),
    Function("Fn::Base64Decode", decode_base64, shape="value"),
)
