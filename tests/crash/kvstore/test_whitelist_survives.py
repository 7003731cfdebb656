"""The control plane is killed around every step of a whitelist change, of a creation and of a release, on real planes.

After each death, before anything is started again: real clients are let in only if the rows let them in. After the next
start: rows and wire agree, and what was released leaves nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from support.door import KEY_ID, SECRET
from support.kvstore_server import KvstoreProcess, kvstore_process
from support.redis_world import World, make_plane
from tidegate.cloud.client import Client
from tidegate.cloud.credentials import Keys, Profile
from tidegate.errors import UnreachableError
from tidegate.plane.helper.client import HelperClient
from tidegate.plane.redis.base import RedisSpec
from tidegate.store import kvstore as rows
from tidegate.store.database import Database

from .patience import until

CLIENTS = range(101, 105)


@pytest.fixture(params=["netns-nftables", "loopback-haproxy"])
async def process(request: pytest.FixtureRequest, database_dsn: str) -> AsyncIterator[KvstoreProcess]:
    async with kvstore_process(database_dsn, request.param) as made:
        yield made


async def call(process: KvstoreProcess, action: str, **parameters: Any) -> dict[str, Any]:
    keys = Keys(access_key_id=KEY_ID, access_key_secret=SECRET)
    async with Client(Profile(keys=keys, endpoint=process.endpoint)) as client:
        return await client.call("R-kvstore", action, parameters, region="cn-hangzhou")


async def status(process: KvstoreProcess, made: str) -> str:
    answer = await call(process, "DescribeInstances", InstanceIds=made)
    shown = answer["Instances"]["KVStoreInstance"]
    return str(shown[0]["InstanceStatus"]) if shown else "gone"


async def look(process: KvstoreProcess, database: Database, made: str) -> tuple[World, RedisSpec]:
    """Look at the plane from beside the control plane, dead or alive."""
    async with database.connection() as connection:
        instance = await rows.find(connection, made)
    assert instance is not None
    helper = HelperClient(process.folder / "helper") if process.kind.startswith("netns") else None
    gate, servers, rooms = make_plane(process.kind, process.folder, helper)
    world = World(
        process.kind, servers, gate, instance.network, process.folder, instance.vswitch_id, rooms=rooms, helper=helper
    )
    return world, world.spec(1, id=made, address=instance.private_ip)


async def let_in(world: World, spec: RedisSpec) -> set[str]:
    return {world.address(n) for n in CLIENTS if await world.admits(world.address(n), spec)}


async def listed(database: Database, made: str) -> set[str]:
    async with database.connection() as connection:
        return {entry for group in await rows.groups(connection, made) for entry in group.entries}


async def test_a_change_survives_death_at_any_point(process: KvstoreProcess, database: Database) -> None:
    """Every change takes an address away and adds another, so that it passes every point."""
    points = [f"kvstore.whitelist.{point}" for point in ("recorded", "narrowed", "committed", "applied")]
    process.start(TIDEGATE_CRASH_AT=f"{points[0]}#2")
    made = (await call(process, "CreateInstance", InstanceClass="redis.shard.micro.ce"))["InstanceId"]
    await until(lambda: status(process, made), "Normal")
    world, spec = await look(process, database, made)
    always, first, second, _ = [world.address(n) for n in CLIENTS]
    try:
        await call(process, "ModifySecurityIps", InstanceId=made, SecurityIps=f"{always},{first}")
        assert await let_in(world, spec) == {always, first}
        for following in (*points[1:], ""):
            come = first if second in await listed(database, made) else second
            with pytest.raises(UnreachableError):
                await call(process, "ModifySecurityIps", InstanceId=made, SecurityIps=f"{always},{come}")
            process.wait_for_death()

            assert {always} <= await let_in(world, spec) <= await listed(database, made)
            process.start(TIDEGATE_CRASH_AT=following)
            await until(lambda: let_in(world, spec), await listed(database, made))
    finally:
        await world.close()


async def test_creation_and_release_survive_death_at_any_point(process: KvstoreProcess, database: Database) -> None:
    points = [f"redis.{step}.{point}" for point in ("acted", "recorded") for step in ("serve", "remove")]
    process.start(TIDEGATE_CRASH_AT=points[0])
    for on_release, on_creation in ((points[1], points[2]), (points[3], "")):
        with suppress(UnreachableError):  # its controller may be faster than the answer
            await call(process, "CreateInstance", InstanceClass="redis.shard.micro.ce")
        process.wait_for_death()
        (made,) = await remembered(database)
        world, spec = await look(process, database, made)
        try:
            process.start(TIDEGATE_CRASH_AT=on_release)
            await until(lambda made=made: status(process, made), "Normal")
            assert await let_in(world, spec) == set()

            with suppress(UnreachableError):
                await call(process, "DeleteInstance", InstanceId=made)
            process.wait_for_death()
            process.start(TIDEGATE_CRASH_AT=on_creation)
            await until(lambda: remembered(database), [])
            assert (await world.servers.list(), await world.gate.list()) == ([], [])
            assert list((process.folder / "redis").iterdir()) == []
        finally:
            await world.close()


async def remembered(database: Database) -> list[str]:
    """Who has a row or holds an address."""
    async with database.connection() as connection:
        held = [row["owner"] for row in await connection.fetch("select owner from ecs_address")]
        return sorted({*await rows.ids(connection), *held})
