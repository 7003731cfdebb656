"""Load balancing on real hosts: no request is dropped while a group scales, and what HAProxy costs.

    python bench/balancer.py [--rounds 3] [--seconds 4]

A group of web servers stands behind an HTTP listener. Clients ask without pause, on new and on kept connections, while
the group goes from 2 to 6 members and back again and again. Then the same clients ask one server directly and through the
load balancer, in turns. Writes bench/results/balancer.json.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import statistics
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidegate.assembly import Cloud
from tidegate.cloud.caller import Caller
from tidegate.services.operation import Principal
from tidegate.settings import Settings

RESULTS = Path(__file__).parent / "results" / "balancer.json"
REGION = "cn-hangzhou"
PORT, BEHIND = 80, 8080
FEW, MANY = 2, 6
CLIENTS = 12
PATIENCE = 30.0

#: A server that answers with its host's name after the milliseconds it is asked for, and keeps connections.
SERVER = r"""#!/bin/sh
cat >/root/serve.py <<'EOF'
import asyncio, os, socket

async def serve(reader, writer):
    try:
        while line := await reader.readline():
            while (await reader.readline()).strip():
                pass
            pause = line.split()[1].rpartition(b"=")[2]
            if pause.isdigit() and int(pause):
                await asyncio.sleep(int(pause) / 1000)
            body = b"" if line.startswith(b"HEAD") else NAME
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(NAME) + body)
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    writer.close()

async def main():
    server = await asyncio.start_server(serve, os.environ.get("PRIVATE_IP", ""), 8080, backlog=512)
    await server.serve_forever()

NAME = (os.environ.get("PRIVATE_IP") or socket.gethostname()).encode()
asyncio.run(main())
EOF
nohup python3 /root/serve.py >/root/serve.log 2>&1 &
"""


@dataclass
class Seen:
    """What clients saw."""

    answered: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0


class Web:
    """A group of web servers behind a load balancer."""

    def __init__(self, cloud: Cloud, client: Caller) -> None:
        self._cloud = cloud
        self._client = client

    async def call(self, product: str, action: str, **parameters: Any) -> dict[str, Any]:
        return await self._client.call(product, action, {"RegionId": REGION, **parameters}, region=REGION)

    async def furnish(self) -> None:
        vswitch = (await self.call("ecs", "DescribeVSwitches"))["VSwitches"]["VSwitch"][0]["VSwitchId"]
        image = (await self.call("ecs", "DescribeImages", OSType="linux"))["Images"]["Image"][0]["ImageId"]
        security_group = (await self.call("ecs", "DescribeSecurityGroups"))["SecurityGroups"]["SecurityGroup"][0]
        made = await self.call("slb", "CreateLoadBalancer", VSwitchId=vswitch)
        self.balancer, self.address = made["LoadBalancerId"], made["Address"]
        await self.call(
            "slb",
            "CreateLoadBalancerHTTPListener",
            LoadBalancerId=self.balancer,
            ListenerPort=PORT,
            BackendServerPort=BEHIND,
            HealthCheckInterval=1,
            HealthyThreshold=2,
            UnhealthyThreshold=2,
        )
        await self.call("slb", "StartLoadBalancerListener", LoadBalancerId=self.balancer, ListenerPort=PORT)
        self.id = (
            await self.call(
                "ess",
                "CreateScalingGroup",
                MinSize=0,
                MaxSize=100,
                DefaultCooldown=0,
                VSwitchIds=[vswitch],
                LoadBalancerIds=json.dumps([self.balancer]),
            )
        )["ScalingGroupId"]
        configuration = await self.call(
            "ess",
            "CreateScalingConfiguration",
            ScalingGroupId=self.id,
            ImageId=image,
            InstanceType="ecs.g6.large",
            SecurityGroupId=security_group["SecurityGroupId"],
            UserData=base64.b64encode(SERVER.encode()).decode(),
        )
        await self.call(
            "ess",
            "EnableScalingGroup",
            ScalingGroupId=self.id,
            ActiveScalingConfigurationId=configuration["ScalingConfigurationId"],
        )

    async def scale_to(self, total: int) -> float:
        """Set the capacity; return the seconds until the activity has ended well."""
        started = time.perf_counter()
        rule = await self.call(
            "ess", "CreateScalingRule", ScalingGroupId=self.id, AdjustmentType="TotalCapacity", AdjustmentValue=total
        )
        activity = await self.call("ess", "ExecuteScalingRule", ScalingRuleAri=rule["ScalingRuleAri"])
        while True:
            found = await self.call(
                "ess", "DescribeScalingActivities", ScalingActivityId=[activity["ScalingActivityId"]]
            )
            seen = found["ScalingActivities"]["ScalingActivity"][0]
            if seen["StatusCode"] != "InProgress":
                assert seen["StatusCode"] == "Successful", seen
                await self.call("ess", "DeleteScalingRule", ScalingRuleId=rule["ScalingRuleId"])
                return time.perf_counter() - started
            await asyncio.sleep(0.02)

    async def all_serve(self, total: int) -> None:
        """Wait until the load balancer finds so many servers to be well."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await self.call("slb", "DescribeHealthStatus", LoadBalancerId=self.balancer)
                states = [one["ServerHealthStatus"] for one in found["BackendServers"]["BackendServer"]]
                if states == ["normal"] * total:
                    return
                await asyncio.sleep(0.05)

    async def server(self) -> str:
        """Return the address of one of the servers."""
        found = await self.call("slb", "DescribeLoadBalancerAttribute", LoadBalancerId=self.balancer)
        return str(found["BackendServers"]["BackendServer"][0]["ServerIp"])

    async def connect(self, address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Come to an address as a client from outside, by the network's router."""
        opened = await self._cloud.world.hosts.connect(None, address, port)
        opened.setblocking(False)
        return await asyncio.open_connection(sock=opened)


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pause: int) -> str:
    writer.write(b"GET /?ms=%d HTTP/1.1\r\nHost: shop\r\n\r\n" % pause)
    status = await reader.readline()
    length = 0
    while header := (await reader.readline()).strip():
        if header.lower().startswith(b"content-length:"):
            length = int(header.split()[1])
    body = (await reader.readexactly(length)).decode()
    if b" 200 " not in status:
        raise ConnectionError(f"answered {status.decode().strip() or 'nothing'}")
    return body


async def customer(web: Web, number: int, seen: Seen, over: asyncio.Event) -> None:
    """Ask until it is over: every other customer keeps its connection; each answer takes up to 60 ms."""
    keeps, opened, turn = number % 2 == 0, None, 0
    while not over.is_set():
        turn += 1
        started = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                opened = opened or await web.connect(web.address, PORT)
                seen.answered[await ask(*opened, (number * 7 + turn * 13) % 60)] += 1
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            seen.failures[f"{type(error).__name__}: {error}"] += 1
            keeps_now = False
        else:
            keeps_now = keeps
        seen.slowest = max(seen.slowest, time.perf_counter() - started)
        if opened is not None and not keeps_now:
            opened[1].close()
            opened = None
    if opened is not None:
        opened[1].close()


async def rate(web: Web, address: str, port: int, seconds: float) -> float:
    """Return requests a second over kept connections."""
    count, ends = 0, time.perf_counter() + seconds

    async def work() -> None:
        nonlocal count
        connection = await web.connect(address, port)
        while time.perf_counter() < ends:
            await ask(*connection, 0)
            count += 1
        connection[1].close()

    await asyncio.gather(*(work() for _ in range(CLIENTS)))
    return count / seconds


async def scaling(web: Web, rounds: int) -> dict[str, Any]:
    seen, over = Seen(), asyncio.Event()
    await web.scale_to(FEW)
    await web.all_serve(FEW)
    customers = [asyncio.create_task(customer(web, number, seen, over)) for number in range(CLIENTS)]
    out, back = [], []
    for _ in range(rounds):
        out.append(await web.scale_to(MANY))
        await web.all_serve(MANY)
        await asyncio.sleep(0.5)
        back.append(await web.scale_to(FEW))
    over.set()
    await asyncio.gather(*customers)
    return {
        "rounds": rounds,
        "members": [FEW, MANY],
        "requests": seen.answered.total() + seen.failures.total(),
        "servers that answered": len(seen.answered),
        "dropped": seen.failures.total(),
        "failures": dict(seen.failures),
        "slowest seconds": round(seen.slowest, 3),
        "scale-out seconds": round(statistics.median(out), 3),
        "scale-in seconds": round(statistics.median(back), 3),
    }


async def cost(web: Web, rounds: int, seconds: float) -> dict[str, Any]:
    await web.scale_to(1)
    await web.all_serve(1)
    server = await web.server()
    direct, balanced = [], []
    for _ in range(rounds):
        direct.append(await rate(web, server, BEHIND, seconds))
        balanced.append(await rate(web, web.address, PORT, seconds))
    return {
        "direct requests/s": round(statistics.median(direct)),
        "balanced requests/s": round(statistics.median(balanced)),
        "ratio": round(statistics.median(b / d for b, d in zip(balanced, direct, strict=True)), 2),
    }


async def measure(rounds: int, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder:
        settings = Settings(data_dir=Path(folder), port=0, ephemeral=True)
        async with Cloud.running(settings) as cloud:
            account = await cloud.services.ram.account_id()
            owner = Principal(kind="Account", account_id=account, id=account)
            web = Web(cloud, cloud.gateway.caller(owner))
            await web.furnish()
            found = {
                "world": cloud.banner,
                "scaling": await scaling(web, rounds),
                "cost": await cost(web, rounds, seconds),
            }
            with suppress(TimeoutError):
                await web.scale_to(0)
            return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0)
    given = parser.parse_args()
    found = asyncio.run(measure(given.rounds, given.seconds))
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    assert found["scaling"]["dropped"] == 0, "requests were dropped"


if __name__ == "__main__":
    main()
