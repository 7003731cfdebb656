"""Redis: instances, their whitelists, and who put each entry there."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from starlette.responses import Response

from tidegate.console.page import Form, Found, Page
from tidegate.errors import PlaneError
from tidegate.plane.gate.base import Visitor
from tidegate.store import chronicle

_PER_PAGE = 30
_CHANGES_SHOWN = 30
_ATTEMPTS_SHOWN = 50
_GAPS = re.compile(r"[\s,]+")
_EXECUTION = re.compile(r":assumed-role/[^/]+/(exec-[a-z0-9]+)$")


class Entry(msgspec.Struct, frozen=True):
    """One entry of a whitelist group, and the change that brought it."""

    address: str
    source: chronicle.Change | None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What one address tried at the gate; ``instance`` is the ECS instance that has it, if the reader may see it."""

    address: str
    instance: str
    admitted: int
    refused: int
    first_admitted: datetime | None
    last_admitted: datetime | None
    last_refused: datetime | None
    is_listed: bool

    @property
    def last(self) -> datetime:
        """When it came last."""
        return max(one for one in (self.last_admitted, self.last_refused) if one is not None)


class Group(msgspec.Struct, frozen=True):
    """One group of a whitelist."""

    name: str
    entries: Sequence[Entry]


async def instances(page: Page) -> Response:
    """Show all Redis instances."""
    found, vswitches = await page.together(
        page.look("R-kvstore", "DescribeInstances", PageNumber=page.number, PageSize=_PER_PAGE),
        page.look("ecs", "DescribeVSwitches", PageSize=50),
    )
    rows = found.rows("Instances", "KVStoreInstance")
    return page.render("redis_all.html", found=found, rows=rows, vswitches=vswitches, size=_PER_PAGE)


async def instance(page: Page) -> Response:
    """Show one Redis instance; its whitelist's history only to who may see the whitelist."""
    the_id = page.path("id")
    one = (await page.call("R-kvstore", "DescribeInstanceAttribute", InstanceId=the_id))["Instances"][
        "DBInstanceAttribute"
    ][0]
    groups = await page.look("R-kvstore", "DescribeSecurityIps", InstanceId=the_id)
    changes: list[chronicle.Change] = []
    sources: Mapping[tuple[str, str], chronicle.Change] = {}
    activities: Mapping[str, str] = {}
    attempts: list[Attempt] = []
    if groups.refusal is None:
        async with page.around.database.connection() as connection:
            changes = await chronicle.changes(connection, one["InstanceId"], _CHANGES_SHOWN)
            sources = await chronicle.sources(connection, one["InstanceId"])
            executions = {found for change in (*changes, *sources.values()) if (found := execution_of(change.caller))}
            activities = await chronicle.activities_of_executions(connection, sorted(executions))
        attempts = await _attempts(page, one["InstanceId"], groups)
    return page.render(
        "redis_one.html",
        one=one,
        groups=groups,
        listed=[_group(group, sources) for group in groups.rows("SecurityIpGroups", "SecurityIpGroup")],
        attempts=attempts[:_ATTEMPTS_SHOWN],
        admitted=sum(one.admitted for one in attempts),
        refused=sum(one.refused for one in attempts),
        changes=changes,
        activities=activities,
        execution_of=execution_of,
    )


async def edit_whitelist(page: Page) -> Response:
    """Make a whitelist group what a person wrote, as a difference from what that person saw."""
    form = await page.form()
    for mode, entries in difference(form):
        await page.call(
            "R-kvstore",
            "ModifySecurityIps",
            InstanceId=page.path("id"),
            SecurityIpGroupName=form.get("group"),
            ModifyMode=mode,
            SecurityIps=",".join(entries),
        )
    return page.go(page.to("redis", page.path("id")), said="The whitelist was changed.")


def difference(form: Form) -> Sequence[tuple[str, Sequence[str]]]:
    """Return the changes, as (mode, entries), that lead from the entries that a person ``was`` shown to those written."""
    was, wanted = (dict.fromkeys(_GAPS.split(form.get(name).strip())) for name in ("was", "entries"))
    changes = (
        ("Append", [one for one in wanted if one and one not in was]),
        ("Delete", [one for one in was if one and one not in wanted]),
    )
    return [(mode, entries) for mode, entries in changes if entries]


def execution_of(caller: str) -> str | None:
    """Return the execution that an ARN belongs to: runbooks act in a session named after them."""
    match = _EXECUTION.search(caller)
    return match[1] if match else None


async def visitors_of(page: Page, redis: str) -> Sequence[Visitor]:
    """Return who tried to connect to a Redis instance that the reader may see; nobody, when its gate does not tell."""
    try:
        return await page.around.door.attempts(redis)
    except PlaneError:
        return ()


async def _attempts(page: Page, redis: str, groups: Found) -> list[Attempt]:
    """Return who tried to connect, the latest first, to whoever may see the whitelist."""
    visitors = await visitors_of(page, redis)
    listed = [entry for group in groups.rows("SecurityIpGroups", "SecurityIpGroup") for entry in entries_of(group)]
    now = page.clock.now()
    attempts = sorted((_attempt(visitor, now, listed) for visitor in visitors), key=lambda one: one.last, reverse=True)
    instances = await _instances(page, [one.address for one in attempts[:_ATTEMPTS_SHOWN]])
    return [msgspec.structs.replace(one, instance=instances.get(one.address, "")) for one in attempts]


def _attempt(visitor: Visitor, now: datetime, listed: Sequence[str]) -> Attempt:
    admitted, refused = visitor.admitted, visitor.refused
    return Attempt(
        address=visitor.address,
        instance="",
        admitted=admitted.count if admitted else 0,
        refused=refused.count if refused else 0,
        first_admitted=_ago(now, admitted.first) if admitted else None,
        last_admitted=_ago(now, admitted.last) if admitted else None,
        last_refused=_ago(now, refused.last) if refused else None,
        is_listed=any(holds(entry, visitor.address) for entry in listed),
    )


def _ago(now: datetime, seconds: float) -> datetime:
    """Return when that was, to the second: a page must not change because a gate tells it a millisecond off."""
    return (now - timedelta(seconds=seconds)).replace(microsecond=0)


async def _instances(page: Page, addresses: Sequence[str]) -> Mapping[str, str]:
    """Return which of the instances that the reader may see have these addresses."""
    if not addresses:
        return {}
    async with page.around.database.connection() as connection:
        ids = await chronicle.instances_at(connection, addresses)
    if not ids:
        return {}
    found = await page.look("ecs", "DescribeInstances", InstanceIds=json.dumps(list(ids.values())), PageSize=100)
    shown = {one["InstanceId"] for one in found.rows("Instances", "Instance")}
    return {address: one for address, one in ids.items() if one in shown}


def _group(group: Mapping[str, Any], sources: Mapping[tuple[str, str], chronicle.Change]) -> Group:
    name = group["SecurityIpGroupName"]
    return Group(name, [Entry(address, sources.get((name, address))) for address in entries_of(group)])


def entries_of(group: Mapping[str, Any]) -> Sequence[str]:
    """Return the entries of a whitelist group as the API writes it."""
    return [entry for entry in group["SecurityIpList"].split(",") if entry]


def holds(entry: str, address: str) -> bool:
    """Tell whether an entry of a whitelist covers an address."""
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
