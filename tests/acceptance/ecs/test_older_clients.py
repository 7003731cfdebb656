"""The older core SDK and libcloud, which reads XML, unmodified."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.door import KEY_ID, SECRET
from support.ecs import IMAGE, TYPE
from support.ecs_server import ServedEcs, eventually


@pytest.fixture(scope="module")
def core(served: ServedEcs) -> Any:
    from aliyunsdkcore.client import AcsClient

    client = AcsClient(KEY_ID, SECRET, "cn-hangzhou")
    client.add_endpoint("cn-hangzhou", "Ecs", served.endpoint)
    return client


def ask(client: Any, request: Any, **setters: Any) -> dict[str, Any]:
    request.set_protocol_type("http")
    request.set_accept_format("json")
    for name, value in setters.items():
        getattr(request, f"set_{name}")(value)
    answer: dict[str, Any] = json.loads(client.do_action_with_exception(request))
    return answer


def test_the_older_sdk_launches_describes_and_releases(core: Any) -> None:
    from aliyunsdkecs.request.v20140526.DeleteInstanceRequest import DeleteInstanceRequest
    from aliyunsdkecs.request.v20140526.DescribeInstancesRequest import DescribeInstancesRequest
    from aliyunsdkecs.request.v20140526.RunInstancesRequest import RunInstancesRequest

    made = ask(
        core, RunInstancesRequest(), ImageId=IMAGE, InstanceType=TYPE, Amount=2, Tags=[{"Key": "k", "Value": "v"}]
    )
    ids = made["InstanceIdSets"]["InstanceIdSet"]

    def described() -> list[dict[str, Any]]:
        answer = ask(core, DescribeInstancesRequest(), InstanceIds=json.dumps(ids), Tags=[{"Key": "k", "Value": "v"}])
        return list(answer["Instances"]["Instance"])

    running = eventually(described, lambda seen: {one["Status"] for one in seen} == {"Running"}, "they run")
    for one in ids:
        ask(core, DeleteInstanceRequest(), InstanceId=one, Force=True)

    assert sorted(one["InstanceId"] for one in running) == sorted(ids)
    eventually(described, lambda seen: not seen, "they are gone")


def test_the_older_sdk_sees_the_error_code(core: Any) -> None:
    from aliyunsdkcore.acs_exception.exceptions import ServerException
    from aliyunsdkecs.request.v20140526.DescribeUserDataRequest import DescribeUserDataRequest

    with pytest.raises(ServerException) as refused:
        ask(core, DescribeUserDataRequest(), InstanceId="i-nothing")

    assert refused.value.get_error_code() == "InvalidInstanceId.NotFound"
    assert refused.value.get_http_status() == 404


@pytest.fixture(scope="module")
def driver(served: ServedEcs) -> Any:
    from libcloud.compute.providers import get_driver
    from libcloud.compute.types import Provider

    return get_driver(Provider.ALIYUN_ECS)(
        KEY_ID, SECRET, region="cn-hangzhou", secure=False, host="127.0.0.1", port=served.port
    )


def test_libcloud_reads_what_the_cloud_offers_from_xml(driver: Any) -> None:
    images, sizes, locations, zones = (
        driver.list_images(),
        driver.list_sizes(),
        driver.list_locations(),
        driver.ex_list_zones("cn-hangzhou"),
    )

    assert IMAGE in [one.id for one in images]
    assert next(one for one in sizes if one.id == TYPE).ram == 8.0
    assert "cn-hangzhou" in [one.id for one in locations]
    assert {one.id for one in zones} == {"cn-hangzhou-h", "cn-hangzhou-i", "cn-hangzhou-j"}
    assert TYPE in zones[0].available_instance_types
    assert driver.ex_list_security_groups()[0].vpc_id.startswith("vpc-")


def test_libcloud_makes_lists_stops_and_destroys_a_node(driver: Any) -> None:
    from libcloud.compute.types import NodeState

    [group, *_] = driver.ex_list_security_groups()
    image = next(one for one in driver.list_images() if one.id == IMAGE)
    size = next(one for one in driver.list_sizes() if one.id == TYPE)

    node = driver.create_node(name="web", image=image, size=size, ex_security_group_id=group.id)
    [listed] = driver.list_nodes(ex_node_ids=[node.id])
    volumes = [one for one in driver.list_volumes() if one.extra["instance_id"] == node.id]
    driver.ex_stop_node(node)
    stopped = driver.list_nodes(ex_node_ids=[node.id])[0].state
    driver.destroy_node(node)

    assert (listed.state, stopped) == (NodeState.RUNNING, NodeState.STOPPED)
    assert listed.private_ips[0].startswith("172.16.")
    assert listed.extra["instance_type"] == TYPE
    assert len(volumes) == 1
    eventually(lambda: driver.list_nodes(ex_node_ids=[node.id]), lambda seen: not seen, "it is gone")
