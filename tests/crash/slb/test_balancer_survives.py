"""Kill -9 of the control plane while members join and leave a load balancer: clients notice nothing, and all ends in step.

Hosts are of the kind that every machine has, so that the clients can be threads of this process. ``TIDEGATE_CRASH_POINTS=all``
(``make crash``) takes every point below, the ordinary run one by chance; each failure names its point.
"""

from __future__ import annotations

import base64
import contextlib
import gc
import json
import logging
import os
import random
import signal
import socket
import threading
import time
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.running import RunningCloud
from support.sdks import REGION, Sdks, eventually

EVERY_POINT = os.environ.get("TIDEGATE_CRASH_POINTS") == "all"
ESS, SLB, RDS = "2014-08-28", "2014-05-15", "2014-08-15"
OUT = ["let-in.acted", "balance.before", "balance.acted", "balanced.acted", "join.acted"]
IN = ["weigh-nothing.acted", "unbalance.before", "unbalance.acted", "unbalanced.acted", "keep-out.acted"]
POINTS = [
    *((f"scale-out.{name}", 1) for name in OUT),
    *((f"scale-in.{name}", -1) for name in IN),
    *((f"balancer.serve.{name}", change) for name in ("before", "acted", "recorded") for change in (1, -1)),
]
FRONT = random.SystemRandom().randrange(28000, 32000)
WEB = f"""#!/bin/sh
mkdir -p $HOME/web && cd $HOME/web && echo well >index.html
nohup python3 -m http.server {FRONT + 1} --bind "$PRIVATE_IP" >log 2>&1 &
"""


class Shop:
    """A cloud with a group of one to two web servers behind a load balancer, which may be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.cloud = RunningCloud(folder, "--hosts", "loopback")
        self.cloud.start()
        self._keys = self.cloud.variables
        made = self.call(SLB, "CreateLoadBalancer", AddressType="intranet")
        self.balancer, self.address = made["LoadBalancerId"], made["Address"]
        self.call(
            SLB,
            "CreateLoadBalancerTCPListener",
            LoadBalancerId=self.balancer,
            ListenerPort=FRONT,
            BackendServerPort=FRONT + 1,
            ConnectionDrain="on",
            ConnectionDrainTimeout=10,
            healthCheckInterval=1,
            HealthyThreshold=2,
        )
        self.call(SLB, "StartLoadBalancerListener", LoadBalancerId=self.balancer, ListenerPort=FRONT)
        self.database = self.call(RDS, "CreateDBInstance", Engine="MySQL", EngineVersion="8.0")["DBInstanceId"]
        self.group = self.call(
            ESS,
            "CreateScalingGroup",
            MinSize=1,
            MaxSize=2,
            DefaultCooldown=0,
            LoadBalancerIds=json.dumps([self.balancer]),
            DBInstanceIds=json.dumps([self.database]),
        )["ScalingGroupId"]
        configuration = self.call(
            ESS,
            "CreateScalingConfiguration",
            ScalingGroupId=self.group,
            ImageId="aliyun_3_x64_20G_alibase_20240528.vhd",
            InstanceType="ecs.g6.large",
            UserData=base64.b64encode(WEB.encode()).decode(),
        )["ScalingConfigurationId"]
        self.call(ESS, "EnableScalingGroup", ScalingGroupId=self.group, ActiveScalingConfigurationId=configuration)
        self.rules = {
            change: self.call(
                ESS,
                "CreateScalingRule",
                ScalingGroupId=self.group,
                AdjustmentType="QuantityChangeInCapacity",
                AdjustmentValue=change,
            )["ScalingRuleAri"]
            for change in (1, -1)
        }
        self.in_step(1)

    def call(self, version: str, action: str, **parameters: Any) -> dict[str, Any]:
        keys = self._keys
        sdks = Sdks(self.cloud.endpoint, keys["ALIBABA_CLOUD_ACCESS_KEY_ID"], keys["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
        return sdks.call(version, action, RegionId=REGION, **parameters)

    def execute(self, change: int, token: str) -> None:
        self.call(ESS, "ExecuteScalingRule", ScalingRuleAri=self.rules[change], ClientToken=token)

    def die_at(self, point: str, change: int) -> None:
        """Execute a rule in a cloud that dies at ``point``, and start it again."""
        token = uuid.uuid4().hex
        self.cloud.kill()
        self.cloud.start(TIDEGATE_CRASH_AT=point, wait=False)
        with contextlib.suppress(Exception):  # it may die before it answers; the token finds the activity again
            self.cloud.wait_until_ready(10)
            self.execute(change, token)
        if not self.cloud.has_died(10):
            self.cloud.kill()  # it came another way this time; a kill at any other moment must do as well
        forget_sockets()
        self.cloud.start()
        self.execute(change, token)

    def in_step(self, members: int) -> None:
        """Wait until nothing goes on and the group has so many members, whom load balancer and database know exactly."""
        eventually(
            lambda: self.call(ESS, "DescribeScalingActivities", ScalingGroupId=self.group, StatusCode="InProgress"),
            lambda seen: seen["TotalCount"] == 0,
            "the end of every activity",
        )

        def look() -> tuple[set[str], dict[str, str], set[str], set[str]]:
            found = self.call(ESS, "DescribeScalingInstances", ScalingGroupId=self.group)["ScalingInstances"]
            serving = [one for one in found["ScalingInstance"] if one["LifecycleState"] == "InService"]
            health = self.call(SLB, "DescribeHealthStatus", LoadBalancerId=self.balancer)["BackendServers"]
            arrays = self.call(RDS, "DescribeDBInstanceIPArrayList", DBInstanceId=self.database)["Items"]
            return (
                {one["InstanceId"] for one in serving},
                {one["ServerId"]: one["ServerHealthStatus"] for one in health["BackendServer"]},
                {one["PrivateIpAddress"] for one in serving},
                set(arrays["DBInstanceIPArray"][0]["SecurityIPList"].split(",")),
            )

        eventually(
            look,
            lambda seen: len(seen[0]) == members and seen[1] == dict.fromkeys(seen[0], "normal") and seen[2] == seen[3],
            f"{members} members, all well and let in",
        )

    def haproxy(self) -> list[int]:
        """Return the processes of the load balancer."""
        folder = self.cloud.folder / "plane" / "balancer" / self.balancer / "proxy"
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and (entry / "cwd").readlink() == folder.resolve():
                    found.append(int(entry.name))
        return found


def forget_sockets() -> None:
    """The older SDK leaves sockets to the garbage collector, which is a warning and so an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


class Customers(threading.Thread):
    """Ask without pause, each time on a new connection."""

    def __init__(self, shop: Shop) -> None:
        super().__init__(daemon=True)
        self._address = (shop.address, FRONT)
        self._over = threading.Event()
        self.served = 0
        self.failures: list[str] = []

    def run(self) -> None:
        while not self._over.is_set():
            try:
                self.served += ask(self._address)
            except OSError as error:
                self.failures.append(repr(error))
            time.sleep(0.005)

    def stop(self) -> None:
        self._over.set()
        self.join(30)


def ask(address: tuple[str, int]) -> bool:
    with socket.create_connection(address, 10) as opened:
        opened.sendall(b"GET / HTTP/1.0\r\n\r\n")
        said = b""
        while more := opened.recv(65536):
            said += more
    if not said.endswith(b"well\n"):
        raise ConnectionError(f"answered {said!r}")
    return True


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shop") / "cloud")
    try:
        yield made
    finally:
        made.cloud.__exit__(None, None, None)
        forget_sockets()


@pytest.mark.timeout(600)
def test_clients_notice_no_death_of_the_control_plane(shop: Shop) -> None:
    """Out and in take turns, so each direction has its points."""
    ways = {change: [point for point, way in POINTS if way == change] for change in (1, -1)}
    for points in ways.values():
        random.shuffle(points)
    chosen = random.choice((1, -1))
    customers = Customers(shop)
    customers.start()
    for turn in range(max(map(len, ways.values())) if EVERY_POINT else 1):
        for change, members in ((1, 2), (-1, 1)):
            point = ways[change][turn % len(ways[change])]
            if EVERY_POINT or change == chosen:
                logging.info("killed at %s", point)
                shop.die_at(point, change)
            else:
                shop.execute(change, uuid.uuid4().hex)
            shop.in_step(members)
    customers.stop()

    assert customers.failures == []
    assert customers.served > 100


def test_a_killed_load_balancer_comes_back_by_itself_and_with_the_next_control_plane(shop: Shop) -> None:
    for process in shop.haproxy():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    shop.in_step(1)
    first = ask((shop.address, FRONT))
    shop.cloud.kill()
    for process in shop.haproxy():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    shop.cloud.start()
    shop.in_step(1)

    assert first
    assert ask((shop.address, FRONT))


def test_a_reset_leaves_no_process(shop: Shop) -> None:
    assert shop.haproxy()
    shop.cloud.stop()
    shop.cloud.tidegate("reset", "--yes")

    assert shop.haproxy() == []
