"""Names of instances and hosts: what is allowed, and how a batch is numbered (ecs.md 3)."""

from __future__ import annotations

import re

_NAME = re.compile(r"(?!https?://)[^\W\d_].{1,127}", re.DOTALL)
_HOST_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST = re.compile(rf"{_HOST_LABEL}(?:\.{_HOST_LABEL})*")
_NUMBERING = re.compile(r"\[(\d{0,6}),(\d?)\]")
_SUFFIX_DIGITS = 3
_BEGIN_MAX = 999_999


def is_name(text: str) -> bool:
    """Tell whether ``text`` may name an instance, group or image: 2–128 characters, a letter first, no web address."""
    return _NAME.fullmatch(text) is not None


def is_host_name(text: str) -> bool:
    """Tell whether ``text`` may be the host name of a Linux instance: 2–64 characters of dotted labels."""
    return 2 <= len(text) <= 64 and "--" not in text and _HOST.fullmatch(text) is not None


def numbered(pattern: str, amount: int, *, unique_suffix: bool = False) -> list[str]:
    """Return ``amount`` names from ``pattern``.

    ``web-[8,4]-x`` counts from 8 with four digits: ``web-0008-x``, ``web-0009-x``. ``[begin,]`` and ``[,bits]`` default
    to 0 and 6. Without a numbering part all names are equal, unless ``unique_suffix`` asks for ``001``, ``002`` … at
    the end of more than one.
    """
    part = _NUMBERING.search(pattern)
    if part is None:
        if not unique_suffix or amount == 1:
            return [pattern] * amount
        return [f"{pattern}{number:0{_SUFFIX_DIGITS}}" for number in range(1, amount + 1)]
    begin = int(part[1] or 0)
    bits = int(part[2] or 6) if part[2] != "0" else 6
    before, behind = pattern[: part.start()], pattern[part.end() :]
    return [f"{before}{min(begin + turn, _BEGIN_MAX):0{bits}}{behind}" for turn in range(amount)]


def pattern_of(name: str) -> str:
    """Return ``name`` with its numbering part replaced by one digit, for checking it against the rules of names."""
    return _NUMBERING.sub("0", name)
