"""Whenever the control plane or the helper dies, whoever comes next finds the truth and can go on."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from support.hosts_world import ISOLATED, REAL, HostWorld, host_world
from support.planes import eventually
from tidegate.errors import PlaneError
from tidegate.plane.hosts.base import Command

_LIFE = Path(__file__).with_name("life.py")
#: the steps of a host's life in the control plane, in their order
_POINTS = {
    "loopback": [
        *("hosts.create.before", "hosts.create.recorded", "hosts.boot.acted", "hosts.boot.recorded"),
        *("hosts.create.acted", "hosts.destroy.before", "hosts.destroy.acted"),
    ],
    "netns": ["hosts.create.before", "hosts.create.acted", "hosts.destroy.before", "hosts.destroy.acted"],
}
_COUNT_BOOTS = b'#!/bin/sh\necho x >>"$HOME/boots"\n'


def live(world: HostWorld, **environment: str) -> int:
    """Let a control plane of its own make and remove a host; return how it ended."""
    spec = msgspec.json.encode(world.spec(1, user_data=_COUNT_BOOTS)).decode()
    return subprocess.run(
        [sys.executable, str(_LIFE), world.kind.partition("-")[0], str(world.directory), spec],
        env=_environment() | environment,
        timeout=60,
        check=False,
    ).returncode


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}


def test_every_point_is_known(tmp_path: Path) -> None:
    async def pass_all(kind: str) -> list[str]:
        async with host_world(kind) as world:
            log = tmp_path / kind
            assert await asyncio.to_thread(live, world, TIDEGATE_POINTS_LOG=str(log)) == 0
            return log.read_text().split()

    for kind, points in _POINTS.items():
        assert asyncio.run(pass_all(kind)) == points


@pytest.mark.parametrize(
    ("kind", "point"), [(kind, point) for kind in REAL for point in _POINTS[kind.partition("-")[0]]]
)
async def test_a_control_plane_that_is_killed_anywhere_is_followed_by_one_that_goes_on(kind: str, point: str) -> None:
    async with host_world(kind) as world:
        ended = await asyncio.to_thread(live, world, TIDEGATE_CRASH_AT=point)
        assert ended == -signal.SIGKILL

        found = await world.hosts.list()
        assert [host.id for host in found] in ([], ["i-1"])
        host = await world.hosts.create(world.spec(1, user_data=_COUNT_BOOTS))
        assert host.state == "Running"
        await world.console_says("i-1", "status 0")
        assert await world.says("i-1", "sh", "-c", 'cat "$HOME/boots"') == "x"
        await world.idles()

        await world.hosts.destroy("i-1")
        assert await world.hosts.list() == []
        await world.nothing_runs()


@pytest.mark.parametrize("kind", ISOLATED)
async def test_a_command_goes_on_when_its_control_plane_is_killed(kind: str) -> None:
    async with host_world(kind) as world:
        await world.hosts.create(world.spec(1))
        script = "touch /root/begun; until [ -e /root/go ]; do sleep 0.01; done; touch /root/done"
        asker = await asyncio.create_subprocess_exec(
            *(sys.executable, str(_LIFE), "run", str(world.directory), script), env=_environment()
        )
        await world.sh("i-1", "until [ -e /root/begun ]; do sleep 0.01; done")
        asker.kill()
        await asker.wait()

        done = await world.sh("i-1", "touch /root/go; until [ -e /root/done ]; do sleep 0.01; done; echo done")

        assert done.output == b"done\n"


@pytest.mark.parametrize("kind", ISOLATED)
@pytest.mark.parametrize("seed", range(3))
async def test_a_helper_killed_in_the_middle_of_everything_leaves_disks_and_nothing_else(kind: str, seed: int) -> None:
    chance = random.Random(seed)
    async with host_world(kind) as world:
        assert world.helper is not None
        lost = asyncio.Event()
        world.hosts.on_lost(lost.set)
        pid = world.helper.pid
        assert pid is not None
        work = [asyncio.create_task(world.hosts.create(world.spec(n))) for n in range(1, 13)]
        await asyncio.wait(work, timeout=chance.uniform(0.0, 0.08), return_when=asyncio.ALL_COMPLETED)
        children = world.processes()

        os.kill(pid, signal.SIGKILL)
        await asyncio.wait_for(lost.wait(), 20)
        outcomes = await asyncio.gather(*work, return_exceptions=True)

        assert all(not isinstance(one, BaseException) or isinstance(one, PlaneError) for one in outcomes)
        await eventually(lambda: not any(process.is_running() for process in children), "all processes are gone")
        assert {host.state for host in await world.hosts.list()} <= {"Stopped"}
        for number in range(1, 13):
            host = await world.hosts.create(world.spec(number))
            if host.state == "Stopped":
                await world.hosts.start(host.id)
        ended = await asyncio.gather(*(world.hosts.run(f"i-{n}", Command(argv=["hostname"])) for n in range(1, 13)))
        assert [one.output for one in ended] == [f"host{n}\n".encode() for n in range(1, 13)]
        await world.hosts.close(destroy=True)
        assert list((world.directory / "hosts").iterdir()) == []
