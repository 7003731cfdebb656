"""A control plane to be killed: it makes a host and removes it again, or runs a script on i-1 and waits for its end.

``python life.py KIND DIRECTORY SPEC``, ``python life.py run DIRECTORY SCRIPT``.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from tidegate.plane.helper.client import HelperClient
from tidegate.plane.hosts.base import Command, Hosts, HostSpec
from tidegate.plane.hosts.loopback import LoopbackHosts
from tidegate.plane.hosts.netns import NetnsHosts


async def live(kind: str, directory: Path, spec: HostSpec) -> None:
    hosts: Hosts = LoopbackHosts(directory) if kind == "loopback" else await NetnsHosts.open(HelperClient(directory))
    await hosts.create(spec)
    await hosts.destroy(spec.id)


async def run(directory: Path, script: str) -> None:
    hosts = await NetnsHosts.open(HelperClient(directory))
    await hosts.run("i-1", Command(argv=["sh", "-c", script]))


if __name__ == "__main__":
    kind, directory, what = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    asyncio.run(
        run(directory, what) if kind == "run" else live(kind, directory, msgspec.json.decode(what, type=HostSpec))
    )
