"""The gate that needs nothing but Python: a small asyncio proxy in a process of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tidegate.plane.gate.base import GateSpec, Visitor, visitor_of
from tidegate.plane.gate.proxy import LIST, SOCKET, UPSTREAM, ProxyGate
from tidegate.plane.gate.ranges import Ranges
from tidegate.plane.rooms.base import dial

_PROGRAM = "tidegate.plane.gate.porter"
_WAIT = 5.0


class AioGate(ProxyGate):
    """One porter (``porter.py``) per server."""

    name = "aio"

    def prepare(self, _folder: Path, spec: GateSpec, /) -> Sequence[str]:
        """Return the porter's command line."""
        files = (LIST, SOCKET, UPSTREAM)
        return (sys.executable, "-P", "-m", _PROGRAM, spec.address, str(spec.port), *files)

    async def swap(self, folder: Path, _old: Ranges | None, new: Ranges, /) -> None:
        """Tell the porter its new list, which it puts in force in one step."""
        await _ask(folder, {"allow": new})

    async def read(self, folder: Path) -> Ranges:
        """Ask the porter for its list."""
        return tuple((first, last) for first, last in await _ask(folder, {"show": True}))

    async def visitors(self, folder: Path) -> Sequence[Visitor]:
        """Ask the porter whom it has seen."""
        return [visitor_of(*told) for told in await _ask(folder, {"attempts": True})]

    async def end_unlisted(self, folder: Path) -> int:
        """Have the porter drop connections."""
        return int(await _ask(folder, {"cut": True}))


async def _ask(folder: Path, question: dict[str, Any]) -> Any:
    async with dial(folder / SOCKET, _WAIT) as (reader, writer):
        writer.write(json.dumps(question).encode() + b"\n")
        answer = await reader.readline()
    if not answer:
        raise ConnectionError("the porter hung up")
    return json.loads(answer)
