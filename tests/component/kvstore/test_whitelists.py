"""ModifySecurityIps through the product's own door: what it answers, what is on the gate by then, what is written down."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext

import pytest

from support.kvstore import ACCOUNT, ROBOT, World, make_world
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.plane.gate.ranges import intersect
from tidegate.services.kvstore import registry
from tidegate.services.whitelist.model import admitted
from tidegate.store import chronicle
from tidegate.store import kvstore as rows
from tidegate.store.database import Database


async def refusal(awaitable) -> CloudError:
    with pytest.raises(CloudError) as caught:
        await awaitable
    return caught.value


async def test_a_new_instance_lists_only_the_loopback_address_and_the_gate_agrees(world: World) -> None:
    made = await world.create()

    assert await world.groups(made) == {"default": ["127.0.0.1"]}
    assert not await world.lets_in(made, "172.16.0.11")


async def test_a_change_is_on_the_gate_when_the_call_answers(world: World) -> None:
    made = await world.create()

    await world.modify(made, "172.16.0.11,172.16.0.12", ModifyMode="Append")
    assert await world.groups(made) == {"default": ["127.0.0.1", "172.16.0.11", "172.16.0.12"]}
    assert await world.lets_in(made, "172.16.0.11")

    await world.modify(made, "172.16.0.11", ModifyMode="Delete")
    assert not await world.lets_in(made, "172.16.0.11")
    assert await world.lets_in(made, "172.16.0.12")


async def test_all_groups_are_enforced_together(world: World) -> None:
    made = await world.create()

    await world.modify(made, "172.16.1.0/24", SecurityIpGroupName="web", SecurityIpGroupAttribute="hidden")
    await world.modify(made, "172.16.2.9", SecurityIpGroupName="jobs")
    await world.modify(made, "172.16.1.7", ModifyMode="Append")

    await world.modify(made, "172.16.1.7", ModifyMode="Delete")
    assert await world.lets_in(made, "172.16.1.7")  # the group web still has it
    assert await world.lets_in(made, "172.16.2.9")
    assert list(await world.groups(made)) == ["default", "web", "jobs"]


async def test_a_reused_address_makes_append_fail_and_append_dup_not(world: World) -> None:
    made = await world.create()
    await world.modify(made, "172.16.0.11", ModifyMode="Append")

    error = await refusal(world.modify(made, "172.16.0.11", ModifyMode="Append"))

    assert error.code == "InvalidInstanceIp.Duplicate"
    await world.modify(made, "172.16.0.11", ModifyMode="AppendDup")
    assert await world.groups(made) == {"default": ["127.0.0.1", "172.16.0.11"]}


async def test_a_refused_change_changes_nothing(world: World) -> None:
    made = await world.create()
    before, applied = await world.groups(made), len(world.gate.lists)

    for entries, mode in (("172.16.0.1,x", "Append"), ("172.16.0.9", "Delete"), ("1.1.1.1", "Nope")):
        await refusal(world.modify(made, entries, ModifyMode=mode))

    assert await world.groups(made) == before
    assert len(world.gate.lists) == applied
    assert await world.service.gatekeeper.history(ACCOUNT, made) == []


async def test_an_unknown_instance_is_told_before_anything_about_the_list(world: World) -> None:
    error = await refusal(world.modify("r-bp1unknown", "x,x", SecurityIpGroupName="BAD"))

    assert (error.code, error.status) == ("InvalidInstanceId.NotFound", 404)


async def test_the_state_is_told_before_anything_about_the_list(world: World) -> None:
    made = (await world.call("CreateInstance", Capacity=1024))["InstanceId"]

    error = await refusal(world.modify(made, "x,x", SecurityIpGroupName="BAD"))

    assert error.code == "IncorrectDBInstanceState"


async def test_missing_parameters_are_named(world: World) -> None:
    error = await refusal(world.call("ModifySecurityIps", InstanceId="r-1"))

    assert (error.code, error.message) == ("MissingSecurityIps", "SecurityIps is mandatory for this action.")


async def test_64_parallel_appends_lose_nothing(world: World) -> None:
    made = await world.create()
    wanted = [f"172.16.3.{n}" for n in range(64)]

    await asyncio.gather(*(world.modify(made, entry, ModifyMode="Append") for entry in wanted))

    assert sorted((await world.groups(made))["default"]) == sorted(["127.0.0.1", *wanted])
    assert all([await world.lets_in(made, entry) for entry in wanted])


async def test_appends_and_deletes_of_two_processes_do_not_interleave(
    world: World, database_dsn: str, clock: AdjustableClock
) -> None:
    made = await world.create()
    old = [f"172.16.4.{n}" for n in range(20)]
    await world.modify(made, ",".join(old), ModifyMode="Append")
    elsewhere = await Database.open(database_dsn)
    try:
        other = make_world(elsewhere, clock, Ids(2), gate=world.gate)
        new = [f"172.16.5.{n}" for n in range(20)]

        await asyncio.gather(
            *(world.modify(made, entry, ModifyMode="Append") for entry in new),
            *(other.modify(made, entry, ModifyMode="Delete") for entry in old),
        )

        assert sorted((await other.groups(made))["default"]) == sorted(["127.0.0.1", *new])
        assert [await world.lets_in(made, entry) for entry in new + old] == [True] * 20 + [False] * 20
    finally:
        await elsewhere.close()


async def test_a_change_that_cannot_have_its_turn_in_time_answers_lock_timeout(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await world.create()
    monkeypatch.setattr(registry, "LOCK_WAIT", 0.05)

    async with world.database.transaction() as tx:
        await rows.lock(tx, made, seconds=1)
        first, second = await asyncio.gather(
            refusal(world.modify(made, "172.16.0.1", ModifyMode="Append")),
            refusal(world.modify(made, "172.16.0.2", ModifyMode="Append")),
        )
        assert await world.groups(made) == {"default": ["127.0.0.1"]}  # describing does not wait

    assert first.code == second.code == "LockTimeout"
    assert first.message == "The request processing has failed due to lock timeout."
    await world.modify(made, "172.16.0.1", ModifyMode="Append")


async def test_within_the_changing_window_a_second_edit_is_refused(
    database: Database, clock: AdjustableClock, ids: Ids
) -> None:
    world = make_world(database, clock, ids, changing_window=600)
    made = await world.create()

    await world.modify(made, "172.16.0.1", ModifyMode="Append")

    assert (await world.attribute(made))["InstanceStatus"] == "Changing"
    error = await refusal(world.modify(made, "172.16.0.2", ModifyMode="Append"))
    assert error.code == "IncorrectDBInstanceState"
    await world.driver.advance(seconds=601)
    assert (await world.attribute(made))["InstanceStatus"] == "Normal"
    await world.modify(made, "172.16.0.2", ModifyMode="Append")


@pytest.mark.parametrize("cuts", [False, True])
async def test_connections_of_clients_taken_off_the_list_live_on_unless_the_cloud_is_set_to_cut_them(
    database: Database, clock: AdjustableClock, ids: Ids, cuts: bool
) -> None:
    world = make_world(database, clock, ids, cuts_connections=cuts)
    made = await world.create()
    await world.modify(made, "172.16.0.1,172.16.0.2", ModifyMode="Append")
    assert world.gate.connect(made, "172.16.0.1")
    assert world.gate.connect(made, "172.16.0.2")

    await world.modify(made, "172.16.0.1", ModifyMode="Delete")

    assert list(world.gate.connections(made)) == (["172.16.0.2"] if cuts else ["172.16.0.1", "172.16.0.2"])


async def test_who_changed_what_and_when_is_written_down(world: World) -> None:
    made = await world.create()
    await world.modify(made, "172.16.0.1,172.16.0.2")

    await world.modify(made, "172.16.0.3,172.16.0.1", caller=ROBOT, ModifyMode="Cover")

    newest, oldest = await world.service.gatekeeper.history(ACCOUNT, made)
    assert (oldest.added, oldest.removed) == (["172.16.0.1", "172.16.0.2"], ["127.0.0.1"])
    assert (newest.added, newest.removed, newest.mode) == (["172.16.0.3"], ["172.16.0.2"], "Cover")
    assert newest.caller == "acs:ram::1234567890123456:assumed-role/oosservicerole/exec-1"
    assert (newest.group_name, newest.request_id, newest.source_ip) == ("default", "REQUEST-1", "127.0.0.1")
    assert newest.applied_at is not None
    assert newest.applied_at >= newest.at


async def test_a_gate_that_refuses_to_narrow_leaves_everything_as_it_was(world: World) -> None:
    made = await world.create()
    await world.modify(made, "172.16.0.1", ModifyMode="Append")
    world.gate.is_broken = True

    error = await refusal(world.modify(made, "172.16.0.1", ModifyMode="Delete"))

    assert (error.code, error.status) == ("ServiceUnavailable", 503)
    assert await world.groups(made) == {"default": ["127.0.0.1", "172.16.0.1"]}


async def test_a_gate_that_refuses_to_widen_gets_the_list_as_soon_as_it_can(world: World) -> None:
    made = await world.create()
    world.gate.is_broken = True
    error = await refusal(world.modify(made, "172.16.0.1", ModifyMode="Append"))
    assert error.code == "ServiceUnavailable"
    await world.settle()
    assert not await world.lets_in(made, "172.16.0.1")

    world.gate.is_broken = False
    await world.driver.advance(seconds=3)

    assert await world.lets_in(made, "172.16.0.1")
    (change,) = await world.service.gatekeeper.history(ACCOUNT, made)
    assert change.applied_at is not None


class CrashError(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("point", ["recorded", "narrowed", "committed", "applied"])
async def test_wherever_it_dies_the_gate_lets_in_no_more_than_the_rows_and_a_restart_converges(
    world: World, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    def die(name: str) -> None:
        if name == f"kvstore.whitelist.{point}":
            raise CrashError

    for entries, mode in (("172.16.0.9", "Append"), ("172.16.0.1", "Delete"), ("172.16.0.9", "Cover")):
        made = await world.create()
        await world.modify(made, "172.16.0.1,172.16.0.2", ModifyMode="Append")

        nothing_goes = (point, mode) == ("narrowed", "Append")
        dies = nullcontext() if nothing_goes else pytest.raises(CrashError)
        with monkeypatch.context() as patched, dies:
            patched.setattr("tidegate.services.kvstore.gatekeeper.reach", die)
            await world.modify(made, entries, ModifyMode=mode)

        rows_let_in = admitted(await world.service.gatekeeper.groups(ACCOUNT, made))
        assert intersect(await world.gate.show(made), rows_let_in) == await world.gate.show(made)
        await world.controller.begin()
        await world.settle()
        assert await world.gate.show(made) == admitted(await world.service.gatekeeper.groups(ACCOUNT, made))


async def test_meddling_with_the_gate_is_repaired_at_the_next_look(world: World) -> None:
    made = await world.create()
    await world.gate.allow(made, ((0, 0xFFFFFFFF),))

    await world.driver.advance(seconds=31)

    assert not await world.lets_in(made, "172.16.0.1")


async def test_history_is_bounded_but_for_what_brought_the_entries_that_are_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.reconcile.redis.HISTORY", 2)
    made = await world.create()
    for n in range(4):
        await world.modify(made, f"172.16.0.{n}", ModifyMode="Append")

    await world.driver.advance(seconds=31)

    kept = await world.service.gatekeeper.history(ACCOUNT, made)
    assert [change.added for change in kept] == [[f"172.16.0.{n}"] for n in (3, 2, 1, 0)]

    for n in (0, 1):
        await world.modify(made, f"172.16.0.{n}", ModifyMode="Delete")
    await world.driver.advance(seconds=31)

    kept = await world.service.gatekeeper.history(ACCOUNT, made)
    assert [(change.added, change.removed) for change in kept] == [
        ([], ["172.16.0.1"]),
        ([], ["172.16.0.0"]),
        (["172.16.0.3"], []),
        (["172.16.0.2"], []),
    ]


async def test_when_an_address_first_came_in_is_remembered_though_its_entry_goes(world: World) -> None:
    made = await world.create()
    gate = world.gate
    await world.modify(made, "172.16.0.1", ModifyMode="Append")
    assert gate.connect(made, "172.16.0.1")
    await world.driver.advance(seconds=31)
    await world.driver.advance(seconds=31)
    await world.modify(made, "172.16.0.1", ModifyMode="Delete")

    async with world.database.connection() as connection:
        arrivals = await chronicle.arrivals(connection, [made], 10)

    assert {one.address for one in arrivals} == {"172.16.0.1"}
