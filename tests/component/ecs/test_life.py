"""Starting, stopping, rebooting and releasing instances, and what happens when hosts fail."""

from __future__ import annotations

from typing import Any

import pytest

from support.ecs import ACCOUNT, PLAIN, REGION, World, make_world
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.reconcile.engine import Run, Suspend
from tidegate.reconcile.instance import adopt, notice_losses
from tidegate.services.ecs.service import Delays
from tidegate.store import events
from tidegate.store.database import Database

NOW_OR_NEVER = "IncorrectInstanceStatus"


async def test_an_instance_stops_and_starts_again(world: World) -> None:
    [one] = await world.launch()

    await world.call("StopInstance", InstanceId=one, StoppedMode="StopCharging")
    seen = [await world.status(one)]
    await world.settle()
    seen.append(await world.status(one))
    described = (await world.call("DescribeInstances"))["Instances"]["Instance"][0]
    await world.call("StartInstance", InstanceId=one)
    seen.append(await world.status(one))
    await world.settle()
    seen.append(await world.status(one))

    assert seen == ["Stopping", "Stopped", "Starting", "Running"]
    assert described["StoppedMode"] == "StopCharging"
    assert (world.hosts.calls["create"], world.hosts.calls["start"]) == (1, 1)


async def test_every_status_that_callers_see_is_told_to_the_event_bus(world: World) -> None:
    [one] = await world.launch()
    await world.call("RebootInstance", InstanceId=one)
    await world.settle()
    await world.call("DeleteInstance", InstanceId=one, Force=True)
    await world.settle()

    async with world.database.connection() as db:
        told = await events.page(db, events.Query(account_id=ACCOUNT, region=REGION, product="ECS"), limit=20)
    states = [event.data["state"] for event in reversed(told)]
    assert states == ["Starting", "Running", "Starting", "Running", "Stopping", "Deleted"]
    assert {event.subject for event in told} == {f"acs:ecs:{REGION}:{ACCOUNT}:instance/{one}"}


async def test_a_reboot_shows_starting_and_boots_the_same_host(world: World) -> None:
    [one] = await world.launch()

    await world.call("RebootInstance", InstanceId=one)
    during = await world.status(one)
    await world.settle()

    assert (during, await world.status(one)) == ("Starting", "Running")
    assert (world.hosts.calls["stop"], world.hosts.calls["start"]) == (1, 1)


@pytest.mark.parametrize(
    ("action", "status", "code"),
    [
        ("StartInstance", "Running", "IncorrectInstanceStatus"),
        ("StopInstance", "Stopped", "IncorrectInstanceStatus"),
        ("RebootInstance", "Stopped", "IncorrectInstanceStatus"),
        ("DeleteInstance", "Running", "IncorrectInstanceStatus"),
        ("StartInstance", "Pending", "IncorrectInstanceStatus.Initializing"),
        ("StopInstance", "Pending", "IncorrectInstanceStatus.Initializing"),
        ("DeleteInstance", "Pending", "IncorrectInstanceStatus.Initializing"),
    ],
)
async def test_a_status_that_does_not_allow_it_refuses(world: World, action: str, status: str, code: str) -> None:
    [one] = await world.ecs.launch(ACCOUNT, REGION, PLAIN, 1, client_token="t")
    if status != "Pending":
        await world.settle()
    if status == "Stopped":
        await world.ecs.stop(ACCOUNT, [one])
        await world.settle()

    with pytest.raises(CloudError) as refused:
        await world.call(action, InstanceId=one)

    assert (refused.value.code, refused.value.status) == (code, 403)
    assert await world.status(one) == status


async def test_a_released_instance_is_gone_with_its_host_and_its_tags(world: World) -> None:
    [one] = await world.launch()
    await world.call("TagResources", ResourceType="instance", ResourceId=[one], Tag=[{"Key": "k", "Value": "v"}])

    await world.call("DeleteInstance", InstanceId=one, Force=True)
    during = await world.status(one)
    await world.settle()

    assert (during, await world.status(one)) == ("Stopping", "gone")
    assert await world.hosts.states() == {}
    assert (await world.call("DescribeInstances"))["TotalCount"] == 0
    listed = await world.call("ListTagResources", ResourceType="instance", ResourceId=[one])
    assert listed["TagResources"]["TagResource"] == []
    with pytest.raises(CloudError, match=r"InvalidInstanceId\.NotFound"):
        await world.call("DeleteInstance", InstanceId=one, Force=True)


async def test_an_instance_is_released_before_it_has_booted(world: World) -> None:
    [one] = await world.ecs.launch(ACCOUNT, REGION, PLAIN, 1, client_token="t")

    await world.ecs.release(ACCOUNT, [one, "i-nothing"])
    await world.ecs.release(ACCOUNT, [one])
    await world.settle()

    assert await world.status(one) == "gone"
    assert world.hosts.calls["create"] == 0


async def test_protection_and_subscription_keep_an_instance(world: World) -> None:
    [one] = await world.launch()
    await world.call("ModifyInstanceAttribute", InstanceId=one, DeletionProtection=True)
    with pytest.raises(CloudError, match=r"InvalidOperation\.DeletionProtection"):
        await world.call("DeleteInstance", InstanceId=one, Force=True)

    paid = await world.call(
        "RunInstances", ImageId=PLAIN.image_id, InstanceType=PLAIN.instance_type, InstanceChargeType="PrePaid", Period=1
    )
    [two] = paid["InstanceIdSets"]["InstanceIdSet"]
    with pytest.raises(CloudError) as refused:
        await world.call("DeleteInstance", InstanceId=two, Force=True)
    assert refused.value.code == "ChargeTypeViolation"
    assert paid["OrderId"]
    await world.call("DeleteInstance", InstanceId=two, Force=True, TerminateSubscription=True)


async def test_many_are_changed_together_or_not_at_all(world: World) -> None:
    first, second = await world.launch(2)
    await world.ecs.stop(ACCOUNT, [second])
    await world.settle()

    with pytest.raises(CloudError, match=NOW_OR_NEVER):
        await world.call("StopInstances", InstanceId=[first, second])
    untouched = await world.status(first)
    answer = await world.call("StopInstances", InstanceId=[first, second], BatchOptimization="SuccessFirst")

    assert untouched == "Running"
    assert answer["InstanceResponses"]["InstanceResponse"] == [
        {
            "InstanceId": first,
            "PreviousStatus": "Running",
            "CurrentStatus": "Stopping",
            "Code": "200",
            "Message": "Success",
        },
        {
            "InstanceId": second,
            "PreviousStatus": "Stopped",
            "CurrentStatus": "Stopped",
            "Code": "IncorrectInstanceStatus",
            "Message": "The current status of the resource does not support this operation.",
        },
    ]


async def test_a_dry_run_says_whether_it_would_work_and_changes_nothing(world: World) -> None:
    [one] = await world.launch()

    for parameters, code in (
        ({"InstanceId": one}, "DryRunOperation"),
        ({"InstanceId": "i-x"}, "InvalidInstanceId.NotFound"),
    ):
        with pytest.raises(CloudError) as refused:
            await world.call("StopInstance", **parameters, DryRun=True)
        assert refused.value.code == code
    assert await world.status(one) == "Running"


async def test_a_boot_that_fails_is_tried_again(world: World) -> None:
    world.hosts.broken.add("create")
    [one] = await world.launch()
    at_first = await world.status(one)

    world.hosts.broken.clear()
    await world.driver.advance(seconds=1)

    assert (at_first, await world.status(one)) == ("Starting", "Running")


async def test_a_boot_that_keeps_failing_ends_stopped_and_can_be_started_later(world: World) -> None:
    world.hosts.broken.add("create")
    [one] = await world.launch()
    for _ in range(4):
        await world.driver.advance(seconds=10)
    given_up = await world.status(one)

    world.hosts.broken.clear()
    await world.call("StartInstance", InstanceId=one)
    await world.settle()

    assert (given_up, await world.status(one)) == ("Stopped", "Running")


async def test_one_host_that_does_not_boot_does_not_hold_up_the_others(world: World) -> None:
    class Picky(type(world.hosts)):  # type: ignore[misc]
        async def create(self, spec: Any) -> Any:
            self.broken = {"create"} if spec.address == "172.16.0.2" else set()
            return await super().create(spec)

    world.hosts.__class__ = Picky
    made = await world.launch(3)

    assert [await world.status(one) for one in made] == ["Running", "Starting", "Running"]


async def test_a_release_that_fails_is_tried_until_it_works_and_holds_the_address(world: World) -> None:
    [one] = await world.launch()
    world.hosts.broken.add("destroy")
    await world.ecs.release(ACCOUNT, [one])
    for _ in range(8):
        await world.driver.advance(seconds=30)
    [other] = await world.launch()
    held = (await world.ecs.find(ACCOUNT, REGION, [other]))[other].private_address

    world.hosts.broken.clear()
    await world.driver.advance(seconds=60)

    assert await world.status(one) == "gone"
    assert held == "172.16.0.2"


async def test_hosts_that_die_are_shown_stopped_at_once_and_start_as_new_ones(world: World) -> None:
    made = await world.launch(3)
    await world.hosts.drop(made[1])

    lost = await notice_losses(world.database, world.hosts, world.clock)
    seen = [await world.status(one) for one in made]
    await world.call("StartInstance", InstanceId=made[1])
    await world.settle()

    assert lost == [made[1]]
    assert seen == ["Running", "Stopped", "Running"]
    assert (await world.hosts.states())[made[1]] == "Running"


async def test_at_start_up_what_lives_goes_on_strangers_go_and_the_lost_are_stopped(world: World) -> None:
    made = await world.launch(3)
    stranger = await world.hosts.create(type(world.hosts.specs[made[0]])(
        id="i-stranger", vswitch_id="v", network="172.16.0.0/20", gateway="172.16.15.253", address="172.16.0.99", hostname="x"
    ))  # fmt: skip
    await world.hosts.drop(made[2])

    adoption = await adopt(world.database, world.hosts, world.clock)

    assert adoption.destroyed == [stranger.id]
    assert adoption.lost == [made[2]]
    assert list(adoption.alive) == sorted(made[:2])
    assert (await world.hosts.states()).keys() == set(made[:2])
    assert await world.status(made[2]) == "Stopped"


async def test_a_plane_that_does_not_even_answer_leaves_nobody_running(world: World) -> None:
    [one] = await world.launch()
    world.hosts.broken.add("list")

    await notice_losses(world.database, world.hosts, world.clock)

    assert await world.status(one) == "Stopped"


async def test_a_plane_that_dies_leaves_disks_that_start_again(world: World) -> None:
    made = await world.launch(2)
    world.hosts.lose()

    await notice_losses(world.database, world.hosts, world.clock)
    seen = [await world.status(one) for one in made]
    await world.call("ModifyInstanceAttribute", InstanceId=made[0], HostName="other")
    await world.ecs.start(ACCOUNT, made)
    await world.settle()

    assert seen == ["Stopped", "Stopped"]
    assert [await world.status(one) for one in made] == ["Running", "Running"]
    assert world.hosts.calls["create"] == 2


async def test_a_boot_that_was_cut_off_after_the_host_stood_is_finished_without_a_second_host(world: World) -> None:
    [one] = await world.ecs.launch(ACCOUNT, REGION, PLAIN, 1, client_token="t")
    async with world.database.transaction() as tx:
        await tx.execute("update ecs_instance set status = 'Starting' where id = $1", one)
    await world.settle()
    async with world.database.transaction() as tx:
        await tx.execute("update ecs_instance set status = 'Starting' where id = $1", one)
        await tx.execute("update work set due_at = now() where kind = 'instances'")
    await world.settle()

    assert await world.status(one) == "Running"
    assert await world.hosts.states() == {one: "Running"}


async def test_delays_make_an_instance_wait_in_starting_and_stopping(
    database: Database, clock: AdjustableClock, ids: Ids
) -> None:
    world = make_world(database, clock, ids, delays=Delays(boot=30, stop=10))
    [one] = await world.launch()
    seen = [await world.status(one)]
    await world.driver.advance(seconds=31)
    seen.append(await world.status(one))
    await world.ecs.stop(ACCOUNT, [one])
    await world.settle()
    seen.append(await world.status(one))
    await world.driver.advance(seconds=11)
    seen.append(await world.status(one))

    assert seen == ["Starting", "Running", "Stopping", "Stopped"]


async def test_a_watcher_is_woken_when_instances_settle_and_when_they_are_gone(
    database: Database, clock: AdjustableClock, ids: Ids
) -> None:
    seen: list[list[str]] = []

    async def look(run: Run) -> None:
        seen.append(sorted(one.status for one in (await world.ecs.find(ACCOUNT, REGION, made)).values()))
        raise Suspend

    world = make_world(database, clock, ids, activity=look)
    made: list[str] = []
    await world.driver.start("activity/asa-1", "activity")
    await world.settle()
    made += await world.ecs.launch(ACCOUNT, REGION, PLAIN, 2, client_token="t", watcher="activity/asa-1")
    await world.settle()
    await world.ecs.stop(ACCOUNT, made[:1], watcher="activity/asa-1")
    await world.settle()
    await world.ecs.release(ACCOUNT, made, watcher="activity/asa-1")
    await world.settle()

    assert seen[0] == []
    assert ["Running", "Running"] in seen
    assert ["Running", "Stopped"] in seen
    assert seen[-1] == []
