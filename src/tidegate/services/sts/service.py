"""Temporary keys: a user or role that is trusted acts under a role for a while (ram.md 4 and 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from tidegate.clock import Clock
from tidegate.services.operation import Principal
from tidegate.services.ram.credential import TemporaryKey
from tidegate.services.ram.service import Ram
from tidegate.services.sts import faults, limits
from tidegate.services.sts.rate import Rate
from tidegate.store.ram.records import Role

_ROLE_ARN = re.compile(r"acs:ram:\*?:([0-9]{1,20}):role/([A-Za-z0-9.@_ -]{1,64})")
_SESSION_NAME = re.compile(r"[A-Za-z0-9.@_-]{2,64}")
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_+=,.@:/-]{2,1224}")
_SOURCE_IDENTITY = re.compile(r"[A-Za-z0-9_=,.@-]{2,64}")


class Assumption(msgspec.Struct, frozen=True, kw_only=True):
    """What AssumeRole is asked for. ``seconds`` is how long; ``policy`` narrows what the temporary key may do."""

    role_arn: str
    session: str
    seconds: int = limits.SECONDS_DEFAULT
    policy: str | None = None
    external_id: str | None = None
    source_identity: str | None = None


class Sts:
    """STS of one cloud."""

    def __init__(self, ram: Ram, clock: Clock) -> None:
        self._ram = ram
        self._rate = Rate(clock, limits.ASSUME_ROLE_PER_SECOND)

    async def assume_role(
        self, caller: Principal, asked: Assumption, context: Mapping[str, str]
    ) -> tuple[Role, TemporaryKey]:
        """Return the role and a temporary key for it.

        The caller's own permission was checked before; here the parameters and the role's trust are. ``context`` are
        the condition keys of the call.
        """
        if not self._rate.admits(caller.account_id):
            raise faults.too_many()
        if caller.kind == "Account":
            raise faults.root_refused()
        account, role_name = read_role_arn(asked.role_arn)
        self._check(asked)
        role = await self._ram.trusted_role(account, role_name, caller, {**context, **_condition_keys(asked)})
        if not limits.SECONDS_MIN <= asked.seconds <= role.max_session_duration:
            raise faults.duration_wrong(limits.SECONDS_MIN, role.max_session_duration)
        return role, await self._ram.open_session(role, asked.session, asked.policy, asked.seconds)

    def _check(self, asked: Assumption) -> None:
        if not _SESSION_NAME.fullmatch(asked.session):
            raise faults.session_name_wrong()
        if asked.external_id is not None and not _EXTERNAL_ID.fullmatch(asked.external_id):
            raise faults.external_id_wrong()
        if asked.source_identity is not None and not _SOURCE_IDENTITY.fullmatch(asked.source_identity):
            raise faults.source_identity_wrong()
        if asked.policy is not None:
            if len(asked.policy) > limits.POLICY_LENGTH:
                raise faults.policy_too_long(limits.POLICY_LENGTH)
            if not self._ram.is_policy(asked.policy):
                raise faults.policy_wrong()


def read_role_arn(arn: str) -> tuple[str, str]:
    """Return the account and the name of a role. Raises ``InvalidParameter.RoleArn``."""
    found = _ROLE_ARN.fullmatch(arn)
    if found is None:
        raise faults.role_arn_wrong()
    return found[1], found[2]


def _condition_keys(asked: Assumption) -> dict[str, str]:
    """Return what a trust policy may ask about the call itself."""
    keys = {"sts:RoleSessionName": asked.session}
    if asked.external_id is not None:
        keys["sts:ExternalId"] = asked.external_id
    if asked.source_identity is not None:
        keys["sts:SourceIdentity"] = asked.source_identity
    return keys
