"""Event notifications (ess.md 12.9)."""

from __future__ import annotations

from tidegate.services.operation import Request


class OfReceiver(Request, kw_only=True):
    """The configuration of one receiver."""

    scaling_group_id: str
    notification_arn: str
    region_id: str | None = None


class CreateNotificationConfiguration(OfReceiver, kw_only=True):
    """CreateNotificationConfiguration, and Modify…, which changes what is given."""

    notification_types: tuple[str, ...]
    message_encoding: str | None = None
    time_zone: str | None = None


class DescribeNotificationConfigurations(Request, kw_only=True):
    """DescribeNotificationConfigurations."""

    scaling_group_id: str
    region_id: str | None = None


class Nothing(Request):
    """DescribeNotificationTypes."""
