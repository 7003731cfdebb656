"""The port through which runbooks, the demo and guard call a cloud: in-process for the local one, HTTP for a real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec


class PathCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call in ROA style: a method and a path instead of parameters alone (oos.md 5.1)."""

    method: str
    path: str
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: str = ""


class Caller(Protocol):
    """Calls operations of a cloud as one identity."""

    async def call_path(self, product: str, action: str, request: PathCall, *, region: str) -> Any:
        """Call an operation in ROA style and return what its JSON holds. Raises CloudError for an API error."""
        ...

    async def call(self, product: str, action: str, parameters: Mapping[str, Any], *, region: str) -> dict[str, Any]:
        """Call ``action`` of ``product`` and return the answer as a JSON tree, ``RequestId`` included.

        ``product`` and ``action`` are matched ignoring case. ``parameters`` are given as an OOS template writes them
        (oos.md 5.1): numbers, booleans, lists and maps, names as in the API or as in old SDK setters; ``None`` values
        are not sent. Raises CloudError for an API error.
        """
        ...
