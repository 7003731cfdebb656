"""The official Python SDK (alibabacloud_ecs20140526), unmodified, from launch to release."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from support.door import KEY_ID, SECRET
from support.ecs import IMAGE, TYPE
from support.ecs_server import USER_KEY, ServedEcs, eventually

REGION = "cn-hangzhou"


@pytest.fixture(scope="module")
def models() -> Any:
    from alibabacloud_ecs20140526 import models

    return models


def make_client(served: ServedEcs, key: tuple[str, str] = (KEY_ID, SECRET), **config: Any) -> Any:
    from alibabacloud_ecs20140526.client import Client
    from alibabacloud_tea_openapi.utils_models import Config

    return Client(
        Config(
            access_key_id=key[0],
            access_key_secret=key[1],
            region_id=REGION,
            endpoint=served.endpoint,
            protocol="http",
            **config,
        )
    )


@pytest.fixture(scope="module")
def client(served: ServedEcs) -> Any:
    return make_client(served)


def launch(client: Any, models: Any, **fields: Any) -> list[str]:
    request = models.RunInstancesRequest(region_id=REGION, image_id=IMAGE, instance_type=TYPE, **fields)
    return list(client.run_instances(request).body.instance_id_sets.instance_id_set)


def describe(client: Any, models: Any, ids: list[str]) -> list[Any]:
    request = models.DescribeInstancesRequest(region_id=REGION, instance_ids=json.dumps(ids), page_size=100)
    return list(client.describe_instances(request).body.instances.instance)


def until(client: Any, models: Any, ids: list[str], status: str) -> list[Any]:
    return eventually(
        lambda: describe(client, models, ids),
        lambda seen: [one.status for one in seen] == [status] * len(ids),
        f"{ids} become {status}",
    )


def test_instances_are_launched_stopped_started_and_released(client: Any, models: Any) -> None:
    made = launch(
        client,
        models,
        amount=3,
        instance_name="web-[1,2]",
        tag=[models.RunInstancesRequestTag(key="k", value="v")],
        user_data=base64.b64encode(b"#!/bin/sh\n").decode(),
    )
    running = until(client, models, made, "Running")
    one = next(each for each in running if each.instance_id == made[0])

    client.stop_instance(models.StopInstanceRequest(instance_id=made[0]))
    until(client, models, made[:1], "Stopped")
    client.start_instance(models.StartInstanceRequest(instance_id=made[0]))
    until(client, models, made[:1], "Running")
    client.reboot_instances(models.RebootInstancesRequest(region_id=REGION, instance_id=made))
    until(client, models, made, "Running")
    client.delete_instances(models.DeleteInstancesRequest(region_id=REGION, instance_id=made, force=True))

    assert one.instance_name == "web-01"
    assert one.vpc_attributes.private_ip_address.ip_address[0].startswith("172.16.")
    assert one.inner_ip_address.ip_address == []
    assert one.tags.tag[0].tag_key == "k"
    assert one.network_interfaces.network_interface[0].private_ip_sets.private_ip_set[0].primary is True
    eventually(lambda: describe(client, models, made), lambda seen: not seen, "they are gone")


def test_networks_images_and_types_are_described(client: Any, models: Any) -> None:
    regions = client.describe_regions(models.DescribeRegionsRequest()).body.regions.region
    zones = client.describe_zones(models.DescribeZonesRequest(region_id=REGION)).body.zones.zone
    images = client.describe_images(models.DescribeImagesRequest(region_id=REGION)).body.images.image
    types = client.describe_instance_types(models.DescribeInstanceTypesRequest()).body.instance_types.instance_type
    vpcs = client.describe_vpcs(models.DescribeVpcsRequest(region_id=REGION)).body.vpcs.vpc
    switches = client.describe_vswitches(models.DescribeVSwitchesRequest(region_id=REGION)).body.v_switches.v_switch
    groups = client.describe_security_groups(models.DescribeSecurityGroupsRequest(region_id=REGION))

    assert REGION in [one.region_id for one in regions]
    assert len(zones) == 3
    assert IMAGE in [one.image_id for one in images]
    assert TYPE in [one.instance_type_id for one in types]
    assert vpcs[0].is_default
    assert {one.vpc_id for one in switches} == {vpcs[0].vpc_id}
    assert groups.body.security_groups.security_group[0].vpc_id == vpcs[0].vpc_id


def test_a_script_runs_and_its_result_is_read(client: Any, models: Any) -> None:
    made = launch(client, models)
    until(client, models, made, "Running")

    ran = client.run_command(
        models.RunCommandRequest(
            region_id=REGION,
            type="RunShellScript",
            command_content="echo {{ name }}",
            enable_parameter=True,
            parameters={"name": "tide"},
            instance_id=made,
        )
    ).body
    request = models.DescribeInvocationsRequest(region_id=REGION, invoke_id=ran.invoke_id)
    eventually(
        lambda: client.describe_invocations(request).body.invocations.invocation[0].invoke_status,
        lambda status: status == "Finished",
        "the script ends",
    )
    results = client.describe_invocation_results(
        models.DescribeInvocationResultsRequest(region_id=REGION, invoke_id=ran.invoke_id, content_encoding="PlainText")
    ).body.invocation.invocation_results.invocation_result

    [result] = results
    assert (result.instance_id, result.exit_code, result.output) == (made[0], 0, "tide\n")


def test_tags_are_put_and_listed(client: Any, models: Any) -> None:
    made = launch(client, models)

    client.tag_resources(
        models.TagResourcesRequest(
            region_id=REGION,
            resource_type="instance",
            resource_id=made,
            tag=[models.TagResourcesRequestTag(key="role", value="web")],
        )
    )
    listed = client.list_tag_resources(
        models.ListTagResourcesRequest(region_id=REGION, resource_type="instance", resource_id=made)
    ).body.tag_resources.tag_resource

    assert [(one.resource_id, one.tag_key, one.tag_value) for one in listed] == [(made[0], "role", "web")]


def test_the_older_signature_works_too(served: ServedEcs, models: Any) -> None:
    client = make_client(served, signature_algorithm="v2")

    assert client.describe_regions(models.DescribeRegionsRequest()).body.regions.region


def test_an_error_arrives_with_its_code_and_words(client: Any, models: Any) -> None:
    with pytest.raises(Exception, match=r"The specified InstanceId does not exist\.") as refused:
        client.stop_instance(models.StopInstanceRequest(instance_id="i-nothing"))

    assert (refused.value.code, refused.value.status_code) == ("InvalidInstanceId.NotFound", 404)  # type: ignore[attr-defined]


def test_a_user_may_only_what_is_allowed(served: ServedEcs, client: Any, models: Any) -> None:
    [mine, other] = launch(client, models, amount=2)
    user = make_client(served, USER_KEY)
    served.ram.allowed.add(("ecs:DescribeInstances", f"acs:ecs:{REGION}:1234567890123456:instance/{mine}"))

    seen = describe(user, models, [mine])
    with pytest.raises(Exception, match="User not authorized to operate on the specified resource") as refused:
        describe(user, models, [mine, other])

    assert [one.instance_id for one in seen] == [mine]
    assert (refused.value.code, refused.value.status_code) == ("Forbidden.RAM", 403)  # type: ignore[attr-defined]
