"""The default account of an instance (kvstore.md 11). Further accounts cannot be made."""

from __future__ import annotations

from tidegate.services.kvstore import errors
from tidegate.services.kvstore.api.product import InstanceRequest, kvstore, on_instance
from tidegate.services.kvstore.service import Kvstore
from tidegate.services.operation import Answer, Call, Done


class DescribeAccountsRequest(InstanceRequest):
    """Whose accounts are wanted; with a name just that one."""

    account_name: str | None = None


class DatabasePrivilege(Answer):
    """What the account may do."""

    account_privilege: str


class DatabasePrivileges(Answer):
    """What the account may do."""

    database_privilege: list[DatabasePrivilege]


class Account(Answer):
    """An account of a Redis instance."""

    instance_id: str
    account_name: str
    account_status: str
    account_type: str
    account_description: str
    database_privileges: DatabasePrivileges


class Accounts(Answer):
    """Accounts."""

    account: list[Account]


class DescribeAccountsAnswer(Answer):
    """The accounts of an instance."""

    accounts: Accounts


@kvstore.operation("DescribeAccounts", on=on_instance)
async def describe_accounts(service: Kvstore, call: Call, request: DescribeAccountsRequest) -> DescribeAccountsAnswer:
    """List the default account, which is named like the instance."""
    instance = await service.instances.find(call.account_id, request.instance_id)
    default = Account(
        instance_id=instance.id,
        account_name=instance.id,
        account_status="Available",
        account_type="Normal",
        account_description="",
        database_privileges=DatabasePrivileges([DatabasePrivilege("RoleReadWrite")]),
    )
    wanted = [default] if request.account_name in (None, instance.id) else []
    return DescribeAccountsAnswer(Accounts(wanted))


class ResetAccountPasswordRequest(InstanceRequest):
    """The new password."""

    account_name: str
    account_password: str


@kvstore.operation("ResetAccountPassword", on=on_instance)
async def reset_account_password(service: Kvstore, call: Call, request: ResetAccountPasswordRequest) -> Done:
    """Change the password of the default account."""
    if request.account_name != request.instance_id:
        await service.instances.find(call.account_id, request.instance_id)
        raise errors.unknown_account()
    await service.instances.modify(
        call, request.instance_id, name=None, password=request.account_password, protected=None
    )
    return Done()
