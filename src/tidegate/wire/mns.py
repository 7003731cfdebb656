"""The REST protocol of MNS (version 2015-06-06): XML bodies, and a signature of its own. Pure."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping
from hashlib import md5
from typing import Any, Final
from xml.parsers import expat
from xml.sax.saxutils import escape

from tidegate.wire.parameters import MAX_DEPTH

NAMESPACE: Final = "http://mns.aliyuncs.com/doc/v1/"
VERSION: Final = "2015-06-06"
#: the scheme word of the Authorization header
SCHEME: Final = "MNS"

_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'
#: Elements that may come several times, or once.
_LISTS: Final = frozenset({"Message", "ReceiptHandle", "PropertyValue", "SystemPropertyValue"})
_MAX_ELEMENTS: Final = 1_000
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class MalformedError(ValueError):
    """Not XML, or XML that no request needs: with a document type, too deep, too many elements."""


class _Reader:
    """Builds a tree of dicts, lists and texts while the parser goes through a body."""

    def __init__(self) -> None:
        self.root = ""
        self.tree: dict[str, Any] = {}
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []
        self._count = 0

    def start(self, name: str, _attributes: Mapping[str, str]) -> None:
        self._count += 1
        if self._count > _MAX_ELEMENTS or len(self._open) >= MAX_DEPTH:
            raise MalformedError
        self._open.append((name.rpartition(":")[2], {}, []))

    def text(self, data: str) -> None:
        if self._open:
            self._open[-1][2].append(data)

    def end(self, _name: str) -> None:
        name, children, texts = self._open.pop()
        if not self._open:
            self.root, self.tree = name, children
            return
        value = children or "".join(texts)
        parent = self._open[-1][1]
        if name in _LISTS:
            parent.setdefault(name, []).append(value)
        else:
            parent[name] = value

    def refuse(self, *_declaration: object) -> None:
        raise MalformedError


def read_xml(body: bytes) -> tuple[str, dict[str, Any]]:
    """Return the name of the root element and what is in it; raises MalformedError."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise MalformedError from error
    return reader.root, reader.tree


def write_xml(root: str, tree: Mapping[str, Any]) -> bytes:
    """Write a tree as XML: a map is an element with children, a list repeats its element, None is left out."""
    pieces = [_HEAD, f'<{root} xmlns="{NAMESPACE}">']
    for name, value in tree.items():
        _element(name, value, pieces)
    pieces.append(f"</{root}>")
    return "".join(pieces).encode()


def _element(name: str, value: Any, pieces: list[str]) -> None:
    if value is None:
        return
    if isinstance(value, list | tuple):
        for item in value:
            _element(name, item, pieces)
        return
    pieces.append(f"<{name}>")
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _element(key, inner, pieces)
    else:
        # booleans as the cloud writes them: True and False
        pieces.append(escape(_NOT_XML.sub("\ufffd", str(value))))
    pieces.append(f"</{name}>")


def string_to_sign(method: str, resource: str, headers: Mapping[str, str]) -> str:
    """Return what a request signs; ``resource`` is the target as it was sent, ``headers`` are by lower-case name.

    ``x-mns-date`` takes the place of ``date`` where a client cannot set that.
    """
    date = headers.get("x-mns-date") or headers.get("date", "")
    own = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()) if name.startswith("x-mns-"))
    return "\n".join([method, headers.get("content-md5", ""), headers.get("content-type", ""), date, own + resource])


def signature(secret: str, to_sign: str) -> str:
    """Return the signature of a string to sign, in base64."""
    return base64.b64encode(hmac.digest(secret.encode(), to_sign.encode(), "sha1")).decode()


def content_md5(body: bytes) -> str:
    """Return the Content-MD5 as MNS and its SDKs write it: base64 of the hexadecimal digest."""
    return base64.b64encode(_digest(body).hex().encode()).decode()


def is_md5_of(given: str, body: bytes) -> bool:
    """Whether a Content-MD5 fits: in the form of the SDKs, of RFC 1864, or in hexadecimal."""
    digest = _digest(body)
    return given in {content_md5(body), base64.b64encode(digest).decode()} or given.lower() == digest.hex()


def body_md5(text: str) -> str:
    """Return the MessageBodyMD5 of a message: upper-case hexadecimal."""
    return _digest(text.encode()).hex().upper()


def _digest(body: bytes) -> bytes:
    return md5(body, usedforsecurity=False).digest()
