"""Instance refreshes (ess.md 12.9)."""

from __future__ import annotations

from tidegate.services.ess.requests.groups import LaunchTemplateOverride
from tidegate.services.ess.requests.shape import OnGroup
from tidegate.services.operation import Request


class DesiredConfiguration(Request, kw_only=True):
    """What members are to be made from: one of a configuration, an image and a template."""

    image_id: str | None = None
    scaling_configuration_id: str | None = None
    launch_template_id: str | None = None
    launch_template_version: str | None = None
    launch_template_overrides: list[LaunchTemplateOverride] | None = None


class Checkpoint(Request, kw_only=True):
    """A percentage at which the refresh pauses."""

    percentage: int


class StartInstanceRefresh(OnGroup, kw_only=True):
    """StartInstanceRefresh."""

    desired_configuration: DesiredConfiguration | None = None
    min_healthy_percentage: int = 80
    max_healthy_percentage: int = 120
    skip_matching: bool = True
    checkpoints: tuple[Checkpoint, ...] = ()
    checkpoint_pause_time: int = 60
    strategy: str | None = None


class OnRefresh(OnGroup, kw_only=True):
    """Names one refresh of one group."""

    instance_refresh_task_id: str


class DescribeInstanceRefreshes(Request, kw_only=True):
    """DescribeInstanceRefreshes."""

    region_id: str
    scaling_group_id: str | None = None
    instance_refresh_task_ids: tuple[str, ...] = ()
    max_results: int = 10
    next_token: str | None = None
