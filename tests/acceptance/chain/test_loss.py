"""The world under the cloud goes away: every host, server and gate dies at once, and the cloud puts it right again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.running import RunningCloud
from support.sdks import REGION, Sdks, eventually

from .conftest import Furniture, grant


@pytest.fixture
def own_cloud(tmp_path: Path) -> Iterator[RunningCloud]:
    with RunningCloud(tmp_path / "cloud", "--adjustable-clock", "--hosts", "netns") as running:
        yield running


def helpers_of(folder: Path) -> list[int]:
    """The helper of a folder: the process that was given it on its command line and waits for the one inside."""
    return [
        one.pid
        for one in psutil.process_iter(["cmdline"])
        if str(folder / "plane") in (one.info["cmdline"] or []) and "helper" in " ".join(one.info["cmdline"])
    ]


@pytest.mark.skipif(not Path("/proc/self/ns/user").exists(), reason="this machine has no user namespaces")
def test_when_every_host_dies_the_group_replaces_them_and_redis_lets_the_new_ones_in(own_cloud: RunningCloud) -> None:
    variables = own_cloud.variables
    key, secret = variables["ALIBABA_CLOUD_ACCESS_KEY_ID"], variables["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    sdks = Sdks(own_cloud.endpoint, key, secret)
    grant(sdks)
    furniture = Furniture(sdks)
    sdks.call("2014-08-28", "ModifyScalingGroup", RegionId=REGION, ScalingGroupId=furniture.group_id, MinSize=1)
    own_cloud.advance(61)
    (before,) = eventually(furniture.members, _all_serve, "a member in service")
    address = furniture.address(before.instance_id)
    assert address in furniture.whitelist()

    for pid in helpers_of(own_cloud.folder):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: _status(sdks, before.instance_id), lambda seen: seen == "Stopped", "the instance shown Stopped")

    def replaced() -> list[str]:
        own_cloud.advance(61)
        return [member.instance_id for member in furniture.members() if member.lifecycle_state == "InService"]

    (after,) = eventually(replaced, lambda seen: seen and before.instance_id not in seen, "a new member in service", 60)
    assert furniture.whitelist() == ["127.0.0.1", furniture.address(after)]
    assert _reads_and_writes(sdks, furniture, after)


def _all_serve(members: list[object]) -> bool:
    return bool(members) and all(getattr(one, "lifecycle_state", "") == "InService" for one in members)


def _status(sdks: Sdks, instance_id: str) -> str:
    seen = sdks.call("2014-05-26", "DescribeInstanceStatus", **{"RegionId": REGION, "InstanceId.1": instance_id})
    statuses = [one["Status"] for one in seen["InstanceStatuses"]["InstanceStatus"]]
    return statuses[0] if statuses else "gone"


def _reads_and_writes(sdks: Sdks, furniture: Furniture, instance_id: str) -> bool:
    script = f"""python3 - <<'END'
import socket, time
link = socket.create_connection(("{furniture.redis.private_ip}", 6379), 3)
link.sendall(b"AUTH {furniture.password}\\r\\nSET k v\\r\\nGET k\\r\\n")
time.sleep(0.2)
print(link.recv(999))
END
"""
    started = sdks.call(
        "2014-05-26",
        "RunCommand",
        **{"RegionId": REGION, "Type": "RunShellScript", "InstanceId.1": instance_id, "CommandContent": script},
    )

    def look() -> dict[str, object]:
        seen = sdks.call(
            "2014-05-26", "DescribeInvocationResults", InvokeId=started["InvokeId"], ContentEncoding="PlainText"
        )
        found: dict[str, object] = seen["Invocation"]["InvocationResults"]["InvocationResult"][0]
        return found

    result = eventually(look, lambda seen: seen["InvocationStatus"] in {"Success", "Failed", "Timeout"}, "the script")
    return "+OK\\r\\n+OK\\r\\n$1\\r\\nv" in str(result["Output"])
