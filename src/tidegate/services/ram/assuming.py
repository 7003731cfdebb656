"""Who may assume a role, and who it is then (ram.md 8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tidegate.errors import CloudError
from tidegate.services.operation import Principal
from tidegate.services.ram.policy import Access, NamedPolicy, Policy, evaluate
from tidegate.services.ram.policy.grammar import principal_name
from tidegate.store.ram.records import Role

ASSUME_ROLE = "sts:AssumeRole"


def role_missing() -> CloudError:
    """Answer about a role that does not exist, in the words of STS."""
    return CloudError("EntityNotExist.Role", "The specified Role not exists.", 404)


def assuming_refused() -> CloudError:
    """Answer to a caller who lacks the permission or the role's trust, in the words of STS."""
    return CloudError("NoPermission", "You are not authorized to do this action. You should be authorized by RAM.", 403)


def names_of(trustee: Principal | str, account: str) -> frozenset[str]:
    """Return the names by which a trust policy of ``account`` may mean a user, a role or a service.

    Users and roles are meant by themselves and by their whole account, services also as acting for one account.
    """
    if isinstance(trustee, str):
        return frozenset({principal_name(trustee), principal_name(f"{account}@{trustee}")})
    home = f"acs:ram::{trustee.account_id}"
    itself = f"user/{trustee.name}" if trustee.kind == "RAMUser" else f"role/{trustee.name}"
    return frozenset({principal_name(f"{home}:root"), principal_name(f"{home}:{itself}")})


def check_trust(
    role: Role, names: frozenset[str], context: Mapping[str, str], read_trust: Callable[[str], Policy]
) -> None:
    """Raise ``NoPermission`` unless the role's trust policy lets one of ``names`` assume it."""
    trust = NamedPolicy(read_trust(role.trust_document))
    access = Access(ASSUME_ROLE, f"acs:ram:*:{role.account_id}:role/{role.role_name}", context, names)
    if evaluate([trust], access).kind != "Allow":
        raise assuming_refused()


def assumed(role: Role, session: str) -> Principal:
    """Return who acts under the role."""
    return Principal(
        kind="AssumedRoleUser", account_id=role.account_id, id=role.role_id, name=role.role_name, session=session
    )
