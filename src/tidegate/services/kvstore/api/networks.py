"""DescribeDBInstanceNetInfo (kvstore.md 11). There are no public connections."""

from __future__ import annotations

import msgspec

from tidegate.services.kvstore.api.product import InstanceRequest, kvstore, on_instance
from tidegate.services.kvstore.service import Kvstore
from tidegate.services.operation import Answer, Call


class InstanceNetInfo(Answer):
    """A way to reach the instance."""

    connection_string: str
    port: str
    ip_address: str = msgspec.field(name="IPAddress")
    db_instance_net_type: str
    ip_type: str = msgspec.field(name="IPType")
    vpc_id: str = msgspec.field(name="VPCId")
    vswitch_id: str
    vpc_instance_id: str = msgspec.field(name="VPCInstanceId")
    direct_connection: int = 0
    upgradeable: str = "Disabled"
    expired_time: str = ""


class NetInfoItems(Answer):
    """Ways to reach the instance."""

    instance_net_info: list[InstanceNetInfo]


class DescribeDBInstanceNetInfoAnswer(Answer):
    """Ways to reach the instance."""

    net_info_items: NetInfoItems
    instance_network_type: str


@kvstore.operation("DescribeDBInstanceNetInfo", on=on_instance)
async def describe_net_info(service: Kvstore, call: Call, request: InstanceRequest) -> DescribeDBInstanceNetInfoAnswer:
    """Tell the address inside the VPC."""
    instance = await service.instances.find(call.account_id, request.instance_id)
    inside = InstanceNetInfo(
        connection_string=instance.connection_domain,
        port=str(instance.port),
        ip_address=instance.private_ip,
        db_instance_net_type="2",
        ip_type="Private",
        vpc_id=instance.vpc_id,
        vswitch_id=instance.vswitch_id,
        vpc_instance_id=instance.id,
    )
    return DescribeDBInstanceNetInfoAnswer(NetInfoItems([inside]), "VPC")
