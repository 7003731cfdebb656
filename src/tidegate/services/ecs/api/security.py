"""Operations about rules and members of security groups, and about key pairs (ecs.md 8)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.ecs.api.product import Paged, TagPairs, check_page, ecs, region_of
from tidegate.services.ecs.instances import check_ids
from tidegate.services.ecs.security import RuleWish
from tidegate.services.ecs.service import Ecs
from tidegate.services.operation import Answer, Call, Done, Request, invalid_parameter
from tidegate.store.ecs.security import SecurityRule
from tidegate.store.ecs.shelf import Wanted
from tidegate.wire.shapes import JsonText


class GroupRequest(Request):
    """A request about one security group."""

    security_group_id: str


def _group(_service: Ecs, _call: Call, request: GroupRequest) -> Sequence[str]:
    return [f"securitygroup/{request.security_group_id}"]


class Permission(Request):
    """A rule as requests word it."""

    policy: str = "accept"
    priority: int = 1
    ip_protocol: str = ""
    port_range: str = ""
    source_cidr_ip: str = ""
    dest_cidr_ip: str = ""
    source_group_id: str = ""
    dest_group_id: str = ""
    nic_type: str = "intranet"
    description: str = ""


class RuleRequest(GroupRequest, kw_only=True):
    """One rule in the older form, or many."""

    permissions: list[Permission] = msgspec.field(default_factory=list)
    policy: str = "accept"
    priority: int = 1
    ip_protocol: str = ""
    port_range: str = ""
    source_cidr_ip: str = ""
    dest_cidr_ip: str = ""
    source_group_id: str = ""
    dest_group_id: str = ""
    nic_type: str = "intranet"
    description: str = ""


class RevokeRequest(RuleRequest, kw_only=True):
    """Rules to be removed, by id or by what they say."""

    security_group_rule_id: list[str] = msgspec.field(default_factory=list)


def _wishes(request: RuleRequest, direction: str) -> list[RuleWish]:
    wishes = [_wish(one, direction) for one in request.permissions]
    return [*wishes, _wish(request, direction)] if request.ip_protocol or request.port_range else wishes


def _wish(one: Permission | RuleRequest, direction: str) -> RuleWish:
    is_in = direction == "ingress"
    return RuleWish(
        direction=direction,
        policy=one.policy,
        priority=one.priority,
        protocol=one.ip_protocol,
        port_range=one.port_range,
        source_cidr=one.source_cidr_ip,
        destination_cidr=one.dest_cidr_ip,
        peer_group_id=one.source_group_id if is_in else one.dest_group_id,
        nic_type=one.nic_type,
        description=one.description,
    )


async def _authorize(service: Ecs, call: Call, request: RuleRequest, direction: str) -> Done:
    region_of(call)
    await service.security.authorize(
        call, request.security_group_id, _wishes(request, direction) or [_wish(request, direction)]
    )
    return Done()


async def _revoke(service: Ecs, call: Call, request: RevokeRequest, direction: str) -> Done:
    region_of(call)
    rules = request.security_group_rule_id
    await service.security.revoke(call, request.security_group_id, _wishes(request, direction), rules)
    return Done()


@ecs.operation("AuthorizeSecurityGroup", on=_group)
async def authorize_security_group(service: Ecs, call: Call, request: RuleRequest) -> Done:
    """Add rules for what comes in. Kept and shown, not enforced."""
    return await _authorize(service, call, request, "ingress")


@ecs.operation("AuthorizeSecurityGroupEgress", on=_group)
async def authorize_security_group_egress(service: Ecs, call: Call, request: RuleRequest) -> Done:
    """Add rules for what goes out. Kept and shown, not enforced."""
    return await _authorize(service, call, request, "egress")


@ecs.operation("RevokeSecurityGroup", on=_group)
async def revoke_security_group(service: Ecs, call: Call, request: RevokeRequest) -> Done:
    """Remove rules for what comes in."""
    return await _revoke(service, call, request, "ingress")


@ecs.operation("RevokeSecurityGroupEgress", on=_group)
async def revoke_security_group_egress(service: Ecs, call: Call, request: RevokeRequest) -> Done:
    """Remove rules for what goes out."""
    return await _revoke(service, call, request, "egress")


class DescribeSecurityGroupAttributeRequest(GroupRequest, kw_only=True):
    """Which rules are wanted."""

    direction: str = "all"
    nic_type: str = "intranet"


class PermissionAnswer(Answer):
    """A rule."""

    security_group_rule_id: str
    direction: str
    policy: str
    priority: str
    ip_protocol: str
    port_range: str
    source_cidr_ip: str
    dest_cidr_ip: str
    source_group_id: str
    dest_group_id: str
    nic_type: str
    description: str
    create_time: str
    source_port_range: str = ""
    ipv6_source_cidr_ip: str = ""
    ipv6_dest_cidr_ip: str = ""
    source_prefix_list_id: str = ""
    dest_prefix_list_id: str = ""


class PermissionList(Answer):
    """Rules."""

    permission: list[PermissionAnswer]


class DescribeSecurityGroupAttributeAnswer(Answer):
    """A security group and its rules."""

    security_group_id: str
    security_group_name: str
    description: str
    vpc_id: str
    region_id: str
    permissions: PermissionList
    inner_access_policy: str = "Accept"


@ecs.operation("DescribeSecurityGroupAttribute", on=_group)
async def describe_security_group_attribute(
    service: Ecs, call: Call, request: DescribeSecurityGroupAttributeRequest
) -> DescribeSecurityGroupAttributeAnswer:
    """Show a security group with its rules."""
    region = region_of(call)
    if request.direction not in ("all", "ingress", "egress"):
        raise invalid_parameter("Direction")
    direction = None if request.direction == "all" else request.direction
    group, rules = await service.security.rules(call, request.security_group_id, direction)
    return DescribeSecurityGroupAttributeAnswer(
        security_group_id=group.id,
        security_group_name=group.name,
        description=group.description,
        vpc_id=group.vpc_id,
        region_id=region,
        permissions=PermissionList([_permission(one) for one in rules if one.nic_type == request.nic_type]),
    )


def _permission(one: SecurityRule) -> PermissionAnswer:
    is_in = one.direction == "ingress"
    return PermissionAnswer(
        security_group_rule_id=one.id,
        direction=one.direction,
        policy=one.policy.capitalize(),
        priority=str(one.priority),
        ip_protocol=one.protocol,
        port_range=one.port_range,
        source_cidr_ip=one.source_cidr,
        dest_cidr_ip=one.destination_cidr,
        source_group_id=one.peer_group_id if is_in else "",
        dest_group_id="" if is_in else one.peer_group_id,
        nic_type=one.nic_type,
        description=one.description,
        create_time=to_seconds(one.created_at),
    )


@ecs.operation("DeleteSecurityGroup", on=_group)
async def delete_security_group(service: Ecs, call: Call, request: GroupRequest) -> Done:
    """Remove a security group without members."""
    region_of(call)
    await service.security.delete_group(call, request.security_group_id)
    return Done()


class MemberRequest(GroupRequest, kw_only=True):
    """A security group and an instance."""

    instance_id: str


def _pair(_service: Ecs, _call: Call, request: MemberRequest) -> Sequence[str]:
    return [f"securitygroup/{request.security_group_id}", f"instance/{request.instance_id}"]


@ecs.operation("JoinSecurityGroup", on=_pair)
async def join_security_group(service: Ecs, call: Call, request: MemberRequest) -> Done:
    """Put an instance into a security group."""
    region_of(call)
    await service.security.join(call, request.security_group_id, request.instance_id)
    return Done()


@ecs.operation("LeaveSecurityGroup", on=_pair)
async def leave_security_group(service: Ecs, call: Call, request: MemberRequest) -> Done:
    """Take an instance out of a security group."""
    region_of(call)
    await service.security.leave(call, request.security_group_id, request.instance_id)
    return Done()


# ---- key pairs -----------------------------------------------------------------------------------------------------------


class KeyPairRequest(Request):
    """A request about one key pair."""

    key_pair_name: str


def _key(_service: Ecs, _call: Call, request: KeyPairRequest) -> Sequence[str]:
    return [f"keypair/{request.key_pair_name}"]


class CreateKeyPairAnswer(Answer):
    """The key pair, with the private key that is shown this once."""

    key_pair_id: str
    key_pair_name: str
    key_pair_finger_print: str
    private_key_body: str


@ecs.operation("CreateKeyPair", on=_key)
async def create_key_pair(service: Ecs, call: Call, request: KeyPairRequest) -> CreateKeyPairAnswer:
    """Make a key pair. The private key is kept nowhere."""
    region_of(call)
    pair, private = await service.security.create_key(call, request.key_pair_name)
    return CreateKeyPairAnswer(pair.id, pair.name, pair.fingerprint, private)


class ImportKeyPairRequest(KeyPairRequest, kw_only=True):
    """A public key."""

    public_key_body: str


class ImportKeyPairAnswer(Answer):
    """The key pair."""

    key_pair_name: str
    key_pair_finger_print: str


@ecs.operation("ImportKeyPair", on=_key)
async def import_key_pair(service: Ecs, call: Call, request: ImportKeyPairRequest) -> ImportKeyPairAnswer:
    """Keep a public key."""
    region_of(call)
    pair = await service.security.import_key(call, request.key_pair_name, request.public_key_body)
    return ImportKeyPairAnswer(pair.name, pair.fingerprint)


class DescribeKeyPairsRequest(Paged):
    """Which key pairs are wanted."""

    key_pair_name: str | None = None
    key_pair_finger_print: str | None = None
    include_public_key: bool = False


class KeyPairAnswer(Answer):
    """A key pair."""

    key_pair_id: str
    key_pair_name: str
    key_pair_finger_print: str
    creation_time: str
    public_key: str | msgspec.UnsetType = msgspec.UNSET
    resource_group_id: str = ""
    tags: TagPairs = msgspec.field(default_factory=TagPairs)


class KeyPairList(Answer):
    """Key pairs."""

    key_pair: list[KeyPairAnswer]


class DescribeKeyPairsAnswer(Answer):
    """One page of key pairs."""

    key_pairs: KeyPairList
    total_count: int
    page_number: int
    page_size: int


@ecs.operation("DescribeKeyPairs", on=lambda _service, _call, _request: ["keypair/*"])
async def describe_key_pairs(service: Ecs, call: Call, request: DescribeKeyPairsRequest) -> DescribeKeyPairsAnswer:
    """List key pairs, newest first."""
    check_page(request)
    wanted = Wanted(
        account_id=call.account_id,
        region=region_of(call),
        equal={"fingerprint": request.key_pair_finger_print},
        like={"name": request.key_pair_name},
    )
    found, total = await service.security.keys(wanted, number=request.page_number, size=request.page_size)
    rows = [
        KeyPairAnswer(
            key_pair_id=one.id,
            key_pair_name=one.name,
            key_pair_finger_print=one.fingerprint,
            creation_time=to_seconds(one.created_at),
            public_key=one.public_key if request.include_public_key else msgspec.UNSET,
        )
        for one in found
    ]
    return DescribeKeyPairsAnswer(KeyPairList(rows), total, request.page_number, request.page_size)


class DeleteKeyPairsRequest(Request):
    """Key pairs to be forgotten."""

    key_pair_names: JsonText[list[str]]


@ecs.operation("DeleteKeyPairs", on=lambda _service, _call, _request: ["keypair/*"])
async def delete_key_pairs(service: Ecs, call: Call, request: DeleteKeyPairsRequest) -> Done:
    """Forget key pairs."""
    region_of(call)
    await service.security.delete_keys(call, request.key_pair_names)
    return Done()


class BindKeyPairRequest(KeyPairRequest, kw_only=True):
    """A key pair and instances."""

    instance_ids: JsonText[list[str]]


class BindKeyPairResult(Answer):
    """What became of one instance."""

    instance_id: str
    success: str = "true"
    code: str = "200"
    message: str = "successful"


class BindKeyPairResults(Answer):
    """What became of the instances."""

    result: list[BindKeyPairResult]


class BindKeyPairAnswer(Answer):
    """What became of the instances, all or none."""

    key_pair_name: str
    total_count: str
    fail_count: str
    results: BindKeyPairResults


async def _bind(service: Ecs, call: Call, request: BindKeyPairRequest, *, bound: bool) -> BindKeyPairAnswer:
    region_of(call)
    check_ids(request.instance_ids)
    await service.security.bind_key(call, request.key_pair_name, request.instance_ids, bound=bound)
    results = BindKeyPairResults([BindKeyPairResult(one) for one in request.instance_ids])
    return BindKeyPairAnswer(request.key_pair_name, str(len(request.instance_ids)), "0", results)


@ecs.operation("AttachKeyPair", on=_key)
async def attach_key_pair(service: Ecs, call: Call, request: BindKeyPairRequest) -> BindKeyPairAnswer:
    """Let instances show a key pair."""
    return await _bind(service, call, request, bound=True)


@ecs.operation("DetachKeyPair", on=_key)
async def detach_key_pair(service: Ecs, call: Call, request: BindKeyPairRequest) -> BindKeyPairAnswer:
    """Let instances show no key pair."""
    return await _bind(service, call, request, bound=False)
