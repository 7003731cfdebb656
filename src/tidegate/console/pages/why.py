"""Why an instance is, or is not, on a whitelist: one finding after the other, each with what it rests on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from tidegate.console import cures
from tidegate.console.page import Page
from tidegate.console.pages.redis import entries_of, execution_of, holds, visitors_of
from tidegate.console.pages.runbooks import find_execution
from tidegate.errors import CloudError
from tidegate.store import chronicle

_CHANGES = 200


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence; ``good`` is None for a plain fact."""

    text: str
    good: bool | None = None
    link: str = ""
    label: str = ""


async def why(page: Page) -> Response:
    """Ask for an instance and a Redis instance, and answer."""
    redis, instances = await page.together(
        page.look("R-kvstore", "DescribeInstances", PageSize=50), page.look("ecs", "DescribeInstances", PageSize=100)
    )
    database, instance = page.query.get("redis", ""), page.query.get("instance", "")
    findings: list[Finding] = []
    refusal: CloudError | None = None
    if database and instance:
        try:
            findings = await _Question(page, database, instance).answer()
        except CloudError as error:
            refusal = error
    return page.render(
        "why.html",
        redis=redis.rows("Instances", "KVStoreInstance"),
        instances=instances.rows("Instances", "Instance"),
        database=database,
        instance=instance,
        findings=findings,
        refusal=refusal,
    )


class _Question:
    """One question on its way to an answer. Every fact comes from a call that the asker may make."""

    def __init__(self, page: Page, redis: str, instance: str) -> None:
        self._page = page
        self._redis = redis
        self._instance = instance

    async def answer(self) -> list[Finding]:
        """Return the findings in the order in which a person would look. Raises CloudError."""
        page = self._page
        whitelist = await page.call("R-kvstore", "DescribeSecurityIps", InstanceId=self._redis)
        groups = whitelist["SecurityIpGroups"]["SecurityIpGroup"]
        async with page.around.database.connection() as connection:
            changes = await chronicle.changes(connection, self._redis, _CHANGES)
            sources = await chronicle.sources(connection, self._redis)
            presence = (await chronicle.presences(connection, [self._instance])).get(self._instance)
        address = await self._address()
        if address is None:
            return [self._fact(page.say("There is no instance {id} in this region.", id=self._instance), good=False)]
        findings = [self._fact(page.say("The instance's address is {address}.", address=address))]
        findings += await self._attempts(address)
        holding = [
            (group["SecurityIpGroupName"], entry)
            for group in groups
            for entry in entries_of(group)
            if holds(entry, address)
        ]
        if holding:
            return [*findings, *(self._listed(name, entry, sources.get((name, entry))) for name, entry in holding)]
        findings.append(self._fact(page.say("No entry of the whitelist covers it."), good=False))
        # Addresses are used again: what happened to this one before the instance was there is another's story.
        since = presence.created_at if presence is not None else None
        removed = next((one for one in changes if address in one.removed and (since is None or one.at >= since)), None)
        if removed is not None:
            findings.append(self._by(page.say("It was there and was taken off."), removed))
        return [*findings, *await self._group()]

    async def _attempts(self, address: str) -> list[Finding]:
        """Say what the gate saw of the address."""
        page = self._page
        seen = next((one for one in await visitors_of(page, self._redis) if one.address == address), None)
        if seen is None:
            return [self._fact(page.say("It has not tried to connect within a day."))]
        admitted = seen.admitted.count if seen.admitted else 0
        refused = seen.refused.count if seen.refused else 0
        text = page.say(
            "It tried to connect: accepted {admitted} times, refused {refused} times.",
            admitted=admitted,
            refused=refused,
        )
        link = page.to("redis", self._redis) + "#attempts"
        return [self._fact(text, good=admitted > 0 if refused else None, link=link, label=self._redis)]

    def _listed(self, group: str, entry: str, source: chronicle.Change | None) -> Finding:
        page = self._page
        text = page.say("Entry {entry} of group {group} lets it in.", entry=entry, group=group)
        return self._by(text, source, good=True) if source is not None else self._fact(text, good=True)

    async def _group(self) -> list[Finding]:
        """Say what the instance's scaling group should have done."""
        page = self._page
        found = await page.call("ess", "DescribeScalingInstances", InstanceIds=[self._instance])
        members = found["ScalingInstances"]["ScalingInstance"]
        if not members:
            return [self._fact(page.say("It is in no scaling group, so no hook puts it on a whitelist."), good=False)]
        member = members[0]
        group = member["ScalingGroupId"]
        state = page.rendering.words.state(page.language, member["LifecycleState"])
        findings = [
            self._fact(
                page.say("In its scaling group it is {state}.", state=state),
                link=page.to("ess", group, tab="instances"),
                label=group,
            )
        ]
        hooks = (await page.call("ess", "DescribeLifecycleHooks", ScalingGroupId=group))["LifecycleHooks"][
            "LifecycleHook"
        ]
        fitting = [hook for hook in hooks if hook["LifecycleTransition"] == "SCALE_OUT" and self._names_redis(hook)]
        if not fitting:
            text = page.say("No scale-out hook of the group runs a template for this Redis instance.")
            return [
                *findings,
                self._fact(
                    text, good=False, link=page.to("ess", group, tab="hooks"), label=page.say("Lifecycle hooks")
                ),
            ]
        return [*findings, *await self._waits({hook["LifecycleHookId"] for hook in fitting})]

    async def _waits(self, hooks: set[str]) -> list[Finding]:
        page = self._page
        async with page.around.database.connection() as connection:
            activities = await chronicle.activities_of_instance(connection, self._instance, 10)
            actions = await chronicle.actions(connection, activities)
        mine = [one for one in actions if one.hook_id in hooks and self._instance in one.instance_ids]
        if not mine:
            return [
                self._fact(
                    page.say(
                        "The hook did not hold this instance: it joined before the hook was there, or without hooks."
                    ),
                    good=False,
                )
            ]
        return [finding for action in mine for finding in await self._execution(action)]

    async def _execution(self, action: chronicle.ActionTimes) -> list[Finding]:
        page = self._page
        state = page.rendering.words.state(page.language, action.result or action.status)
        findings = [
            self._fact(
                page.say("Hook {hook} held it: {state}.", hook=action.hook_name, state=state),
                link=page.to("timeline", activity=action.activity_id),
                label=page.say("Timeline"),
            )
        ]
        if action.execution_id is None:
            return [*findings, self._fact(page.say("No execution was started for it."), good=False)]
        execution = await find_execution(page, action.execution_id)
        status = page.rendering.words.state(page.language, execution["Status"])
        findings.append(
            self._fact(
                page.say("Its execution: {state}.", state=status),
                good=execution["Status"] == "Success",
                link=page.to("oos", "executions", action.execution_id),
                label=action.execution_id,
            )
        )
        if execution["StatusMessage"]:
            findings.append(self._fact(execution["StatusMessage"], good=False))
        for cause, cure in cures.explain([execution["StatusMessage"]], page):
            findings.append(self._fact(f"{cause} {cure}"))
        return findings

    async def _address(self) -> str | None:
        found = await self._page.call("ecs", "DescribeInstances", InstanceIds=json.dumps([self._instance]))
        rows = found["Instances"]["Instance"]
        addresses = rows[0]["VpcAttributes"]["PrivateIpAddress"]["IpAddress"] if rows else []
        return addresses[0] if addresses else None

    def _names_redis(self, hook: Mapping[str, Any]) -> bool:
        return ":template/" in (hook.get("NotificationArn") or "") and self._redis in (
            hook.get("NotificationMetadata") or ""
        )

    def _by(self, text: str, change: chronicle.Change, *, good: bool | None = None) -> Finding:
        page = self._page
        execution = execution_of(change.caller)
        if execution is not None:
            return self._fact(text, good=good, link=page.to("oos", "executions", execution), label=execution)
        return self._fact(f"{text} {change.caller}", good=good)

    @staticmethod
    def _fact(text: str, *, good: bool | None = None, link: str = "", label: str = "") -> Finding:
        return Finding(text=text, good=good, link=link, label=label)
