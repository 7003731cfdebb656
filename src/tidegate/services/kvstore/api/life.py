"""DeleteInstance, ModifyInstanceAttribute, ModifyInstanceVpcAuthMode (kvstore.md 5 and 11)."""

from __future__ import annotations

from tidegate.services.kvstore.api.product import InstanceRequest, kvstore, on_instance
from tidegate.services.kvstore.service import Kvstore
from tidegate.services.operation import Call, Done


@kvstore.operation("DeleteInstance", on=on_instance)
async def delete_instance(service: Kvstore, call: Call, request: InstanceRequest) -> Done:
    """Give an instance back."""
    await service.instances.release(call, request.instance_id)
    return Done()


class ModifyInstanceAttributeRequest(InstanceRequest):
    """What changes about an instance."""

    instance_name: str | None = None
    new_password: str | None = None
    instance_release_protection: bool | None = None


@kvstore.operation("ModifyInstanceAttribute", on=on_instance)
async def modify_instance_attribute(service: Kvstore, call: Call, request: ModifyInstanceAttributeRequest) -> Done:
    """Change name, password, release protection: those that are given, all or none."""
    await service.instances.modify(
        call,
        request.instance_id,
        name=request.instance_name,
        password=request.new_password,
        protected=request.instance_release_protection,
    )
    return Done()


class ModifyInstanceVpcAuthModeRequest(InstanceRequest):
    """Whether clients need a password."""

    vpc_auth_mode: str


@kvstore.operation("ModifyInstanceVpcAuthMode", on=on_instance)
async def modify_instance_vpc_auth_mode(
    service: Kvstore, call: Call, request: ModifyInstanceVpcAuthModeRequest
) -> Done:
    """Have clients say the password, or not."""
    await service.instances.set_auth_mode(call, request.instance_id, request.vpc_auth_mode)
    return Done()
