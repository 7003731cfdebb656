"""CreateInstance (kvstore.md 5)."""

from __future__ import annotations

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.kvstore.api.product import kvstore, on_instances
from tidegate.services.kvstore.classes import CLASSES
from tidegate.services.kvstore.model import Order
from tidegate.services.kvstore.service import Kvstore
from tidegate.services.operation import Answer, Call, Request
from tidegate.services.tagging import Tag


class CreateInstanceRequest(Request):
    """The instance wanted. Snapshots, shards and replicas are not offered: what asks for them is ignored."""

    region_id: str
    instance_class: str | None = None
    capacity: int | None = None
    zone_id: str | None = None
    vpc_id: str | None = None
    vswitch_id: str | None = None
    private_ip_address: str | None = None
    instance_name: str | None = None
    password: str | None = None
    port: int = 6379
    engine_version: str = "5.0"
    node_type: str = "MASTER_SLAVE"
    network_type: str = "VPC"
    charge_type: str = "PostPaid"
    period: int | None = None
    connection_string_prefix: str | None = None
    resource_group_id: str = ""
    tag: list[Tag] = msgspec.field(default_factory=list)
    dry_run: bool = False


class CreateInstanceAnswer(Answer):
    """The instance that was made; it becomes Normal by itself."""

    instance_id: str
    instance_name: str
    instance_status: str
    connection_domain: str
    port: int
    capacity: int
    bandwidth: int
    connections: int
    qps: int
    region_id: str
    zone_id: str
    vpc_id: str
    vswitch_id: str
    private_ip_addr: str
    network_type: str
    node_type: str
    charge_type: str
    user_name: str
    order_id: int
    config: str
    end_time: str


@kvstore.operation("CreateInstance", on=on_instances)
async def create_instance(service: Kvstore, call: Call, request: CreateInstanceRequest) -> CreateInstanceAnswer:
    """Make an instance."""
    made = await service.instances.create(call, _order(request), dry_run=request.dry_run)
    chosen = CLASSES[made.instance_class]
    return CreateInstanceAnswer(
        instance_id=made.id,
        instance_name=made.name,
        instance_status="Creating",
        connection_domain=made.connection_domain,
        port=made.port,
        capacity=made.capacity,
        bandwidth=chosen.bandwidth,
        connections=chosen.connections,
        qps=chosen.qps,
        region_id=made.region,
        zone_id=made.zone,
        vpc_id=made.vpc_id,
        vswitch_id=made.vswitch_id,
        private_ip_addr=made.private_ip,
        network_type="VPC",
        node_type=made.node_type,
        charge_type=made.charge_type,
        user_name=made.id,
        order_id=made.order_id,
        config="{}",
        end_time=to_seconds(made.end_at) if made.end_at else "",
    )


def _order(request: CreateInstanceRequest) -> Order:
    return Order(
        instance_class=request.instance_class,
        capacity=request.capacity,
        zone=request.zone_id,
        vpc_id=request.vpc_id,
        vswitch_id=request.vswitch_id,
        private_ip=request.private_ip_address,
        name=request.instance_name,
        password=request.password,
        port=request.port,
        engine_version=request.engine_version,
        node_type=request.node_type,
        network_type=request.network_type,
        charge_type=request.charge_type,
        period=request.period,
        prefix=request.connection_string_prefix,
        resource_group_id=request.resource_group_id,
        tags={tag.key: tag.value for tag in request.tag},
    )
