"""DescribeSecurityIps and ModifySecurityIps (kvstore.md 7 and 8)."""

from __future__ import annotations

from tidegate.services.kvstore.api.product import InstanceRequest, kvstore, on_instance
from tidegate.services.kvstore.service import Kvstore
from tidegate.services.operation import Answer, Call, Done


class SecurityIpGroup(Answer):
    """A group of the whitelist."""

    security_ip_group_name: str
    security_ip_group_attribute: str
    security_ip_list: str


class SecurityIpGroups(Answer):
    """The groups, ``default`` first."""

    security_ip_group: list[SecurityIpGroup]


class DescribeSecurityIpsAnswer(Answer):
    """The whitelist."""

    security_ip_groups: SecurityIpGroups


@kvstore.operation("DescribeSecurityIps", on=on_instance)
async def describe_security_ips(service: Kvstore, call: Call, request: InstanceRequest) -> DescribeSecurityIpsAnswer:
    """List every group, hidden ones included."""
    groups = await service.gatekeeper.groups(call.account_id, request.instance_id)
    rows = [SecurityIpGroup(group.name, group.attribute, ",".join(group.entries)) for group in groups]
    return DescribeSecurityIpsAnswer(SecurityIpGroups(rows))


class ModifySecurityIpsRequest(InstanceRequest):
    """The change of one group."""

    security_ips: str
    security_ip_group_name: str | None = None
    security_ip_group_attribute: str | None = None
    modify_mode: str | None = None


@kvstore.operation("ModifySecurityIps", on=on_instance)
async def modify_security_ips(service: Kvstore, call: Call, request: ModifySecurityIpsRequest) -> Done:
    """Change a group; enforced on the wire when this answers."""
    await service.gatekeeper.modify(
        call,
        request.instance_id,
        request.security_ips,
        group=request.security_ip_group_name,
        mode=request.modify_mode,
        attribute=request.security_ip_group_attribute,
    )
    return Done()
