"""Official SDKs of both generations, unmodified, against real Redis servers behind real gates."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from typing import Any

import pytest

from support.door import KEY_ID, SECRET
from support.kvstore_server import USER_KEY, KvstoreProcess
from support.redis_world import World, make_plane
from tidegate.plane.helper.client import HelperClient
from tidegate.plane.redis.base import RedisSpec

REGION = "cn-hangzhou"
PASSWORD = "Correct-Horse-1"


@pytest.fixture(scope="module")
def models() -> Any:
    from alibabacloud_r_kvstore20150101 import models

    return models


def make_client(served: KvstoreProcess, key: tuple[str, str] = (KEY_ID, SECRET)) -> Any:
    from alibabacloud_r_kvstore20150101.client import Client
    from alibabacloud_tea_openapi.utils_models import Config

    return Client(
        Config(
            access_key_id=key[0],
            access_key_secret=key[1],
            region_id=REGION,
            endpoint=served.endpoint,
            protocol="http",
        )
    )


@pytest.fixture(scope="module")
def client(served: KvstoreProcess) -> Any:
    return make_client(served)


@pytest.fixture
def instance(client: Any, models: Any) -> Any:
    """A Redis instance in status Normal, released at the end."""
    request = models.CreateInstanceRequest(
        region_id=REGION,
        instance_class="redis.shard.micro.ce",
        instance_name="tide",
        password=PASSWORD,
        token=uuid.uuid4().hex,
    )
    made = client.create_instance(request).body
    assert made.instance_status == "Creating"
    assert client.create_instance(request).body.instance_id == made.instance_id  # the same token
    yield wait_for(lambda: attribute(client, models, made.instance_id), lambda seen: seen.instance_status == "Normal")
    client.delete_instance(models.DeleteInstanceRequest(instance_id=made.instance_id))


def wait_for(look: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    deadline = time.monotonic() + 20
    while not holds(seen := look()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.02)
    return seen


def attribute(client: Any, models: Any, instance_id: str) -> Any:
    request = models.DescribeInstanceAttributeRequest(instance_id=instance_id)
    return client.describe_instance_attribute(request).body.instances.dbinstance_attribute[0]


def code_of(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(Exception) as caught:
        call()
    error: Any = caught.value
    return error.status_code, error.code


def modify(client: Any, models: Any, instance_id: str, entries: str, **fields: Any) -> None:
    client.modify_security_ips(models.ModifySecurityIpsRequest(instance_id=instance_id, security_ips=entries, **fields))


def groups(client: Any, models: Any, instance_id: str) -> dict[str, str]:
    body = client.describe_security_ips(models.DescribeSecurityIpsRequest(instance_id=instance_id)).body
    return {group.security_ip_group_name: group.security_ip_list for group in body.security_ip_groups.security_ip_group}


class Guests:
    """Clients of the Redis instance with addresses of their own, beside the control plane."""

    def __init__(self, served: KvstoreProcess, shown: Any) -> None:
        self._served = served
        self._shown = shown
        # The vSwitch's block: the default one of a zone has 20 bits.
        self._network = str(IPv4Network(f"{shown.private_ip}/20", strict=False))

    def address(self, number: int) -> str:
        return str(IPv4Network(self._network)[number])

    def ask(self, number: int, *lines: str) -> str | None:
        """Come with this address and say something; None when refused, else the last answer."""
        return asyncio.run(self._ask(number, lines))

    async def _ask(self, number: int, lines: tuple[str, ...]) -> str | None:
        served, shown = self._served, self._shown
        helper = HelperClient(served.folder / "helper") if served.kind.startswith("netns") else None
        gate, servers, rooms = make_plane(served.kind, served.folder, helper)
        world = World(
            served.kind, servers, gate, self._network, served.folder, shown.v_switch_id, rooms=rooms, helper=helper
        )
        spec = RedisSpec(
            id=shown.instance_id, vswitch_id="", network="", gateway="", address=shown.private_ip, port=shown.port
        )
        try:
            guest = await world.connect(world.address(number), spec)
            if guest is None:
                return None
            return [await guest.ask(line) for line in lines][-1]
        finally:
            await world.close()


def test_the_tutorials_whitelist_is_on_the_wire_when_the_call_answers(
    served: KvstoreProcess, client: Any, models: Any, instance: Any
) -> None:
    guests = Guests(served, instance)
    login = f"AUTH {PASSWORD}"
    mine, other = guests.address(50), guests.address(51)
    assert instance.security_iplist == "127.0.0.1"
    assert guests.ask(50, login) is None

    modify(client, models, instance.instance_id, mine, modify_mode="Append")
    assert groups(client, models, instance.instance_id) == {"default": f"127.0.0.1,{mine}"}
    assert guests.ask(50, login, "SET tide high") == "+OK"
    assert guests.ask(51, login) is None

    again = code_of(lambda: modify(client, models, instance.instance_id, mine, modify_mode="Append"))
    assert again == (400, "InvalidInstanceIp.Duplicate")
    modify(client, models, instance.instance_id, f"{mine},{other}", modify_mode="AppendDup")
    assert guests.ask(51, login, "STRLEN tide") == ":4"

    modify(client, models, instance.instance_id, f"{mine},{other}", modify_mode="Delete")
    assert guests.ask(50, login) is None
    assert guests.ask(51, login) is None


def test_64_parallel_appends_lose_nothing(served: KvstoreProcess, client: Any, models: Any, instance: Any) -> None:
    guests = Guests(served, instance)
    wanted = [guests.address(100 + n) for n in range(64)]

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda one: modify(client, models, instance.instance_id, one, modify_mode="Append"), wanted))

    listed = groups(client, models, instance.instance_id)["default"].split(",")
    assert sorted(listed) == sorted(["127.0.0.1", *wanted])
    assert [guests.ask(number, f"AUTH {PASSWORD}") for number in (100, 130, 163)] == ["+OK"] * 3
    assert guests.ask(99, "PING") is None


def test_a_new_password_is_asked_for_at_once(served: KvstoreProcess, client: Any, models: Any, instance: Any) -> None:
    guests = Guests(served, instance)
    modify(client, models, instance.instance_id, guests.address(50), modify_mode="Append")

    request = models.ModifyInstanceAttributeRequest(instance_id=instance.instance_id, new_password="Another-Word-2")
    client.modify_instance_attribute(request)

    assert (guests.ask(50, f"AUTH {PASSWORD}") or "").startswith("-WRONGPASS")
    assert guests.ask(50, f"AUTH {instance.instance_id} Another-Word-2") == "+OK"
    client.modify_instance_vpc_auth_mode(
        models.ModifyInstanceVpcAuthModeRequest(instance_id=instance.instance_id, vpc_auth_mode="Close")
    )
    assert guests.ask(50, "SET tide low") == "+OK"


def test_refusals_reach_the_sdk_word_for_word(served: KvstoreProcess, client: Any, models: Any, instance: Any) -> None:
    made = instance.instance_id
    nobody = make_client(served, USER_KEY)

    assert code_of(lambda: modify(nobody, models, made, "1.1.1.1")) == (403, "Forbidden.RAM")
    assert code_of(lambda: modify(client, models, "r-bp1unknown", "1.1.1.1")) == (404, "InvalidInstanceId.NotFound")
    assert code_of(lambda: modify(client, models, made, "1.1.1.1,x")) == (400, "InvalidSecurityIPList.Format")
    assert code_of(lambda: modify(client, models, made, "1.1.1.1", modify_mode="Delete")) == (
        404,
        "InvalidSecurityIPs.NotFound",
    )
    many = ",".join(str(IPv4Network("10.0.0.0/8")[n]) for n in range(1001))
    assert code_of(lambda: modify(client, models, made, many)) == (400, "InvalidSecurityIPList.QuotaExceeded")
    assert code_of(lambda: client.modify_security_ips(models.ModifySecurityIpsRequest(instance_id=made))) == (
        400,
        "MissingSecurityIps",
    )
    dry = models.CreateInstanceRequest(region_id=REGION, capacity=1024, dry_run=True)
    assert code_of(lambda: client.create_instance(dry))[1] == "DryRunOperation"


def test_the_older_sdk_lists_and_changes_too(served: KvstoreProcess, client: Any, models: Any, instance: Any) -> None:
    from aliyunsdkcore.client import AcsClient
    from aliyunsdkr_kvstore.request.v20150101 import DescribeInstancesRequest, ModifySecurityIpsRequest

    acs = AcsClient(KEY_ID, SECRET, REGION)

    def send(request: Any) -> Any:
        request.set_endpoint(served.endpoint)
        request.set_protocol_type("http")
        return json.loads(acs.do_action_with_exception(request))

    listing = DescribeInstancesRequest.DescribeInstancesRequest()
    listing.set_InstanceIds(instance.instance_id)
    (shown,) = send(listing)["Instances"]["KVStoreInstance"]
    change = ModifySecurityIpsRequest.ModifySecurityIpsRequest()
    change.set_InstanceId(instance.instance_id)
    change.set_SecurityIps("10.1.2.3/24")
    change.set_SecurityIpGroupName("older")
    send(change)

    assert (shown["InstanceStatus"], shown["PrivateIp"]) == ("Normal", instance.private_ip)
    assert groups(client, models, instance.instance_id) == {"default": "127.0.0.1", "older": "10.1.2.3/24"}
