"""Event notifications: who is told which events of a group (ess.md 10)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import msgspec

from tidegate.services.ess import bodies, limits, notices, receivers, refusals, scope
from tidegate.services.ess.announcer import TYPES
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.requests.notifications import (
    CreateNotificationConfiguration,
    DescribeNotificationConfigurations,
    OfReceiver,
)
from tidegate.services.operation import Call
from tidegate.store.ess import notifications as rows
from tidegate.store.ess.notifications import Encoding, Notification
from tidegate.store.ess.records import Group

_DEFAULT_ZONE = "UTC"


class Notifications:
    """The notification configurations of groups."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    async def create(self, call: Call, request: CreateNotificationConfiguration) -> None:
        """Have a receiver told from now on."""
        async with self._around.database.connection() as db:
            group = await scope.group(db, call, request.scaling_group_id, request.region_id)
        target = notices.receiver_of(request.notification_arn, group.region, group.account_id)
        if target is None:
            raise refusals.notification_arn()
        blank = Notification(
            group_id=group.id,
            arn=request.notification_arn,
            types=[],
            encoding="Base64",
            time_zone=_DEFAULT_ZONE,
            created_at=self._around.now(),
        )
        wanted = _changed(blank, request)
        if not await receivers.exists(self._around, group, target):
            unknown = refusals.receiver_queue if target.kind == "queue" else refusals.receiver_topic
            raise unknown(target.name)
        async with self._around.database.transaction() as tx:
            await scope.changeable_group(tx, call, group.id, None)
            if not await rows.add(tx, wanted):
                raise refusals.notification_exists()
            if len(await rows.of_group(tx, group.id)) > limits.NOTIFICATIONS_PER_GROUP:
                raise refusals.notification_quota()

    async def modify(self, call: Call, request: CreateNotificationConfiguration) -> None:
        """Change the types a receiver is told, and how, where that is given."""
        async with self._around.database.transaction() as tx:
            group = await scope.group(tx, call, request.scaling_group_id, request.region_id)
            await scope.changeable_group(tx, call, group.id, None)
            found = [one for one in await rows.of_group(tx, group.id) if one.arn == request.notification_arn]
            if not found:
                raise refusals.notification_not_found()
            await rows.write(tx, _changed(found[0], request))

    async def delete(self, call: Call, request: OfReceiver) -> None:
        """Tell a receiver nothing more."""
        async with self._around.database.transaction() as tx:
            group = await scope.group(tx, call, request.scaling_group_id, request.region_id)
            await scope.changeable_group(tx, call, group.id, None)
            if not await rows.remove(tx, group.id, request.notification_arn):
                raise refusals.notification_not_found()

    async def describe(
        self, call: Call, request: DescribeNotificationConfigurations
    ) -> tuple[Group, Sequence[Notification]]:
        """Return the configurations of a group, oldest first."""
        async with self._around.database.connection() as db:
            group = await scope.group(db, call, request.scaling_group_id, request.region_id)
            return group, await rows.of_group(db, group.id)


def _changed(before: Notification, request: CreateNotificationConfiguration) -> Notification:
    types = list(dict.fromkeys(request.notification_types))
    if not types or not set(types) <= set(TYPES):
        raise refusals.notification_types()
    encoding = request.message_encoding or before.encoding
    if encoding not in get_args(Encoding):
        raise refusals.invalid("MessageEncoding")
    zone = request.time_zone or before.time_zone
    if bodies.zone_of(zone) is None:
        raise refusals.invalid("TimeZone")
    return msgspec.structs.replace(before, types=types, encoding=encoding, time_zone=zone)
