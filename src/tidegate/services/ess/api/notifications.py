"""Event notifications (ess.md 10, 12.9)."""

from __future__ import annotations

from tidegate.services.ess.announcer import TYPES
from tidegate.services.ess.api.product import ess, on_group
from tidegate.services.ess.requests.notifications import (
    CreateNotificationConfiguration,
    DescribeNotificationConfigurations,
    Nothing,
    OfReceiver,
)
from tidegate.services.ess.service import Ess
from tidegate.services.operation import Answer, Call, Done


class NotificationView(Answer, kw_only=True):
    """Who is told what about a group."""

    scaling_group_id: str
    notification_arn: str
    notification_types: list[str]
    message_encoding: str
    time_zone: str


class NotificationViews(Answer):
    """All configurations of a group."""

    notification_configuration_models: list[NotificationView]


class NotificationTypes(Answer):
    """Everything a receiver can be told."""

    notification_types: list[str]


@ess.operation("CreateNotificationConfiguration", on=on_group)
async def create_notification_configuration(service: Ess, call: Call, request: CreateNotificationConfiguration) -> Done:
    """Have a queue, a topic or CloudMonitor told about a group."""
    await service.notifications.create(call, request)
    return Done()


@ess.operation("ModifyNotificationConfiguration", on=on_group)
async def modify_notification_configuration(service: Ess, call: Call, request: CreateNotificationConfiguration) -> Done:
    """Change what a receiver is told."""
    await service.notifications.modify(call, request)
    return Done()


@ess.operation("DeleteNotificationConfiguration", on=on_group)
async def delete_notification_configuration(service: Ess, call: Call, request: OfReceiver) -> Done:
    """Tell a receiver nothing more."""
    await service.notifications.delete(call, request)
    return Done()


@ess.operation("DescribeNotificationConfigurations", on=on_group)
async def describe_notification_configurations(
    service: Ess, call: Call, request: DescribeNotificationConfigurations
) -> NotificationViews:
    """List the receivers of a group."""
    group, found = await service.notifications.describe(call, request)
    return NotificationViews(
        [
            NotificationView(
                scaling_group_id=group.id,
                notification_arn=one.arn,
                notification_types=one.types,
                message_encoding=one.encoding,
                time_zone=one.time_zone,
            )
            for one in found
        ]
    )


@ess.operation("DescribeNotificationTypes")
async def describe_notification_types(_service: Ess, _call: Call, _request: Nothing) -> NotificationTypes:
    """List what a receiver can be told."""
    return NotificationTypes(list(TYPES))
