"""Rules of security groups, and key pairs."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tidegate.store.ecs.shelf import Shelf


class SecurityRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of a security group; ``direction`` is ingress or egress. Kept and shown, not enforced."""

    id: str
    account_id: str
    region: str
    group_id: str
    direction: str
    policy: str
    priority: int
    protocol: str
    port_range: str
    source_cidr: str
    destination_cidr: str
    peer_group_id: str
    nic_type: str
    description: str
    created_at: datetime


class KeyPair(msgspec.Struct, frozen=True, kw_only=True):
    """A key pair; the private key is nowhere but with its owner."""

    id: str
    account_id: str
    region: str
    name: str
    fingerprint: str
    public_key: str
    created_at: datetime


RULES = Shelf(SecurityRule, "ecs_security_rule")
KEY_PAIRS = Shelf(KeyPair, "ecs_key_pair")
