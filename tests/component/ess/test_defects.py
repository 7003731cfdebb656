"""Activities whose work gives up by a defect: the group goes on, and nothing is left behind."""

from __future__ import annotations

from typing import Any

import pytest

from support.ess import World
from tidegate.reconcile.activity import ActivityController
from tidegate.reconcile.engine import MAX_ATTEMPTS


def break_step(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let a step of activities fail for ever."""

    async def fail(*_: Any) -> None:
        raise RuntimeError(f"{name} is broken")

    monkeypatch.setattr(ActivityController, name, fail)


async def give_up(world: World) -> None:
    for _ in range(MAX_ATTEMPTS + 5):
        await world.advance(minutes=1)


@pytest.mark.parametrize("step", ["_enrol", "_join", "_close"])
async def test_an_activity_that_gives_up_leaves_no_machine_that_nobody_knows(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    group = await world.make_group()
    [stranger] = await world.launch()
    with monkeypatch.context() as patch:
        break_step(patch, step)
        activity = await world.scale(group, 2)
        await give_up(world)

    ended = await world.activity(activity)
    await world.advance(minutes=2)
    members = await world.members(group)
    assert ended["StatusCode"] == "Failed"
    assert await world.hosts.states() == dict.fromkeys([stranger, *members], "Running")
    assert len(members) == (2 if step == "_close" else 0)
    assert (await world.activity(await world.scale(group, 1)))["StatusCode"] == "Successful"


async def test_a_stopped_member_that_was_started_again_is_not_left_running(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = await world.make_group(ScalingPolicy="recycle")
    await world.scale(group, 1)
    await world.scale(group, -1)
    with monkeypatch.context() as patch:
        break_step(patch, "_join")
        await world.scale(group, 1)
        await give_up(world)

    assert await world.members(group) == {}
    assert await world.hosts.states() == {}
