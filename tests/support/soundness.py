"""What must be true of a scaling group at every moment, and what when it has come to rest, read from its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from support.ess import World
from tidegate.services.ess.states import COUNTED, STEADY, MemberState

_COMING = {MemberState.PENDING, MemberState.PENDING_WAIT}
_MOVING = {*_COMING, MemberState.REMOVING, MemberState.REMOVING_WAIT}


async def wrongs(world: World, group: str) -> list[str]:
    """Return what is wrong with a group now, whatever is going on in it; nothing is the good answer."""
    async with world.database.connection() as db:
        members = [dict(row) for row in await db.fetch("select * from ess_member where group_id = $1", group)]
        activities = [dict(row) for row in await db.fetch("select * from ess_activity where group_id = $1", group)]
        row = dict(await db.fetchrow("select * from ess_group where id = $1", group))
        refresh = await db.fetchrow("select * from ess_refresh where group_id = $1 and ended_at is null", group)
    shown = await world.group(group)
    running = {one["id"]: one for one in activities if one["status"] == "InProgress"}
    return [
        *_about_counts(shown, members),
        *_about_members(members, running),
        *_about_activities(row, activities, running),
        *([f"works failed: {failed}"] if (failed := await world.failed_works()) else []),
        *(["refreshing without a refresh"] if row["refreshing"] and refresh is None else []),
    ]


def _about_counts(shown: dict[str, Any], members: list[dict[str, Any]]) -> list[str]:
    total = sum(one["capacity"] for one in members if one["state"] in COUNTED)
    counters = Counter[str]()
    for one in members:
        counters[one["state"]] += one["capacity"]
    wrong = [] if shown["TotalCapacity"] == total else [f"TotalCapacity {shown['TotalCapacity']}, counted {total}"]
    if shown["ActiveCapacity"] != counters["InService"]:
        wrong.append(f"ActiveCapacity {shown['ActiveCapacity']}, counted {counters['InService']}")
    return wrong


def _about_members(members: list[dict[str, Any]], running: dict[str, Any]) -> list[str]:
    wrong = []
    for one in members:
        name = f"{one['instance_id']} ({one['state']})"
        if one["state"] in _MOVING and one["busy_with"] not in running:
            wrong.append(f"{name} is moved by nobody")
        if one["state"] not in _MOVING and one["busy_with"] is not None:
            wrong.append(f"{name} is held by {one['busy_with']}")
        if one["state"] in STEADY and one["joined_at"] is None:
            wrong.append(f"{name} never joined")
    return wrong


def _about_activities(group: dict[str, Any], activities: list[dict[str, Any]], running: dict[str, Any]) -> list[str]:
    wrong = []
    if len(running) > 1 and group["desired_capacity"] is None:
        wrong.append(f"side by side without desired capacity: {sorted(running)}")
    if len(running) > 1 and not all(one["parallel"] for one in running.values()):
        wrong.append(f"one of several is not parallel: {sorted(running)}")
    for one in activities:
        ended = one["ended_at"] is not None
        if ended == (one["status"] == "InProgress"):
            wrong.append(f"{one['id']} is {one['status']} and {'ended' if ended else 'goes on'}")
        if one["status"] == "Successful" and one["errors"]:
            wrong.append(f"{one['id']} is Successful with errors")
        if ended and one["ordered"]:
            wrong.append(f"{one['id']} has ended and still orders {one['ordered']}")
        if len(set(one["created_ids"])) < len(one["created_ids"]):
            wrong.append(f"{one['id']} names an instance twice")
    return wrong


async def unrest(world: World, group: str, outside: Collection[str] = ()) -> list[str]:
    """Return what is wrong with a group that nothing disturbs any more: it is within its bounds and owns what there is.

    ``outside`` are instances that live beside it.
    """
    shown, members = await world.group(group), await world.members(group)
    total, low, high = shown["TotalCapacity"], shown["MinSize"], shown["MaxSize"]
    movable = [state for state in members.values() if state not in {"Protected", "Standby"}]
    wrong = [] if set(members.values()) <= {*STEADY, "Stopped"} else [f"something moves: {members}"]
    if total < low or (total > high and movable):
        wrong.append(f"{total} are not within {low} and {high}")
    wanted = shown.get("DesiredCapacity")
    if wanted is not None and (total < wanted or (total > wanted and "InService" in movable)):
        wrong.append(f"{total} are not the {wanted} that are desired")
    machines = set(await world.hosts.states())
    if machines != {*members, *outside}:
        wrong.append(f"machines {machines ^ {*members, *outside}} are nobody's, or not there")
    return wrong
