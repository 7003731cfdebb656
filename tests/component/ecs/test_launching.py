"""Launching instances: what is made, what is refused, what a repeat does."""

from __future__ import annotations

import asyncio
import base64

import pytest

from support.ecs import ACCOUNT, IMAGE, PLAIN, REGION, TYPE, World
from tidegate.errors import CloudError


async def test_an_instance_is_pending_at_once_and_running_by_itself(world: World) -> None:
    made = await world.ecs.launch(ACCOUNT, REGION, PLAIN, 1, client_token="t")
    at_first = await world.status(made[0])

    await world.settle()

    assert at_first == "Pending"
    assert await world.status(made[0]) == "Running"
    assert await world.hosts.states() == {made[0]: "Running"}


async def test_a_host_is_made_of_what_the_instance_is(world: World) -> None:
    [made] = (await world.call("RunInstances", ImageId=IMAGE, InstanceType=TYPE, HostName="web-1",
                               UserData=base64.b64encode(b"#!/bin/sh\necho hi\n").decode()))["InstanceIdSets"]["InstanceIdSet"]  # fmt: skip
    await world.settle()

    spec = world.hosts.specs[made]
    assert (spec.hostname, spec.user_data, spec.memory) == ("web-1", b"#!/bin/sh\necho hi\n", 8192)
    assert spec.network == "172.16.0.0/20"
    assert spec.gateway == "172.16.15.253"
    assert spec.address == "172.16.0.1"


async def test_a_batch_of_a_hundred_runs_with_distinct_lowest_addresses(world: World) -> None:
    made = await world.launch(100)

    found = await world.ecs.find(ACCOUNT, REGION, made)
    assert {one.status for one in found.values()} == {"Running"}
    assert [found[one].private_address for one in made] == [f"172.16.0.{n}" for n in range(1, 101)]


async def test_two_launches_at_once_never_share_an_address(world: World) -> None:
    await world.launch()

    batches = await asyncio.gather(
        *(world.ecs.launch(ACCOUNT, REGION, PLAIN, 5, client_token=f"{n}") for n in range(8))
    )

    found = await world.ecs.find(ACCOUNT, REGION, [one for batch in batches for one in batch])
    assert len({one.private_address for one in found.values()}) == 40


async def test_a_released_address_is_handed_out_again(world: World) -> None:
    first, second = await world.launch(2)
    await world.ecs.release(ACCOUNT, [first])
    await world.settle()

    [third] = await world.launch()

    found = await world.ecs.find(ACCOUNT, REGION, [second, third])
    assert (found[third].private_address, found[second].private_address) == ("172.16.0.1", "172.16.0.2")


async def test_the_same_client_token_makes_nothing_new(world: World) -> None:
    answers = [
        await world.call("RunInstances", token="t", ImageId=IMAGE, InstanceType=TYPE, Amount=2) for _ in range(2)
    ]

    assert answers[0] == answers[1]
    assert (await world.call("DescribeInstances"))["TotalCount"] == 2


async def test_the_same_client_token_with_other_parameters_is_refused(world: World) -> None:
    await world.call("RunInstances", token="t", ImageId=IMAGE, InstanceType=TYPE)

    with pytest.raises(CloudError) as refused:
        await world.call("RunInstances", token="t", ImageId=IMAGE, InstanceType=TYPE, Amount=2)

    assert refused.value.code == "IdempotentParameterMismatch"
