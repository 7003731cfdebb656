"""Writes answers: JSON and XML from one tree, and the envelope of an error (wire.md 7 and 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

import msgspec

from tidegate.errors import CloudError
from tidegate.wire.faults import recommend

JSON_TYPE: Final = b"application/json;charset=utf-8"
#: The tea SDKs read an XML error only under exactly this content type (wire.md 7).
XML_TYPE: Final = b"text/xml;charset=utf-8"

_XML_HEAD: Final = "<?xml version='1.0' encoding='UTF-8'?>"
#: What XML 1.0 cannot carry at all; a console log may hold it.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

#: What an element's name cannot hold; names of a free-form map come from users.
_NOT_NAME = re.compile(r"[^A-Za-z0-9_.-]|^(?=[^A-Za-z_])")

_encode = msgspec.json.Encoder().encode


def json_answer(answer: Any, request_id: str) -> bytes:
    """Write a struct or a tree as JSON, with its request id spliced in front."""
    encoded = _encode(answer)
    head = f'{{"RequestId":"{request_id}"'.encode()
    # A view, because a page of instances is 200 KB and need not be copied twice.
    return head + b"}" if encoded == b"{}" else b"".join((head, b",", memoryview(encoded)[1:]))


def xml_answer(root: str, tree: Mapping[str, Any], request_id: str) -> bytes:
    """Write a tree as XML: an object is an element with children, a list repeats its element."""
    pieces = [_XML_HEAD]
    _element(root, {"RequestId": request_id, **tree}, pieces)
    return "".join(pieces).encode()


def error_tree(error: CloudError, host: str, product: str) -> dict[str, Any]:
    """Return the error envelope without its request id; names are capitalised, old SDKs read nothing else."""
    tree: dict[str, Any] = {
        "HostId": host,
        "Code": error.code,
        "Message": error.message,
        "Recommend": recommend(error.code, product),
    }
    if error.detail:
        tree["AccessDeniedDetail"] = dict(error.detail)
    return tree


def _element(name: str, value: Any, pieces: list[str]) -> None:
    if value is None:
        return
    if isinstance(value, list | tuple):
        for item in value:
            _element(name, item, pieces)
        return
    name = _NOT_NAME.sub("_", name) or "_"
    pieces.append(f"<{name}>")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _element(key, inner, pieces)
    elif isinstance(value, bool):
        pieces.append("true" if value else "false")
    else:
        pieces.append(escape(_NOT_XML.sub("\ufffd", str(value))))
    pieces.append(f"</{name}>")
