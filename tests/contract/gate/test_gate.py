"""What every gate promises, met by clients with addresses of their own."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator

import pytest

from support.redis_world import EVERY, PATIENCE, World, world
from tidegate.errors import PlaneError
from tidegate.plane.gate.base import GateSpec
from tidegate.plane.gate.ranges import LAST, MOST_RANGES, block, merge
from tidegate.plane.redis.base import RedisSpec
from tidegate.plane.redis.layout import GATE


@pytest.fixture(params=EVERY)
async def plane(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with world(request.param) as made:
        yield made


@pytest.fixture
async def server(plane: World) -> RedisSpec:
    spec = plane.spec()
    await plane.servers.create(spec)
    return spec


async def test_a_new_gate_lets_nobody_in(plane: World, server: RedisSpec) -> None:
    assert await plane.gate.show(server.id) == ()
    assert list(await plane.gate.list()) == [server.id]
    assert not await plane.admits(plane.address(11), server)


async def test_a_change_holds_for_every_connection_begun_after_it_returns(plane: World, server: RedisSpec) -> None:
    listed = merge([block(plane.address(11))])
    for _ in range(10):
        await plane.gate.allow(server.id, listed)
        assert await plane.admits(plane.address(11), server)
        assert not await plane.admits(plane.address(12), server)

        await plane.gate.allow(server.id, ())
        assert not await plane.admits(plane.address(11), server)


async def test_blocks_admit_their_addresses_and_no_other(plane: World, server: RedisSpec) -> None:
    await plane.gate.allow(server.id, merge([block(f"{plane.address(8)}/30"), block(plane.address(13))]))

    admitted = [number for number in range(7, 15) if await plane.admits(plane.address(number), server)]

    assert admitted == [8, 9, 10, 11, 13]


async def test_everybody_can_be_let_in(plane: World, server: RedisSpec) -> None:
    await plane.gate.allow(server.id, ((0, LAST),))

    assert await plane.admits(plane.address(200), server)
    assert await plane.gate.show(server.id) == ((0, LAST),)


async def test_what_is_shown_is_what_was_set_through_any_row_of_changes(plane: World, server: RedisSpec) -> None:
    base, _ = block(plane.address(0))
    for lists in (
        [(base, base)],
        [(base, base + 7), (base + 9, base + 9)],
        [(base + 1, base + 3), (base + 9, base + 20)],
        [(0, base + 3), (base + 9, LAST)],
        [(base + 2 * n, base + 2 * n) for n in range(100)],
        [(base + 3 * n, base + 3 * n + 1) for n in range(80)],
        [(LAST, LAST)],
        [],
    ):
        await plane.gate.allow(server.id, merge(lists))
        assert await plane.gate.show(server.id) == merge(lists)


async def test_setting_the_same_list_again_changes_nothing(plane: World, server: RedisSpec) -> None:
    listed = merge([block(plane.address(11))])

    first, second = [await plane.gate.allow(server.id, listed) for _ in range(2)]

    assert (first.added, first.removed) == (1, 0)
    assert (second.added, second.removed) == (0, 0)


async def test_what_others_did_to_the_list_is_repaired_on_request(plane: World, server: RedisSpec) -> None:
    listed = merge([block(plane.address(11)), block(plane.address(13))])
    await plane.gate.allow(server.id, listed)
    await plane.meddle(server)
    assert await plane.gate.show(server.id) != listed

    await plane.gate.allow(server.id, listed, thorough=True)

    assert await plane.gate.show(server.id) == listed


async def test_a_thousand_entries_are_enforced(plane: World, server: RedisSpec) -> None:
    first, _ = block(plane.address(11))
    far = [(10 << 24) + 3 * n for n in range(999)]
    listed = merge([(first, first), *((n, n) for n in far)])

    await plane.gate.allow(server.id, listed)

    assert await plane.gate.show(server.id) == listed
    assert await plane.admits(plane.address(11), server)
    assert not await plane.admits(plane.address(12), server)
    await plane.gate.allow(server.id, listed[:-1])
    assert not await plane.admits(plane.address(11), server)


async def test_established_connections_are_kept_until_they_are_cut(plane: World, server: RedisSpec) -> None:
    both = merge([block(plane.address(11)), block(plane.address(12))])
    await plane.gate.allow(server.id, both)
    stays, goes = [await plane.connect(plane.address(number), server) for number in (11, 12)]
    assert stays is not None
    assert goes is not None

    await plane.gate.allow(server.id, merge([block(plane.address(11))]))

    assert await goes.talks()
    assert await plane.gate.cut(server.id) == 1
    assert not await goes.talks()
    assert await stays.talks()
    assert await plane.gate.cut(server.id) == 0


async def test_gates_do_not_mix_up_their_servers(plane: World, server: RedisSpec) -> None:
    other = plane.spec(6)
    await plane.servers.create(other)

    await plane.gate.allow(other.id, merge([block(plane.address(11))]))

    assert await plane.admits(plane.address(11), other)
    assert not await plane.admits(plane.address(11), server)


async def test_installing_again_keeps_the_list(plane: World, server: RedisSpec) -> None:
    listed = merge([block(plane.address(11))])
    await plane.gate.allow(server.id, listed)

    await plane.gate.install(GateSpec(server_id=server.id, address=server.address, port=server.port))

    assert await plane.gate.show(server.id) == listed
    assert await plane.admits(plane.address(11), server)


async def test_the_gate_outlives_the_control_plane_and_obeys_the_next_one(plane: World, server: RedisSpec) -> None:
    await plane.gate.allow(server.id, merge([block(plane.address(11))]))
    await plane.servers.close()
    assert await plane.admits(plane.address(11), server)

    later = plane.again()
    try:
        await later.servers.create(server)
        assert await later.gate.show(server.id) == merge([block(plane.address(11))])
        await later.gate.allow(server.id, merge([block(plane.address(12))]))
        assert await plane.admits(plane.address(12), server)
        assert not await plane.admits(plane.address(11), server)
    finally:
        await later.close()


async def test_two_control_planes_may_take_turns(plane: World, server: RedisSpec) -> None:
    other = plane.again()
    try:
        await plane.gate.allow(server.id, merge([block(plane.address(11))]))
        await other.gate.allow(server.id, merge([block(plane.address(11)), block(plane.address(12))]))
        await plane.gate.allow(server.id, merge([block(plane.address(11))]))

        assert await plane.gate.show(server.id) == merge([block(plane.address(11))])
        assert not await plane.admits(plane.address(12), server)
    finally:
        await other.close()


async def test_a_list_that_is_too_long_is_refused_and_the_old_one_stays(plane: World, server: RedisSpec) -> None:
    listed = merge([block(plane.address(11))])
    await plane.gate.allow(server.id, listed)

    with pytest.raises(PlaneError):
        await plane.gate.allow(server.id, tuple((3 * n, 3 * n) for n in range(MOST_RANGES + 1)))

    assert await plane.gate.show(server.id) == listed


@pytest.mark.parametrize("plane", ["loopback-haproxy", "loopback-aio"], indirect=True)
async def test_a_proxy_that_takes_no_list_lets_nobody_in_until_it_is_installed_again(
    plane: World, server: RedisSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    await plane.gate.allow(server.id, merge([block(plane.address(11))]))
    for name in ("haproxy._WAIT", "aio._WAIT", "proxy._REVIVAL"):
        monkeypatch.setattr(f"tidegate.plane.gate.{name}", 0.2)
    monkeypatch.setattr("tidegate.plane.rooms.loopback._GRACE", 0.2)
    os.kill(plane.process(server, GATE), signal.SIGSTOP)

    with pytest.raises(PlaneError):
        await plane.gate.allow(server.id, merge([block(plane.address(12))]))

    assert not await plane.admits(plane.address(11), server)
    assert not await plane.admits(plane.address(12), server)
    await plane.servers.create(server)
    assert await plane.admits(plane.address(11), server)


async def test_who_came_is_counted_with_when_and_forgotten_when_taken_off_the_list(
    plane: World, server: RedisSpec
) -> None:
    assert list(await plane.gate.attempts(server.id)) == []
    in_, out = plane.address(11), plane.address(12)
    await plane.gate.allow(server.id, merge([block(in_)]))
    for client in (in_, in_, in_, out, out):
        await plane.admits(client, server)

    seen = {one.address: one for one in await plane.gate.attempts(server.id)}

    assert set(seen) == {in_, out}
    assert (seen[in_].refused, seen[out].admitted) == (None, None)
    let_in, away = seen[in_].admitted, seen[out].refused
    assert let_in is not None
    assert away is not None
    assert (let_in.count, away.count) == (3, 2)
    for tally in (let_in, away):
        assert 0 <= tally.last <= tally.first + 0.02 < PATIENCE

    await plane.gate.allow(server.id, ())
    assert {one.address for one in await plane.gate.attempts(server.id)} == {out}
    await plane.gate.allow(server.id, merge([block(out)]))
    await plane.admits(out, server)
    (again,) = await plane.gate.attempts(server.id)
    assert (again.admitted and again.admitted.count, again.refused and again.refused.count) == (1, 2)


async def test_an_unknown_server_has_no_gate(plane: World) -> None:
    for verb in (
        plane.gate.attempts,
        plane.gate.show,
        plane.gate.cut,
        lambda server_id: plane.gate.allow(server_id, ()),
    ):
        with pytest.raises(PlaneError):
            await verb("r-unknown")
    await plane.gate.remove("r-unknown")
    assert list(await plane.gate.list()) == []
