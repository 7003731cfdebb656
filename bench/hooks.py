"""Ten thousand lifecycle hooks that wait at once: what waiting costs, and how soon an instance goes on.

A thousand instances are attached, each by an activity of its own, which waits on ten hooks; hosts in memory. Processor time is that of the whole
cloud in this process and of its PostgreSQL, over half a minute in which nothing happens. A resume is from the last
CompleteLifecycleAction of an activity to its instance in service.

    python bench/hooks.py [groups]
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import uvloop

from chain import REGION
from runbook import percentiles
from tidegate.assembly import Cloud
from tidegate.cloud.caller import Caller
from tidegate.settings import Settings
from waiting import QUIET, shares, spent

EACH = 20  # activities at once in a group
HOOKS = 10
RESUMED = 200
PATIENCE = 300.0


class Waiting:
    """Groups whose instances wait on ten hooks each."""

    def __init__(self, client: Caller) -> None:
        self._client = client

    async def call(self, action: str, *, product: str = "ess", **parameters: Any) -> dict[str, Any]:
        return await self._client.call(product, action, {"RegionId": REGION, **parameters}, region=REGION)

    async def furnish(self) -> None:
        vswitches = await self.call("DescribeVSwitches", product="ecs")
        self._vswitch = vswitches["VSwitches"]["VSwitch"][0]["VSwitchId"]
        images = await self.call("DescribeImages", product="ecs", OSType="linux")
        self._image = images["Images"]["Image"][0]["ImageId"]
        security_groups = await self.call("DescribeSecurityGroups", product="ecs")
        self._security_group = security_groups["SecurityGroups"]["SecurityGroup"][0]["SecurityGroupId"]

    async def make_group(self) -> list[str]:
        """Make a group, start its activities and return them."""
        made = await self.call(
            "CreateScalingGroup",
            MinSize=0,
            MaxSize=EACH,
            DesiredCapacity=0,
            DefaultCooldown=0,
            VSwitchIds=[self._vswitch],
        )
        group = made["ScalingGroupId"]
        configuration = await self.call(
            "CreateScalingConfiguration",
            ScalingGroupId=group,
            ImageId=self._image,
            InstanceType="ecs.g6.large",
            SecurityGroupId=self._security_group,
        )
        await self.call(
            "EnableScalingGroup",
            ScalingGroupId=group,
            ActiveScalingConfigurationId=configuration["ScalingConfigurationId"],
        )
        for _ in range(HOOKS):
            await self.call(
                "CreateLifecycleHook",
                ScalingGroupId=group,
                LifecycleTransition="SCALE_OUT",
                HeartbeatTimeout=21600,
            )
        machines = await self.call(
            "RunInstances",
            product="ecs",
            ImageId=self._image,
            InstanceType="ecs.g6.large",
            SecurityGroupId=self._security_group,
            VSwitchId=self._vswitch,
            Amount=EACH,
        )
        launched = machines["InstanceIdSets"]["InstanceIdSet"]
        while not await self._run(launched):
            await asyncio.sleep(0.01)
        started = [
            await self.call("AttachInstances", ScalingGroupId=group, InstanceId=[one], LifecycleHook=True)
            for one in launched
        ]
        return [activity["ScalingActivityId"] for activity in started]

    async def _run(self, instance_ids: list[str]) -> bool:
        found = await self.call("DescribeInstances", product="ecs", InstanceIds=instance_ids, PageSize=EACH)
        return all(one["Status"] == "Running" for one in found["Instances"]["Instance"])

    async def waits(self, activity: str) -> list[dict[str, Any]]:
        found = await self.call(
            "DescribeLifecycleActions", ScalingActivityId=activity, LifecycleActionStatus="Pending", MaxResults=HOOKS
        )
        return list(found["LifecycleActions"]["LifecycleAction"])

    async def held(self, activity: str) -> None:
        """Wait until the activity waits on all its hooks."""
        until = time.monotonic() + PATIENCE
        while len(await self.waits(activity)) < HOOKS:
            assert time.monotonic() < until, "not everything came to wait in time"
            await asyncio.sleep(0.05)

    async def resume(self, activity: str) -> float:
        """Complete all waits; return the milliseconds from the last one to the instance in service."""
        begun = 0.0
        for wait in await self.waits(activity):
            begun = time.perf_counter()
            await self.call(
                "CompleteLifecycleAction",
                LifecycleHookId=wait["LifecycleHookId"],
                LifecycleActionToken=wait["LifecycleActionToken"],
                LifecycleActionResult="CONTINUE",
            )
        while True:
            found = await self.call("DescribeScalingActivities", ScalingActivityId=[activity])
            (seen,) = found["ScalingActivities"]["ScalingActivity"]
            if seen["StatusCode"] != "InProgress":
                assert seen["StatusCode"] == "Successful", seen
                return (time.perf_counter() - begun) * 1000


async def measure(count: int) -> dict[str, Any]:
    own = psutil.Process()
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        settings = Settings(data_dir=Path(folder), port=0, hosts="memory", gate="memory", ephemeral=True)
        async with Cloud.running(settings) as cloud, cloud.client() as client:
            waiting = Waiting(client)
            await waiting.furnish()
            activities = [one for _ in range(count) for one in await waiting.make_group()]
            for activity in activities:
                await waiting.held(activity)
            before, since = spent(own), time.perf_counter()
            await asyncio.sleep(QUIET)
            idle = shares(own, before, spent(own), time.perf_counter() - since)
            chosen = random.Random(7).sample(activities, min(RESUMED, len(activities)))
            latencies = [await waiting.resume(activity) for activity in chosen]
    return {
        "waiting_hooks": len(activities) * HOOKS,
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "idle_percent_of_a_core": {who: round(100 * share, 2) for who, share in idle.items()},
        "resumed": percentiles(latencies),
    }


def main() -> None:
    results = uvloop.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 50))
    print(json.dumps(results, indent=2))
    target = Path(__file__).parent / "results" / "hooks.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
