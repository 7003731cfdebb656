"""The official Python SDKs of ECS and VPC, unmodified: what stands beside instances."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.door import KEY_ID, SECRET
from support.ecs import IMAGE, TYPE
from support.ecs_server import ServedEcs, eventually

REGION = "cn-hangzhou"


@pytest.fixture(scope="module")
def ecs(served: ServedEcs) -> Any:
    from alibabacloud_ecs20140526.client import Client

    return Client(_config(served))


@pytest.fixture(scope="module")
def vpc(served: ServedEcs) -> Any:
    from alibabacloud_vpc20160428.client import Client

    return Client(_config(served))


def _config(served: ServedEcs) -> Any:
    from alibabacloud_tea_openapi.utils_models import Config

    return Config(
        access_key_id=KEY_ID,
        access_key_secret=SECRET,
        region_id=REGION,
        endpoint=served.endpoint,
        protocol="http",
    )


@pytest.fixture(scope="module")
def instance(ecs: Any) -> str:
    from alibabacloud_ecs20140526 import models

    request = models.RunInstancesRequest(region_id=REGION, image_id=IMAGE, instance_type=TYPE)
    [made] = ecs.run_instances(request).body.instance_id_sets.instance_id_set
    eventually(lambda: shown(ecs, made).status, lambda status: status == "Running", "it runs")
    return str(made)


def shown(ecs: Any, instance: str) -> Any:
    from alibabacloud_ecs20140526 import models

    request = models.DescribeInstancesRequest(region_id=REGION, instance_ids=json.dumps([instance]))
    [one] = ecs.describe_instances(request).body.instances.instance
    return one


def test_an_elastic_address_goes_to_an_instance_and_back(ecs: Any, vpc: Any, instance: str) -> None:
    from alibabacloud_vpc20160428 import models

    made = vpc.allocate_eip_address(models.AllocateEipAddressRequest(region_id=REGION, bandwidth="10")).body
    eip = {"region_id": REGION, "allocation_id": made.allocation_id}
    vpc.tag_resources(
        models.TagResourcesRequest(
            region_id=REGION,
            resource_type="EIP",
            resource_id=[made.allocation_id],
            tag=[models.TagResourcesRequestTag(key="for", value="test")],
        )
    )
    vpc.associate_eip_address(models.AssociateEipAddressRequest(**eip, instance_id=instance))
    [bound] = vpc.describe_eip_addresses(models.DescribeEipAddressesRequest(**eip)).body.eip_addresses.eip_address
    on_instance = shown(ecs, instance).eip_address.ip_address
    vpc.unassociate_eip_address(models.UnassociateEipAddressRequest(**eip, instance_id=instance))
    vpc.release_eip_address(models.ReleaseEipAddressRequest(**eip))

    assert (bound.status, bound.instance_id, bound.ip_address) == ("InUse", instance, made.eip_address)
    assert [(tag.key, tag.value) for tag in bound.tags.tag] == [("for", "test")]
    assert on_instance == made.eip_address
    left = vpc.describe_eip_addresses(models.DescribeEipAddressesRequest(region_id=REGION)).body
    assert left.total_count == 0


def test_a_network_interface_is_attached_and_detached(ecs: Any, instance: str) -> None:
    from alibabacloud_ecs20140526 import models

    switch = shown(ecs, instance).vpc_attributes.v_switch_id
    made = ecs.create_network_interface(
        models.CreateNetworkInterfaceRequest(region_id=REGION, v_switch_id=switch, network_interface_name="second")
    ).body
    pair = {"region_id": REGION, "network_interface_id": made.network_interface_id, "instance_id": instance}
    ecs.attach_network_interface(models.AttachNetworkInterfaceRequest(**pair))
    seen = ecs.describe_network_interfaces(
        models.DescribeNetworkInterfacesRequest(region_id=REGION, instance_id=instance)
    ).body.network_interface_sets.network_interface_set
    ecs.detach_network_interface(models.DetachNetworkInterfaceRequest(**pair))
    ecs.delete_network_interface(
        models.DeleteNetworkInterfaceRequest(region_id=REGION, network_interface_id=made.network_interface_id)
    )

    assert made.status == "Available"
    assert sorted((one.type, one.status) for one in seen) == [("Primary", "InUse"), ("Secondary", "InUse")]


def test_disks_snapshots_policies_and_images(ecs: Any, instance: str) -> None:
    from alibabacloud_ecs20140526 import models

    disk = ecs.create_disk(models.CreateDiskRequest(region_id=REGION, instance_id=instance, size=20)).body.disk_id
    snapshot = ecs.create_snapshot(models.CreateSnapshotRequest(disk_id=disk, snapshot_name="before")).body.snapshot_id
    policy = ecs.create_auto_snapshot_policy(
        models.CreateAutoSnapshotPolicyRequest(
            region_id=REGION, time_points='["1"]', repeat_weekdays='["1","7"]', retention_days=3
        )
    ).body.auto_snapshot_policy_id
    ecs.apply_auto_snapshot_policy(
        models.ApplyAutoSnapshotPolicyRequest(
            region_id=REGION, auto_snapshot_policy_id=policy, disk_ids=json.dumps([disk])
        )
    )
    image = ecs.create_image(
        models.CreateImageRequest(region_id=REGION, instance_id=instance, image_name="golden")
    ).body.image_id

    [seen] = ecs.describe_disks(
        models.DescribeDisksRequest(region_id=REGION, disk_ids=json.dumps([disk]))
    ).body.disks.disk
    [kept] = ecs.describe_snapshots(
        models.DescribeSnapshotsRequest(region_id=REGION, snapshot_ids=json.dumps([snapshot]))
    ).body.snapshots.snapshot
    [own] = ecs.describe_images(
        models.DescribeImagesRequest(region_id=REGION, image_owner_alias="self")
    ).body.images.image
    policies = ecs.describe_auto_snapshot_policy_ex(
        models.DescribeAutoSnapshotPolicyExRequest(region_id=REGION)
    ).body.auto_snapshot_policies.auto_snapshot_policy
    assert (seen.status, seen.instance_id, seen.auto_snapshot_policy_id) == ("In_use", instance, policy)
    assert (kept.snapshot_name, kept.status, kept.source_disk_id) == ("before", "accomplished", disk)
    assert (own.image_id, own.image_name, own.image_owner_alias) == (image, "golden", "self")
    assert len(own.disk_device_mappings.disk_device_mapping) == 2
    assert [(one.auto_snapshot_policy_id, one.disk_nums) for one in policies] == [(policy, 1)]


def test_rules_keys_and_contracts(ecs: Any, instance: str) -> None:
    from alibabacloud_ecs20140526 import models

    [group] = shown(ecs, instance).security_group_ids.security_group_id
    ecs.authorize_security_group(
        models.AuthorizeSecurityGroupRequest(
            region_id=REGION,
            security_group_id=group,
            permissions=[
                models.AuthorizeSecurityGroupRequestPermissions(
                    ip_protocol="TCP", port_range="6379/6379", source_cidr_ip="172.16.0.0/12"
                )
            ],
        )
    )
    pair = ecs.create_key_pair(models.CreateKeyPairRequest(region_id=REGION, key_pair_name="mine")).body
    ecs.attach_key_pair(
        models.AttachKeyPairRequest(region_id=REGION, key_pair_name="mine", instance_ids=json.dumps([instance]))
    )
    order = ecs.modify_instance_charge_type(
        models.ModifyInstanceChargeTypeRequest(
            region_id=REGION, instance_ids=json.dumps([instance]), instance_charge_type="PrePaid", period=1
        )
    ).body.order_id

    rules = ecs.describe_security_group_attribute(
        models.DescribeSecurityGroupAttributeRequest(region_id=REGION, security_group_id=group)
    ).body.permissions.permission
    one = shown(ecs, instance)
    assert [(rule.port_range, rule.policy, rule.direction) for rule in rules] == [("6379/6379", "Accept", "ingress")]
    assert "PRIVATE KEY" in pair.private_key_body
    assert (one.key_pair_name, one.instance_charge_type, bool(order)) == ("mine", "PrePaid", True)
