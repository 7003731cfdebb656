"""VPCs, vSwitches, their addresses, and security groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Vpc(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual private cloud."""

    id: str
    account_id: str
    region: str
    name: str
    description: str
    block: IPv4Network
    is_default: bool
    created_at: datetime


class VSwitch(msgspec.Struct, frozen=True, kw_only=True):
    """A subnet of a VPC in one zone."""

    id: str
    account_id: str
    region: str
    zone: str
    vpc_id: str
    name: str
    description: str
    block: IPv4Network
    is_default: bool
    created_at: datetime


class SecurityGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A security group. Its rules are kept beside it and not enforced."""

    id: str
    account_id: str
    region: str
    vpc_id: str
    name: str
    description: str
    type: str
    is_default: bool
    created_at: datetime


async def lock_blocks(tx: Connection) -> None:
    """Let no other transaction choose a block before this one has ended."""
    await tx.execute("select pg_advisory_xact_lock(hashtext('ecs_block'))")


async def taken_blocks(tx: Connection) -> list[IPv4Network]:
    """Return the blocks of every vSwitch of every account."""
    return [row["block"] for row in await tx.fetch("select block from ecs_vswitch")]


async def add_vpc(tx: Connection, vpc: Vpc) -> None:
    """Write a new VPC."""
    await tx.execute("insert into ecs_vpc values ($1, $2, $3, $4, $5, $6, $7, $8)", *msgspec.structs.astuple(vpc))


async def add_vswitches(tx: Connection, vswitches: Iterable[VSwitch]) -> None:
    """Write new vSwitches."""
    await tx.executemany(
        "insert into ecs_vswitch values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        [msgspec.structs.astuple(one) for one in vswitches],
    )


async def add_security_group(tx: Connection, group: SecurityGroup) -> None:
    """Write a new security group."""
    await tx.execute(
        "insert into ecs_security_group values ($1, $2, $3, $4, $5, $6, $7, $8, $9)", *msgspec.structs.astuple(group)
    )


async def has_default_vpc(tx: Connection, account_id: str, region: str) -> bool:
    """Tell whether the account's default network stands in the region."""
    query = "select exists (select from ecs_vpc where account_id = $1 and region = $2 and is_default)"
    return bool(await tx.fetchval(query, account_id, region))


async def vpcs(tx: Connection, account_id: str, region: str) -> list[Vpc]:
    """Return the account's VPCs in the region, oldest first."""
    query = "select * from ecs_vpc where account_id = $1 and region = $2 order by created_at, id"
    return [Vpc(**row) for row in await tx.fetch(query, account_id, region)]


async def vswitches(tx: Connection, account_id: str, region: str) -> list[VSwitch]:
    """Return the account's vSwitches in the region, by zone."""
    query = "select * from ecs_vswitch where account_id = $1 and region = $2 order by zone, created_at, id"
    return [VSwitch(**row) for row in await tx.fetch(query, account_id, region)]


async def vswitches_by_id(tx: Connection, ids: Iterable[str]) -> dict[str, VSwitch]:
    """Return vSwitches of any account by id; unknown ones are left out."""
    rows = await tx.fetch("select * from ecs_vswitch where id = any($1)", list(ids))
    return {row["id"]: VSwitch(**row) for row in rows}


async def security_groups(tx: Connection, account_id: str, region: str) -> list[SecurityGroup]:
    """Return the account's security groups in the region, oldest first."""
    query = "select * from ecs_security_group where account_id = $1 and region = $2 order by created_at, id"
    return [SecurityGroup(**row) for row in await tx.fetch(query, account_id, region)]


async def remove_security_group(tx: Connection, group_id: str) -> None:
    """Forget a security group with its rules."""
    await tx.execute("delete from ecs_security_group where id = $1", group_id)


async def remove_vswitch(tx: Connection, vswitch_id: str) -> None:
    """Forget a vSwitch; nobody may hold an address of it."""
    await tx.execute("delete from ecs_vswitch where id = $1", vswitch_id)


async def remove_vpc(tx: Connection, vpc_id: str) -> None:
    """Forget a VPC; it must be empty."""
    await tx.execute("delete from ecs_vpc where id = $1", vpc_id)


async def members_by_group(tx: Connection, account_id: str, region: str) -> Mapping[str, int]:
    """Return how many instances each security group has; groups without any are left out."""
    query = """
        select member, count(*) as members
        from ecs_instance, unnest(security_group_ids) as member
        where account_id = $1 and region = $2
        group by member
    """
    return {row["member"]: row["members"] for row in await tx.fetch(query, account_id, region)}


async def lock_vswitch(tx: Connection, vswitch_id: str) -> None:
    """Let no other transaction take an address of the vSwitch before this one has ended."""
    await tx.execute("select from ecs_vswitch where id = $1 for update", vswitch_id)


async def lowest_free(tx: Connection, vswitch_id: str, first: int, last: int, count: int) -> list[int]:
    """Return up to ``count`` lowest free addresses between ``first`` and ``last``. The vSwitch must be locked.

    Among the first ``taken + count`` addresses at least ``count`` are free, so no more are looked at.
    """
    query = """
        select candidate
        from generate_series(
            $2::bigint,
            least($3::bigint, $2 + $4 - 1 + (select count(*) from ecs_address where vswitch_id = $1))
        ) as candidate
        where not exists (select from ecs_address where vswitch_id = $1 and address = candidate)
        order by candidate
        limit $4::bigint
    """
    return [row["candidate"] for row in await tx.fetch(query, vswitch_id, first, last, count)]


async def take(tx: Connection, vswitch_id: str, held: Sequence[tuple[int, str]]) -> None:
    """Write who holds which addresses; the vSwitch must be locked and the addresses free."""
    await tx.execute(
        "insert into ecs_address select $1, taken.* from unnest($2::bigint[], $3::text[]) as taken",
        vswitch_id,
        [address for address, _ in held],
        [owner for _, owner in held],
    )


async def address_of(tx: Connection, owner: str) -> int | None:
    """Return the address ``owner`` holds, if any."""
    held: int | None = await tx.fetchval("select address from ecs_address where owner = $1", owner)
    return held


async def is_taken(tx: Connection, vswitch_id: str, address: int) -> bool:
    """Tell whether somebody holds the address."""
    query = "select exists (select from ecs_address where vswitch_id = $1 and address = $2)"
    return bool(await tx.fetchval(query, vswitch_id, address))


async def free(tx: Connection, owners: Iterable[str]) -> None:
    """Give the owners' addresses back. Owners without one: nothing happens."""
    await tx.execute("delete from ecs_address where owner = any($1)", list(owners))


async def addresses_in_use(tx: Connection, vswitch_ids: Iterable[str]) -> Mapping[str, int]:
    """Return how many addresses of each vSwitch are held; those with none are left out."""
    query = "select vswitch_id, count(*) as held from ecs_address where vswitch_id = any($1) group by vswitch_id"
    return {row["vswitch_id"]: row["held"] for row in await tx.fetch(query, list(vswitch_ids))}
