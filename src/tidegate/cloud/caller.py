"""The port through which runbooks, the demo and guard call a cloud: in-process for the local one, HTTP for a real one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Caller(Protocol):
    """Calls operations of a cloud as one identity."""

    async def call(self, product: str, action: str, parameters: Mapping[str, Any], *, region: str) -> dict[str, Any]:
        """Call ``action`` of ``product`` and return the answer as a JSON tree, ``RequestId`` included.

        ``product`` and ``action`` are matched ignoring case. ``parameters`` are given as an OOS template writes them
        (oos.md 5.1): numbers, booleans, lists and maps, names as in the API or as in old SDK setters; ``None`` values
        are not sent. Raises CloudError for an API error.
        """
        ...
