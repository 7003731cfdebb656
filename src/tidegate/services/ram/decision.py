"""A decision about one call, and how it is explained to whoever was denied (ram.md 12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from tidegate.services.operation import Principal
from tidegate.services.ram.policy import Verdict
from tidegate.services.ram.policy.evaluation import Kind

#: Which layer of policies decided.
Layer = Literal["AccountLevelIdentityBasedPolicy", "SessionPolicy", "AssumeRolePolicy"]

_PRINCIPAL_TYPES: Mapping[str, str] = {
    "Account": "AliyunAccount",
    "RAMUser": "SubUser",
    "AssumedRoleUser": "AssumedRoleUser",
    "Service": "AssumedRoleUser",
}


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether ``principal`` may do ``action`` on ``resource``, and which statement of which policy decided.

    ``policy`` and ``statement`` (its index) are empty for an implicit deny and for the account itself. ``detail`` is
    the AccessDeniedDetail of a denial, empty otherwise.
    """

    kind: Kind
    principal: Principal
    action: str
    resource: str
    layer: Layer = "AccountLevelIdentityBasedPolicy"
    policy: str = ""
    policy_type: str = ""
    policy_version: str = ""
    attached_to: str = ""
    statement: int | None = None
    detail: Mapping[str, str] = {}

    @property
    def allowed(self) -> bool:
        """Whether the call may go on."""
        return self.kind == "Allow"


def decide_as(verdict: Verdict, principal: Principal, action: str, resource: str, layer: Layer) -> Decision:
    """Turn the verdict of the policies into a decision, its detail not yet filled in."""
    named = verdict.policy
    if named is None:
        return Decision(kind=verdict.kind, principal=principal, action=action, resource=resource, layer=layer)
    return Decision(
        kind=verdict.kind,
        principal=principal,
        action=action,
        resource=resource,
        layer=layer,
        policy=named.name,
        policy_type=named.type,
        policy_version=named.version,
        attached_to=named.attached_to,
        statement=verdict.statement,
    )


def denial_detail(decision: Decision, diagnostic: str) -> dict[str, str]:
    """Return the AccessDeniedDetail of a denial; ``diagnostic`` is the encoded message."""
    return {
        "AuthAction": decision.action,
        "AuthPrincipalType": _PRINCIPAL_TYPES[decision.principal.kind],
        "AuthPrincipalOwnerId": decision.principal.account_id,
        "AuthPrincipalDisplayName": display_name(decision.principal),
        "PolicyType": decision.layer,
        "NoPermissionType": decision.kind,
        "EncodedDiagnosticMessage": diagnostic,
    }


def diagnosis(decision: Decision, context: Mapping[str, str]) -> dict[str, Any]:
    """Return what DecodeDiagnosticMessage tells about a denial, in its own shape."""
    matched = [
        {
            "PolicyIdentifier": decision.policy,
            "PolicyType": decision.policy_type,
            "PolicyVersion": decision.policy_version,
            "Effect": "Deny",
            "AttachedEntityType": decision.attached_to,
        }
    ]
    return {
        "AuthAction": decision.action,
        "AuthResource": decision.resource,
        "AuthPrincipal": {
            "AuthPrincipalType": _PRINCIPAL_TYPES[decision.principal.kind],
            "AuthPrincipalOwnerId": decision.principal.account_id,
            "AuthPrincipalDisplayName": display_name(decision.principal),
        },
        "AuthConditions": [{"ConditionKey": key, "ConditionValues": [value]} for key, value in context.items()],
        "NoPermissionPolicyType": decision.layer,
        "ExplicitDeny": decision.kind == "ExplicitDeny",
        "MatchedPolicies": matched if decision.policy else [],
    }


def display_name(principal: Principal) -> str:
    """Name a principal as denials do: the user id, or ``<role>:<session>``."""
    if principal.kind in ("Account", "RAMUser"):
        return principal.id
    return f"{principal.name}:{principal.session or 'service'}"
