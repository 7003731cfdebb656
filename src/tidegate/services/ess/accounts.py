"""What concerns an account rather than its scaling: rights, resource groups, ordinary messages (ess.md 12.9)."""

from __future__ import annotations

import msgspec

from tidegate.services.ess import refusals, scope
from tidegate.services.ess.ports import SERVICE, Surroundings
from tidegate.services.ess.requests.advice import ChangeResourceGroup, ModifyAlertConfiguration, VerifyAuthentication
from tidegate.services.ess.requests.shape import OnGroup
from tidegate.services.ess.tagging import RESOURCE_TYPE
from tidegate.services.operation import Call
from tidegate.store.ess import groups

#: Ends of activities that the account can be told of (ASSUMPTION: the statuses of section 6.1 that are ends).
STATUSES = ("Successful", "Warning", "Failed", "Rejected")


class Accounts:
    """The accounts of Auto Scaling."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def verify(self, call: Call, request: VerifyAuthentication) -> None:
        """See to it that the service may act for the account; OnlyCheck makes no role."""
        if request.uid not in (None, call.account_id):
            raise refusals.role_lacks_right("ess:VerifyAuthentication", "*")
        if not request.only_check:
            await self._around.roles.ensure_service_linked_role(call.account_id, SERVICE)

    async def change_resource_group(self, call: Call, request: ChangeResourceGroup) -> None:
        """Move a group to another resource group."""
        if request.resource_type.lower() != RESOURCE_TYPE:
            raise refusals.invalid("ResourceType")
        async with self._around.database.transaction() as tx:
            group = await scope.changeable_group(tx, call, request.resource_id, request.region_id)
            options = group.options | {"ResourceGroupId": request.new_resource_group_id}
            await groups.table.write(tx, msgspec.structs.replace(group, options=options))

    async def alert_statuses(self, call: Call, request: OnGroup) -> list[str]:
        """Return which ends of activities the account is told of."""
        async with self._around.database.connection() as db:
            return (await scope.group(db, call, request.scaling_group_id, request.region_id)).alert_statuses

    async def set_alert_statuses(self, call: Call, request: ModifyAlertConfiguration) -> None:
        """Choose the ends of activities that the account is told of; none at all is fine.

        Kept and shown: this cloud sends neither text messages nor mail.
        """
        if not set(request.scale_statuses) <= set(STATUSES):
            raise refusals.invalid("ScaleStatuses")
        async with self._around.database.transaction() as tx:
            group = await scope.changeable_group(tx, call, request.scaling_group_id, request.region_id)
            statuses = list(dict.fromkeys(request.scale_statuses))
            await groups.table.write(tx, msgspec.structs.replace(group, alert_statuses=statuses))
