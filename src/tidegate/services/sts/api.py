"""The operations of STS 2015-04-01."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.clock import to_seconds
from tidegate.errors import CloudError
from tidegate.services.operation import Answer, Call, Product, Request
from tidegate.services.sts import limits
from tidegate.services.sts.service import Assumption, Sts, read_role_arn

VERSION = "2015-04-01"


def _missing(name: str) -> CloudError:
    return CloudError(f"Missing{name}", f"{name} is mandatory for this action.")


def _invalid(name: str) -> CloudError:
    return CloudError(f"InvalidParameter.{name}", f"The parameter {name} is wrongly formed.")


def _denied(_action: str, _resource: str) -> CloudError:
    return CloudError("NoPermission", "You are not authorized to do this action. You should be authorized by RAM.", 403)


sts = Product(name="Sts", code="sts", versions=(VERSION,), missing=_missing, invalid=_invalid, denial=_denied)


class AssumeRoleRequest(Request):
    """Which role, under which name, for how long, how narrow."""

    role_arn: str
    role_session_name: str
    duration_seconds: int = limits.SECONDS_DEFAULT
    policy: str | None = None
    external_id: str | None = None
    source_identity: str | None = None


class GetCallerIdentityRequest(Request):
    """Nothing to say."""


class CredentialsItem(Answer):
    """A temporary key."""

    access_key_id: str
    access_key_secret: str
    security_token: str
    expiration: str


class AssumedRoleUserItem(Answer):
    """Who acts with it."""

    arn: str
    assumed_role_id: str


class AssumeRoleAnswer(Answer):
    """A temporary key and who acts with it."""

    credentials: CredentialsItem
    assumed_role_user: AssumedRoleUserItem
    source_identity: str | msgspec.UnsetType = msgspec.UNSET


class CallerIdentityAnswer(Answer):
    """Who is calling."""

    account_id: str
    arn: str
    principal_id: str
    identity_type: str
    user_id: str | msgspec.UnsetType = msgspec.UNSET
    role_id: str | msgspec.UnsetType = msgspec.UNSET


def _role_resource(_sts: Sts, _call: Call, request: AssumeRoleRequest) -> Sequence[str]:
    """Name the role; a malformed one is refused only to those who may assume any."""
    try:
        account, name = read_role_arn(request.role_arn)
    except CloudError:
        return ["*"]
    return [f"acs:ram:*:{account}:role/{name}"]


@sts.operation("AssumeRole", on=_role_resource)
async def assume_role(service: Sts, call: Call, request: AssumeRoleRequest) -> AssumeRoleAnswer:
    """Make a temporary key of a role that trusts the caller."""
    asked = Assumption(
        role_arn=request.role_arn,
        session=request.role_session_name,
        seconds=request.duration_seconds,
        policy=request.policy,
        external_id=request.external_id,
        source_identity=request.source_identity,
    )
    carried = {"acs:SourceIp": call.source_ip, "acs:SecureTransport": "true" if call.secure else "false"}
    role, key = await service.assume_role(call.principal, asked, carried)
    return AssumeRoleAnswer(
        credentials=CredentialsItem(
            access_key_id=key.access_key_id,
            access_key_secret=key.secret,
            security_token=key.token,
            expiration=to_seconds(key.expires),
        ),
        # ASSUMPTION: spelled as documented; GetCallerIdentity says assumed-role (ram.md 1).
        assumed_role_user=AssumedRoleUserItem(
            arn=f"acs:ram::{role.account_id}:role/{role.role_name.lower()}/{asked.session}",
            assumed_role_id=f"{role.role_id}:{asked.session}",
        ),
        source_identity=msgspec.UNSET if asked.source_identity is None else asked.source_identity,
    )


@sts.operation("GetCallerIdentity", actions=())
async def get_caller_identity(_service: Sts, call: Call, _request: GetCallerIdentityRequest) -> CallerIdentityAnswer:
    """Tell callers who they are; nobody needs a permission for that."""
    principal = call.principal
    answer = CallerIdentityAnswer(
        account_id=principal.account_id,
        arn=principal.arn,
        principal_id=principal.id,
        identity_type=principal.kind,
    )
    match principal.kind:
        case "RAMUser":
            answer.user_id = principal.id
        case "AssumedRoleUser" | "Service":
            answer.role_id = principal.id
            answer.principal_id = f"{principal.id}:{principal.session or 'service'}"
            answer.identity_type = "AssumedRoleUser"
        case "Account":
            pass
    return answer
