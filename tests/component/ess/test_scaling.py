"""Scaling by hand: what an activity does, in order, and what it says."""

from __future__ import annotations

from support.ess import World


async def test_a_scale_out_makes_instances_and_puts_them_into_service(world: World) -> None:
    group = await world.make_group()

    activity = await world.scale(group, 2)

    shown = await world.activity(activity)
    assert shown["StatusCode"] == "Successful", shown
    members = await world.members(group)
    assert list(members.values()) == ["InService", "InService"]
