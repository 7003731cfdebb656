"""The chain on real hosts: from a rule executed to instances in service, whitelisted by their runbook.

    python bench/chain.py [--runs 15] [--sizes 10,100]

Measures start-up and idle memory as well. Prints ratios and writes bench/results/chain.json.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tidegate.assembly import Cloud
from tidegate.cloud.caller import Caller
from tidegate.settings import Settings

RESULTS = Path(__file__).parent / "results" / "chain.json"
REGION = "cn-hangzhou"
TEMPLATE = "ACS-ESS-LifeCycleModifyRedisIPWhitelist"
ACTIONS = ["ecs:DescribeInstances", "kvstore:ModifySecurityIps", "ess:CompleteLifecycleAction"]


class Group:
    """The tutorial's group, ready to scale."""

    def __init__(self, client: Caller, region: str = REGION) -> None:
        self._client = client
        self._region = region

    async def call(self, product: str, action: str, **parameters: Any) -> dict[str, Any]:
        return await self._client.call(product, action, {"RegionId": self._region, **parameters}, region=self._region)

    async def permit(self) -> None:
        """Give the runbooks' role, which is the account's, what the tutorial gives it."""
        policy = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": ACTIONS, "Resource": "*"}]}
        await self.call("ram", "CreatePolicy", PolicyName="hook", PolicyDocument=json.dumps(policy))
        await self.call("ram", "AttachPolicyToRole", PolicyType="Custom", PolicyName="hook", RoleName="OOSServiceRole")

    async def furnish(self) -> None:
        vswitch = (await self.call("ecs", "DescribeVSwitches"))["VSwitches"]["VSwitch"][0]
        image = (await self.call("ecs", "DescribeImages", OSType="linux"))["Images"]["Image"][0]["ImageId"]
        security_group = (await self.call("ecs", "DescribeSecurityGroups"))["SecurityGroups"]["SecurityGroup"][0]
        self.redis = (
            await self.call(
                "R-kvstore",
                "CreateInstance",
                InstanceClass="redis.master.small.default",
                Password="Tide12345gate",
                VSwitchId=vswitch["VSwitchId"],
                VpcId=vswitch["VpcId"],
                ZoneId=vswitch["ZoneId"],
            )
        )["InstanceId"]
        self.id = (
            await self.call(
                "ess",
                "CreateScalingGroup",
                MinSize=0,
                MaxSize=1000,
                DefaultCooldown=0,
                VSwitchIds=[vswitch["VSwitchId"]],
            )
        )["ScalingGroupId"]
        configuration = await self.call(
            "ess",
            "CreateScalingConfiguration",
            ScalingGroupId=self.id,
            ImageId=image,
            InstanceType="ecs.g6.large",
            SecurityGroupId=security_group["SecurityGroupId"],
        )
        await self.call(
            "ess",
            "EnableScalingGroup",
            ScalingGroupId=self.id,
            ActiveScalingConfigurationId=configuration["ScalingConfigurationId"],
        )
        account = (await self.call("sts", "GetCallerIdentity"))["AccountId"]
        for transition, mode in (("SCALE_OUT", "AppendDup"), ("SCALE_IN", "Delete")):
            await self.call(
                "ess",
                "CreateLifecycleHook",
                ScalingGroupId=self.id,
                LifecycleTransition=transition,
                DefaultResult="ABANDON",
                NotificationArn=f"acs:oos:{self._region}:{account}:template/{TEMPLATE}",
                NotificationMetadata=json.dumps({"dbInstanceId": self.redis, "modifyMode": mode}),
            )
        while (await self._redis_status()) != "Normal":
            await asyncio.sleep(0.01)
        self.rule = await self.call(
            "ess",
            "CreateScalingRule",
            ScalingGroupId=self.id,
            AdjustmentType="TotalCapacity",
            AdjustmentValue=0,
        )

    async def _redis_status(self) -> str:
        found = await self.call("R-kvstore", "DescribeInstanceAttribute", InstanceId=self.redis)
        return str(found["Instances"]["DBInstanceAttribute"][0]["InstanceStatus"])

    async def scale_to(self, total: int) -> float:
        """Set the capacity; return the seconds until the activity has ended well."""
        await self.call("ess", "ModifyScalingRule", ScalingRuleId=self.rule["ScalingRuleId"], AdjustmentValue=total)
        started = time.perf_counter()
        activity = await self.call("ess", "ExecuteScalingRule", ScalingRuleAri=self.rule["ScalingRuleAri"])
        while True:
            found = await self.call(
                "ess", "DescribeScalingActivities", ScalingActivityId=[activity["ScalingActivityId"]]
            )
            seen = found["ScalingActivities"]["ScalingActivity"][0]
            if seen["StatusCode"] != "InProgress":
                assert seen["StatusCode"] == "Successful", seen
                return time.perf_counter() - started
            await asyncio.sleep(0.005)

    async def listed(self) -> int:
        """How many addresses are on the whitelist, beside the one that lets nobody in."""
        found = await self.call("R-kvstore", "DescribeSecurityIps", InstanceId=self.redis)
        (group,) = found["SecurityIpGroups"]["SecurityIpGroup"]
        return len(group["SecurityIpList"].split(",")) - 1


async def scale(runs: int, sizes: list[int]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        settings = Settings(data_dir=Path(folder), port=0, ephemeral=True)
        async with Cloud.running(settings) as cloud, cloud.client() as client:
            group = Group(client)
            await group.permit()
            await group.furnish()
            single = []
            for _ in range(runs):
                single.append(await group.scale_to(1))
                assert await group.listed() == 1
                await group.scale_to(0)
            started = await first_tasks(cloud)
            many = {}
            for size in sizes:
                seconds = await group.scale_to(size)
                assert await group.listed() == size, "an address was lost"
                back = await group.scale_to(0)
                assert await group.listed() == 0
                many[size] = {"out": seconds, "in": back, "out_each_ms": 1000 * seconds / size}
            return {
                **cloud.world.summary,
                "one_p50_s": statistics.median(single),
                "one_worst_s": max(single),
                "hook_to_first_task_p50_ms": statistics.median(started),
                "hook_to_first_task_worst_ms": max(started),
                "many": many,
                "ratio_each_largest_to_smallest": many[sizes[-1]]["out_each_ms"] / many[sizes[0]]["out_each_ms"],
            }


async def first_tasks(cloud: Cloud) -> list[float]:
    """Return for each hook that started a runbook the milliseconds from its wait to the runbook's first task."""
    async with cloud.database.connection() as connection:
        rows = await connection.fetch(
            "select extract(epoch from task.started_at - action.started_at) * 1000 as waited from ess_action action"
            " join oos_task task on task.execution_id = action.execution_id and task.number = 1"
            " where task.parent_id is null"
        )
    return [float(row["waited"]) for row in rows]


def start_up() -> dict[str, Any]:
    """Seconds from the command to the first healthy answer, on an empty folder and again; idle memory with the database."""
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        seconds = []
        for _ in range(3):
            with _up(Path(folder)) as (process, took):
                seconds.append(took)
                time.sleep(3)
                processes = [process, *process.children(recursive=True)]
                memory = sum(one.memory_full_info().pss for one in processes) / 2**20
                helper = sum(
                    one.memory_full_info().pss for one in psutil.process_iter() if folder in " ".join(_words(one))
                )
        reset = [sys.executable, "-m", "tidegate", "reset", "--yes", "--data-dir", folder]
        subprocess.run(reset, check=True, stdout=subprocess.DEVNULL)
        Path(folder).mkdir(exist_ok=True)
        return {
            "empty_folder_s": seconds[0],
            "existing_folder_s": min(seconds[1:]),
            "idle_mib": memory,
            "helper_mib": helper / 2**20,
        }


def _words(process: psutil.Process) -> list[str]:
    try:
        words: list[str] = process.cmdline()
    except psutil.Error:
        return []
    return words if "helper" in " ".join(words) else []


@contextmanager
def _up(folder: Path) -> Iterator[tuple[psutil.Process, float]]:
    endpoint = folder / "endpoint.json"
    endpoint.unlink(missing_ok=True)
    started = time.perf_counter()
    process = psutil.Popen(
        [sys.executable, "-m", "tidegate", "up", "--port", "0", "--data-dir", str(folder)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not endpoint.exists():
            assert process.poll() is None
            time.sleep(0.005)
        url = json.loads(endpoint.read_text())["url"]
        with urllib.request.urlopen(f"{url}/_tidegate/health", timeout=5) as answer:
            assert answer.status == 200
        yield psutil.Process(process.pid), time.perf_counter() - started
    finally:
        process.send_signal(2)
        process.wait(20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--sizes", default="10,100")
    options = parser.parse_args()
    result = {
        "start": start_up(),
        "scale": asyncio.run(scale(options.runs, [int(size) for size in options.sizes.split(",")])),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
