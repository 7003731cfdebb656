"""Reads query strings and form bodies into flat parameters, within bounds."""

from __future__ import annotations

from urllib.parse import unquote

from tidegate.wire import faults

#: Bytes of a query string or of a body.
MAX_BYTES = 1 << 20
MAX_PARAMETERS = 1_000
#: Characters of one name and of one value; the largest real value is a 64 KB template (oos.md 9).
MAX_NAME = 256
MAX_VALUE = 256 * 1024

FORM = "application/x-www-form-urlencoded"


def parse(raw: bytes) -> dict[str, str]:
    """Read ``a=1&b=`` into names and values: blanks kept, ``+`` a space, the last of several equal names counts.

    Raises CloudError when the text is not UTF-8 or exceeds a bound: replaced characters would let two different
    requests have one signature.
    """
    if not raw:
        return {}
    if len(raw) > MAX_BYTES:
        raise faults.too_large()
    if raw.count(b"&") >= MAX_PARAMETERS:
        raise faults.too_many_parameters()
    parameters: dict[str, str] = {}
    try:
        for pair in raw.decode("utf-8").split("&"):
            name, _, value = pair.partition("=")
            if not name:
                continue
            name, value = _decode(name), _decode(value)
            if len(name) > MAX_NAME or len(value) > MAX_VALUE:
                raise faults.too_large()
            parameters[name] = value
    except UnicodeDecodeError as error:
        raise faults.parameters_malformed() from error
    return parameters


def _decode(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    return unquote(text, errors="strict") if "%" in text else text
