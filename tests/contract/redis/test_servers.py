"""What every kind of Redis server promises; those that really run also keep their data and come back from the dead."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from support.planes import eventually
from support.redis_world import EVERY, REAL, Client, World, world
from tidegate.errors import PlaneError
from tidegate.plane.gate.ranges import LAST, block, merge
from tidegate.plane.redis.base import RedisSpec
from tidegate.plane.redis.layout import GATE, SERVER

EVERYBODY = ((0, LAST),)
SECRET = "Correct-Horse-1"


@pytest.fixture
async def plane(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with world(request.param) as made:
        yield made


every = pytest.mark.parametrize("plane", EVERY, indirect=True)
real = pytest.mark.parametrize("plane", REAL, indirect=True)
#: one of each kind of room is enough where the gate plays no part
rooms = pytest.mark.parametrize("plane", ["loopback-aio", "netns-nftables"], indirect=True)
proxies = pytest.mark.parametrize("plane", [kind for kind in REAL if kind != "netns-nftables"], indirect=True)
netns = pytest.mark.parametrize("plane", ["netns-nftables", "netns-aio"], indirect=True)


async def opened(plane: World, **changes: object) -> RedisSpec:
    spec = plane.spec(**changes)
    await plane.servers.create(spec)
    await plane.gate.allow(spec.id, EVERYBODY)
    return spec


async def client_of(plane: World, spec: RedisSpec) -> Client:
    client = await plane.connect(plane.address(11), spec)
    assert client is not None
    return client


def kill(plane: World, spec: RedisSpec, process: str) -> None:
    """Kill a process as the kernel would for want of memory."""
    os.kill(plane.process(spec, process), signal.SIGKILL)


async def back(plane: World, spec: RedisSpec, *, within: float = 10.0) -> Client:
    """Wait until the server can be reached again."""
    async with asyncio.timeout(within):
        while True:
            client = await plane.connect(plane.address(11), spec)
            if client is not None and (await client.ask("PING") or "-LOADING")[:8] != "-LOADING":
                return client
            await asyncio.sleep(0.01)


@every
async def test_creating_again_returns_what_is_there_and_unknown_ones_are_gone_already(plane: World) -> None:
    spec = plane.spec()

    first, second = [await plane.servers.create(spec) for _ in range(2)]

    assert first == second
    assert (first.id, first.address, first.port, first.state) == (spec.id, spec.address, 6379, "Running")
    assert list(await plane.servers.list()) == [first]
    await plane.servers.destroy("r-unknown")
    with pytest.raises(PlaneError):
        await plane.servers.set_password("r-unknown", SECRET)


@every
async def test_destroyed_servers_leave_nothing(plane: World) -> None:
    spec = await opened(plane)

    await plane.servers.destroy(spec.id)
    await plane.servers.destroy(spec.id)

    assert list(await plane.servers.list()) == []
    assert list(await plane.gate.list()) == []
    if plane.rooms is not None:
        assert not plane.rooms.folder(spec.id).exists()
    if plane.helper is not None:
        assert await plane.helper.request("network.links") == ["lo"]


@every
async def test_a_server_made_anew_under_the_same_id_is_closed_and_empty(plane: World) -> None:
    spec = await opened(plane)
    await plane.servers.destroy(spec.id)

    await plane.servers.create(spec)

    assert await plane.gate.show(spec.id) == ()
    assert not await plane.admits(plane.address(11), spec)


@rooms
async def test_passwords_are_asked_for_and_change_at_once_without_ending_sessions(plane: World) -> None:
    spec = await opened(plane, password=SECRET)
    client = await client_of(plane, spec)
    assert (await client.ask("GET x") or "").startswith("-NOAUTH")
    assert (await client.ask("AUTH wrong") or "").startswith("-WRONGPASS")
    assert await client.ask(f"AUTH {SECRET}") == "+OK"

    await plane.servers.set_password(spec.id, "Another-Word-2")

    assert await client.ask("SET x 1") == "+OK"
    newcomer = await client_of(plane, spec)
    assert (await newcomer.ask(f"AUTH {SECRET}") or "").startswith("-WRONGPASS")
    assert await newcomer.ask(f"AUTH {spec.id} Another-Word-2") == "+OK"
    await plane.servers.set_password(spec.id, None)
    assert await (await client_of(plane, spec)).ask("SET x 2") == "+OK"


@rooms
async def test_a_password_given_to_create_reaches_a_running_server(plane: World) -> None:
    await opened(plane)

    spec = await opened(plane, password=SECRET)

    client = await client_of(plane, spec)
    assert (await client.ask("GET x") or "").startswith("-NOAUTH")


@rooms
async def test_passwords_are_nowhere_in_clear(plane: World) -> None:
    spec = await opened(plane, password=SECRET)
    assert plane.rooms is not None

    files = [path for path in plane.rooms.folder(spec.id).rglob("*") if path.is_file()]

    assert files
    assert not any(SECRET.encode() in path.read_bytes() for path in files)
    assert all(path.stat().st_mode & 0o077 == 0 for path in files if path.name in ("users.acl", "control"))


@rooms
async def test_clients_cannot_administer_the_server(plane: World) -> None:
    client = await client_of(plane, await opened(plane))

    for command in (
        "CONFIG SET dir /",
        "SHUTDOWN",
        "ACL LIST",
        "MODULE LIST",
        "DEBUG SLEEP 0",
        "REPLICAOF a 1",
        "SAVE",
    ):
        assert (await client.ask(command) or "").startswith(("-NOPERM", "-ERR")), command
    assert await client.ask("FLUSHALL") == "+OK"


@rooms
async def test_the_memory_limit_is_the_servers(plane: World) -> None:
    client = await client_of(plane, await opened(plane, memory=64))

    assert await client.ask("CONFIG GET maxmemory") == "*2 $9 maxmemory $8 67108864"


@rooms
async def test_a_server_that_died_is_started_again_with_its_data(plane: World) -> None:
    spec = await opened(plane)
    assert await (await client_of(plane, spec)).ask("SET tide high") == "+OK"

    kill(plane, spec, SERVER)

    client = await back(plane, spec)
    assert await client.ask("STRLEN tide") == ":4"
    assert await plane.gate.show(spec.id) == EVERYBODY


@proxies
async def test_a_gate_that_died_lets_nobody_in_until_it_is_back_with_its_list(plane: World) -> None:
    spec = await opened(plane)
    listed = merge([block(plane.address(11))])
    await plane.gate.allow(spec.id, listed)

    kill(plane, spec, GATE)

    await back(plane, spec)
    assert await plane.gate.show(spec.id) == listed
    assert not await plane.admits(plane.address(12), spec)


@rooms
async def test_servers_outlive_the_control_plane_and_are_found_by_the_next(plane: World) -> None:
    spec = await opened(plane, password=SECRET)
    client = await client_of(plane, spec)
    await plane.servers.close()

    later = plane.again()
    try:
        assert [server.state for server in await later.servers.list()] == ["Running"]
        await later.servers.create(spec)
        assert await client.ask(f"AUTH {SECRET}") == "+OK"  # the very same process
        kill(plane, spec, SERVER)
        await back(plane, spec)  # and it is watched again
    finally:
        await later.close()


@netns
async def test_when_the_whole_plane_dies_servers_come_back_closed_and_with_their_data(plane: World) -> None:
    spec = await opened(plane)
    assert await (await client_of(plane, spec)).ask("SET tide high") == "+OK"
    lost: list[bool] = []
    plane.servers.on_lost(lambda: lost.append(True))
    assert plane.helper is not None
    assert plane.helper.pid is not None

    os.kill(plane.helper.pid, signal.SIGKILL)
    await eventually(lambda: bool(lost), "the loss is noticed")
    plane.forget_clients()
    await plane.servers.create(spec)

    await plane.gate.allow(spec.id, EVERYBODY)
    assert await (await client_of(plane, spec)).ask("STRLEN tide") == ":4"


@real
async def test_the_gate_stands_before_the_server_answers(plane: World) -> None:
    spec = plane.spec()
    answers: list[bool] = []

    async def knock() -> None:
        while True:
            try:
                answers.append(await plane.admits(plane.address(11), spec))
            except OSError:  # no such address yet
                answers.append(False)
            await asyncio.sleep(0)

    knocking = asyncio.create_task(knock())
    await plane.servers.create(spec)
    knocking.cancel()

    assert not any(answers)
