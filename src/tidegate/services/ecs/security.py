"""Rules of security groups, who belongs to a group, and key pairs.

Rules and keys are kept and shown. No packet is filtered by a rule (the whitelists of databases are), and nobody signs in
to an instance with a key: instances are entered by RunCommand.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from hashlib import md5
from typing import TYPE_CHECKING

import msgspec

from tidegate.services.ecs import faults, limits
from tidegate.services.ecs.means import Answered, Means, locked_instance
from tidegate.services.operation import Call
from tidegate.store.ecs import instances as instance_rows
from tidegate.store.ecs import networks as network_rows
from tidegate.store.ecs import tags as tag_rows
from tidegate.store.ecs.networks import SecurityGroup
from tidegate.store.ecs.security import KEY_PAIRS, RULES, KeyPair, SecurityRule
from tidegate.store.ecs.shelf import Wanted

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_PROTOCOLS = ("TCP", "UDP", "ICMP", "ICMPV6", "GRE", "ALL")
_PORTS = re.compile(r"(-1|[0-9]{1,5})/(-1|[0-9]{1,5})")
_KEY_NAME = re.compile(r"(?!https?://)[^\W\d_][\w.:-]{1,127}")
_PUBLIC_KEY = re.compile(r"ssh-(rsa|ed25519) [A-Za-z0-9+/=]+( .*)?")


class RuleWish(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as a caller words it. Empty texts are not given."""

    direction: str
    policy: str = "accept"
    priority: int = 1
    protocol: str = ""
    port_range: str = ""
    source_cidr: str = ""
    destination_cidr: str = ""
    peer_group_id: str = ""
    nic_type: str = "intranet"
    description: str = ""


class Security:
    """Security groups' rules and members, and the key pairs, of every account."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def authorize(self, call: Call, group_id: str, wishes: Sequence[RuleWish]) -> None:
        """Add rules; those that are there already stay as they are."""
        for wish in wishes:
            _check_rule(wish)

        async def act(tx: Connection) -> Answered:
            await self._group(tx, call, group_id)
            known = await RULES.every(tx, "where group_id = $1", group_id)
            fresh = [wish for wish in wishes if not any(_is_same(wish, one) for one in known)]
            if len(known) + len(fresh) > limits.SECURITY_RULES:
                raise faults.denied("QuotaExceeded")
            made = [self._rule(call, group_id, wish) for wish in fresh]
            if made:
                await RULES.add(tx, *made)
            return {}

        await self._means.once(call, act)

    def _rule(self, call: Call, group_id: str, wish: RuleWish) -> SecurityRule:
        return SecurityRule(
            id=self._means.ids.resource("sgr", call.region),
            account_id=call.account_id,
            region=call.region,
            group_id=group_id,
            direction=wish.direction,
            policy=wish.policy.lower(),
            priority=wish.priority,
            protocol=wish.protocol.upper(),
            port_range=wish.port_range,
            source_cidr=wish.source_cidr,
            destination_cidr=wish.destination_cidr,
            peer_group_id=wish.peer_group_id,
            nic_type=wish.nic_type,
            description=wish.description,
            created_at=self._means.now(),
        )

    async def revoke(self, call: Call, group_id: str, wishes: Sequence[RuleWish], rule_ids: Sequence[str]) -> None:
        """Remove rules, by their ids or by what they say; a rule that is not there is fine (ASSUMPTION)."""
        async with self._means.database.transaction() as tx:
            await self._group(tx, call, group_id)
            known = await RULES.every(tx, "where group_id = $1 for update", group_id)
            if set(rule_ids) - {one.id for one in known}:
                raise faults.not_found("InvalidSecurityGroupRuleId")
            gone = [one.id for one in known if one.id in rule_ids or any(_is_same(wish, one) for wish in wishes)]
            await RULES.remove(tx, "where id = any($1)", gone)

    async def rules(self, call: Call, group_id: str, direction: str | None) -> tuple[SecurityGroup, list[SecurityRule]]:
        """Return a group and its rules, by priority."""
        async with self._means.database.connection() as db:
            group = await self._group(db, call, group_id)
            found = await RULES.every(db, "where group_id = $1 order by priority, created_at, id", group_id)
        return group, [one for one in found if direction in (None, one.direction)]

    async def delete_group(self, call: Call, group_id: str) -> None:
        """Remove a group without members; the default one stays."""
        async with self._means.database.transaction() as tx:
            group = await self._group(tx, call, group_id)
            members = await network_rows.members_by_group(tx, call.account_id, call.region)
            if group.is_default or members.get(group_id):
                raise faults.denied("DependencyViolation")
            await network_rows.remove_security_group(tx, group_id)
            await tag_rows.remove(tx, "securitygroup", [group_id], None)

    async def join(self, call: Call, group_id: str, instance_id: str) -> None:
        """Put an instance into a group."""
        async with self._means.database.transaction() as tx:
            instance = await locked_instance(tx, call, instance_id)
            group = await self._group(tx, call, group_id)
            if group.vpc_id != instance.vpc_id:
                raise faults.bad("InvalidParameter.Mismatch")
            groups = list(dict.fromkeys([*instance.security_group_ids, group_id]))
            if len(groups) > limits.SECURITY_GROUPS_PER_INSTANCE:
                raise faults.denied("QuotaExceeded")
            await instance_rows.change(tx, instance.id, {"security_group_ids": groups})

    async def leave(self, call: Call, group_id: str, instance_id: str) -> None:
        """Take an instance out of a group, unless it is its last one."""
        async with self._means.database.transaction() as tx:
            instance = await locked_instance(tx, call, instance_id)
            groups = [one for one in instance.security_group_ids if one != group_id]
            if len(groups) == len(instance.security_group_ids):
                raise faults.not_found("InvalidSecurityGroupId")
            if not groups:
                raise faults.denied("DependencyViolation")
            await instance_rows.change(tx, instance.id, {"security_group_ids": groups})

    async def _group(self, db: Connection, call: Call, group_id: str) -> SecurityGroup:
        for one in await network_rows.security_groups(db, call.account_id, call.region):
            if one.id == group_id:
                return one
        raise faults.not_found("InvalidSecurityGroupId")

    # ---- key pairs -------------------------------------------------------------------------------------------------

    async def create_key(self, call: Call, name: str) -> tuple[KeyPair, str]:
        """Make a key pair; returns it and the private key in PEM, which is kept nowhere."""
        public, private = await asyncio.to_thread(_new_key)
        return await self._add_key(call, name, public), private

    async def import_key(self, call: Call, name: str, public: str) -> KeyPair:
        """Keep a public key."""
        if not _PUBLIC_KEY.fullmatch(public.strip()):
            raise faults.bad("InvalidPublicKeyBody.Malformed")
        return await self._add_key(call, name, public.strip())

    async def _add_key(self, call: Call, name: str, public: str) -> KeyPair:
        if not _KEY_NAME.fullmatch(name):
            raise faults.bad("InvalidKeyPairName.Malformed")
        pair = KeyPair(
            id=self._means.ids.resource("ssh", call.region),
            account_id=call.account_id,
            region=call.region,
            name=name,
            fingerprint=md5(public.encode(), usedforsecurity=False).hexdigest(),
            public_key=public,
            created_at=self._means.now(),
        )
        async with self._means.database.transaction() as tx:
            if await KEY_PAIRS.held(tx, call.account_id, call.region) >= limits.KEY_PAIRS:
                raise faults.denied("QuotaExceeded")
            if not await KEY_PAIRS.add(tx, pair, unless_there=True):
                raise faults.bad("KeyPair.AlreadyExist")
        return pair

    async def keys(self, wanted: Wanted, *, number: int, size: int) -> tuple[list[KeyPair], int]:
        """Return one page of key pairs and how many there are."""
        async with self._means.database.connection() as db:
            return await KEY_PAIRS.page(db, wanted, self._means.now(), number=number, size=size)

    async def delete_keys(self, call: Call, names: Sequence[str]) -> None:
        """Forget key pairs; unknown ones are fine (ASSUMPTION)."""
        condition = "where account_id = $1 and region = $2 and name = any($3)"
        async with self._means.database.transaction() as tx:
            await KEY_PAIRS.remove(tx, condition, call.account_id, call.region, list(names))

    async def check_key(self, tx: Connection, account_id: str, region: str, name: str) -> None:
        """Raise InvalidKeyPairName.NotFound for a name that no key pair has."""
        condition = "where account_id = $1 and region = $2 and name = $3"
        if not await KEY_PAIRS.count(tx, condition, account_id, region, name):
            raise faults.not_found("InvalidKeyPairName")

    async def bind_key(self, call: Call, name: str, instance_ids: Sequence[str], *, bound: bool) -> None:
        """Let instances show a key pair, or not any more."""
        async with self._means.database.transaction() as tx:
            await self.check_key(tx, call.account_id, call.region, name)
            for instance_id in sorted(set(instance_ids)):
                instance = await locked_instance(tx, call, instance_id)
                options = msgspec.structs.replace(instance.options, key_pair_name=name if bound else "")
                await instance_rows.change(tx, instance.id, {"options": options})


def _new_key() -> tuple[str, str]:
    # cryptography's RSA takes a while to import; only whoever makes a key needs it.
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return public.decode(), private.decode()


def _is_same(wish: RuleWish, rule: SecurityRule) -> bool:
    """Tell whether a wish means the rule; addresses it does not say may be any, words are compared ignoring case."""
    return all(
        getattr(rule, name).lower() == getattr(wish, name).lower()
        for name in ("direction", "policy", "protocol", "port_range", "nic_type")
    ) and all(
        getattr(wish, name) in ("", getattr(rule, name))
        for name in ("source_cidr", "destination_cidr", "peer_group_id")
    )


def _check_rule(wish: RuleWish) -> None:
    if wish.protocol.upper() not in _PROTOCOLS:
        raise faults.bad("InvalidIpProtocol.ValueNotSupported")
    if not _PORTS.fullmatch(wish.port_range):
        raise faults.bad("InvalidIpPortRange.Malformed")
    if wish.policy.lower() not in ("accept", "drop"):
        raise faults.bad("InvalidPolicy.Malformed")
    if not 1 <= wish.priority <= 100:
        raise faults.bad("InvalidPriority.Malformed")
    if not (wish.source_cidr or wish.destination_cidr or wish.peer_group_id):
        raise faults.bad("InvalidSourceCidrIp.Malformed")
