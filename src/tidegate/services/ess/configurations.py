"""Scaling configurations: what a group's instances are made from (ess.md 12.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tidegate.services.ess import limits, naming, refusals, repeats, scope, values
from tidegate.services.ess.paging import checked_page
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.requests.configurations import (
    ConfigurationValues,
    CreateScalingConfiguration,
    DescribeScalingConfigurations,
    ModifyScalingConfiguration,
    OnConfiguration,
)
from tidegate.services.ess.requests.shape import given
from tidegate.services.ess.states import GroupState
from tidegate.services.operation import Call
from tidegate.store.ess import configurations as rows
from tidegate.store.ess import groups, members
from tidegate.store.ess.records import Configuration

#: Which field remembers that a password was given; the password itself is not kept, nobody signs in here.
PASSWORD = "PasswordSetted"  # noqa: S105 - a field's name


class Configurations:
    """The scaling configurations of groups."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def create(self, call: Call, request: CreateScalingConfiguration) -> str:
        """Create an Inactive configuration."""
        fields = given(request, ConfigurationValues) | {PASSWORD: request.password is not None}
        own_images = await self._own_images(call, fields)
        async with self._around.database.transaction() as tx:
            group = await scope.changeable_group(tx, call, request.scaling_group_id, request.region_id)
            known = await repeats.recall(tx, call, self._around.now())
            if known is not None:
                return str(known[0])
            values.check_configuration(fields, own_images)
            configuration_id = self._around.ids.resource("asc", group.region)
            name = request.scaling_configuration_name or configuration_id
            existing = await rows.of_group(tx, group.id)
            _check_name(name, existing)
            if len(existing) >= limits.CONFIGURATIONS_PER_GROUP:
                raise refusals.configuration_quota()
            now = self._around.now()
            await rows.table.add(
                tx, Configuration(id=configuration_id, group_id=group.id, name=name, fields=fields, created_at=now)
            )
            await repeats.remember(tx, call, configuration_id, now)
        return configuration_id

    async def modify(self, call: Call, request: ModifyScalingConfiguration) -> None:
        """Change a configuration: instances that exist keep what they were made from."""
        new = given(request, ConfigurationValues)
        if request.password is not None:
            new[PASSWORD] = True
        own_images = await self._own_images(call, new)
        async with self._around.database.transaction() as tx:
            found, group = await scope.configuration(tx, call, request.scaling_configuration_id, request.region_id)
            await scope.changeable_group(tx, call, group.id, None)
            fields = _merged(found.fields, new, override=request.override)
            # An image that was there when the configuration was made may be gone; it is not what changes now.
            values.check_configuration(fields, {*own_images, found.fields.get("ImageId", "")})
            name = request.scaling_configuration_name or found.name
            _check_name(name, [one for one in await rows.of_group(tx, group.id) if one.id != found.id])
            await rows.table.write(tx, msgspec.structs.replace(found, name=name, fields=fields))

    async def _own_images(self, call: Call, fields: Mapping[str, Any]) -> set[str]:
        """Return the image that the fields name, if the account has such a one. ECS is asked outside transactions."""
        image_id = fields.get("ImageId", "")
        found = image_id and await self._around.machines.has_image(call.account_id, call.region, image_id)
        return {image_id} if found else set()

    async def deactivate(self, call: Call, request: OnConfiguration) -> None:
        """Leave a group that is not Active without a source of instances."""
        async with self._around.database.transaction() as tx:
            found, group = await scope.configuration(tx, call, request.scaling_configuration_id, request.region_id)
            locked = await scope.locked_group(tx, call, group.id, None)
            if locked.state != GroupState.INACTIVE:
                raise refusals.group_status()
            if locked.active_configuration_id != found.id:
                raise refusals.configuration_active()
            await groups.table.write(tx, msgspec.structs.replace(locked, active_configuration_id=None))

    async def delete(self, call: Call, request: OnConfiguration) -> None:
        """Delete a configuration that is neither active nor has instances."""
        async with self._around.database.transaction() as tx:
            found, group = await scope.configuration(tx, call, request.scaling_configuration_id, request.region_id)
            locked = await scope.locked_group(tx, call, group.id, None)
            if locked.active_configuration_id == found.id:
                raise refusals.configuration_active()
            mine = members.Query(account_id=group.account_id, region=group.region, configuration_id=found.id)
            if await members.count(tx, mine):
                raise refusals.instance_in_use()
            await rows.remove(tx, found.id)

    async def describe(
        self, call: Call, request: DescribeScalingConfigurations
    ) -> tuple[int, list[tuple[Configuration, bool]]]:
        """Return how many configurations match and a page of them, each with whether it is active."""
        limit, offset = checked_page(request.page_number, request.page_size, limits.PAGE)
        query = rows.Query(
            account_id=call.account_id,
            region=request.region_id,
            group_id=request.scaling_group_id,
            ids=request.scaling_configuration_ids or None,
            names=request.scaling_configuration_names or None,
        )
        async with self._around.database.connection() as db:
            total = await rows.count(db, query)
            found = await rows.page(db, query, limit=limit, offset=offset)
            ids = sorted({one.group_id for one in found})
            owners = groups.Query(account_id=call.account_id, region=request.region_id, ids=ids)
            active = {one.active_configuration_id for one in await groups.page(db, owners, limit=len(ids), offset=0)}
        return total, [(one, one.id in active) for one in found]


def _check_name(name: str, others: list[Configuration]) -> None:
    if not naming.is_name(name):
        raise refusals.invalid("ScalingConfigurationName")
    if any(one.name == name for one in others):
        raise refusals.duplicate_configuration_name()


def _merged(old: Mapping[str, Any], new: Mapping[str, Any], *, override: bool) -> dict[str, Any]:
    """Return ``old`` with ``new`` over it; without ``override`` lists grow instead of being replaced."""
    merged = dict(old)
    for name, value in new.items():
        if not override and isinstance(value, list) and isinstance(old.get(name), list):
            merged[name] = [*old[name], *(item for item in value if item not in old[name])]
        else:
            merged[name] = value
    # InstanceType and InstanceTypes say the same thing: the one that was changed last counts.
    for one, other in (("InstanceType", "InstanceTypes"), ("SecurityGroupId", "SecurityGroupIds")):
        if one in new and other not in new:
            merged.pop(other, None)
        elif other in new and one not in new:
            merged.pop(one, None)
    return merged
