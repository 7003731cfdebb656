"""Finding what a call names, within what its caller may see: its account and, where one is given, its region.

A RegionId that contradicts the id makes the object not found (ess.md 13.1, ASSUMPTION).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidegate.services.ess import refusals
from tidegate.services.ess.states import GroupState
from tidegate.services.operation import Call
from tidegate.store.ess import configurations, groups, hooks, rules
from tidegate.store.ess.records import Configuration, Group, Hook, Rule

if TYPE_CHECKING:
    from tidegate.store.database import Connection


def _is_visible(group: Group | None, call: Call, region: str | None) -> bool:
    return group is not None and group.account_id == call.account_id and region in (None, group.region)


async def group(db: Connection, call: Call, group_id: str, region: str | None) -> Group:
    """Return a group; raises InvalidScalingGroupId.NotFound."""
    found = await groups.find(db, call.account_id, group_id)
    if found is None or not _is_visible(found, call, region):
        raise refusals.group_not_found()
    return found


async def locked_group(tx: Connection, call: Call, group_id: str, region: str | None) -> Group:
    """Return a group and keep everybody else from deciding about it; raises InvalidScalingGroupId.NotFound."""
    found = await groups.lock(tx, group_id)
    if found is None or not _is_visible(found, call, region):
        raise refusals.group_not_found()
    return found


async def changeable_group(tx: Connection, call: Call, group_id: str, region: str | None) -> Group:
    """Return a locked group that is not being deleted; raises IncorrectScalingGroupStatus for one that is."""
    found = await locked_group(tx, call, group_id, region)
    if found.state == GroupState.DELETING:
        raise refusals.group_status()
    return found


async def configuration(
    db: Connection, call: Call, configuration_id: str, region: str | None
) -> tuple[Configuration, Group]:
    """Return a configuration and its group; raises InvalidScalingConfigurationId.NotFound."""
    found = await configurations.find(db, configuration_id)
    owner = await groups.find(db, call.account_id, found.group_id) if found else None
    if found is None or owner is None or not _is_visible(owner, call, region):
        raise refusals.configuration_not_found()
    return found, owner


async def rule(db: Connection, call: Call, rule_id: str, region: str | None) -> tuple[Rule, Group]:
    """Return a rule and its group; raises InvalidScalingRuleId.NotFound."""
    found = await rules.find(db, rule_id)
    owner = await groups.find(db, call.account_id, found.group_id) if found else None
    if found is None or owner is None or not _is_visible(owner, call, region):
        raise refusals.rule_not_found()
    return found, owner


async def hook(db: Connection, call: Call, hook_id: str, region: str | None) -> tuple[Hook, Group] | None:
    """Return a hook and its group, None when the caller has none of this id: the words differ from call to call."""
    found = await hooks.find(db, hook_id)
    owner = await groups.find(db, call.account_id, found.group_id) if found else None
    return (found, owner) if found and owner and _is_visible(owner, call, region) else None
