"""Runbooks spell parameters like the setters of old SDKs (ecs.md 12, oos.md 5.1)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tidegate.services.binding import bind
from tidegate.services.operation import Request
from tidegate.wire.shapes import JsonText


class Tag(Request):
    key: str
    value: str | None = None


class Filter(Request):
    key: str
    value: list[str] = msgspec.field(default_factory=list)


class Disk(Request):
    category: str | None = None
    size: int | None = None


class OldStyle(Request):
    """An ECS-like request: repeat lists in the singular."""

    instance_id: list[str] = msgspec.field(default_factory=list)
    tag: list[Tag] = msgspec.field(default_factory=list)
    filter: list[Filter] = msgspec.field(default_factory=list)
    system_disk: Disk | None = None
    image_size: str | None = msgspec.field(default=None, name="Image.Size")
    instance_ids: JsonText[list[str]] | None = None
    disk_ids: str | None = msgspec.field(default=None, name="diskIds")
    parameters: JsonText[dict[str, Any]] | None = None
    region_id: str | None = None
    force: bool = False


class NewStyle(Request):
    """An ESS-like request: lists in the plural."""

    scaling_group_ids: list[str] = msgspec.field(default_factory=list)
    policies: list[str] = msgspec.field(default_factory=list)
    processes: list[str] = msgspec.field(default_factory=list)
    tags: list[Tag] = msgspec.field(default_factory=list)
    instance_id: str | None = None


class Lists(Request):
    """Only a repeat list, no JSON text of the plural name."""

    instance_id: list[str] = msgspec.field(default_factory=list)
    security_group_ids: list[str] = msgspec.field(default_factory=list)


def bound(request: type[Request], **parameters: Any) -> dict[str, str]:
    flat = bind(request, parameters, "cn-test")
    assert flat.pop("RegionId") == "cn-test"
    return flat


@pytest.mark.parametrize(
    ("request_type", "parameters", "flat"),
    [
        (OldStyle, {"Force": True}, {"Force": "true"}),
        (OldStyle, {"FORCE": True}, {"Force": "true"}),
        (OldStyle, {"InstanceId": ["a", "b"]}, {"InstanceId.1": "a", "InstanceId.2": "b"}),
        (OldStyle, {"InstanceId": "a"}, {"InstanceId.1": "a"}),
        (OldStyle, {"InstanceIds": ["a", "b"]}, {"InstanceIds": '["a","b"]'}),
        (OldStyle, {"InstanceIds": '["a"]'}, {"InstanceIds": '["a"]'}),
        (OldStyle, {"diskIds": ["d"]}, {"diskIds": '["d"]'}),
        (OldStyle, {"DiskIds": ["d"]}, {"diskIds": '["d"]'}),
        (OldStyle, {"Parameters": {"a": 1}}, {"Parameters": '{"a":1}'}),
        (OldStyle, {"Tags": [{"Key": "k", "Value": "v"}]}, {"Tag.1.Key": "k", "Tag.1.Value": "v"}),
        (OldStyle, {"Tags": {"Key": "k"}}, {"Tag.1.Key": "k"}),
        (
            OldStyle,
            {"SystemDiskSize": 40, "SystemDiskCategory": "x"},
            {"SystemDisk.Size": "40", "SystemDisk.Category": "x"},
        ),
        (OldStyle, {"SystemDisk": {"Size": 40}}, {"SystemDisk.Size": "40"}),
        (OldStyle, {"SystemDisk.Size": 40}, {"SystemDisk.Size": "40"}),
        (OldStyle, {"ImageSize": 40}, {"Image.Size": "40"}),
        (OldStyle, {"InstanceId1": "a", "InstanceId2": "b"}, {"InstanceId.1": "a", "InstanceId.2": "b"}),
        (OldStyle, {"InstanceId.1": "a"}, {"InstanceId.1": "a"}),
        (OldStyle, {"Filter2Key": "k"}, {"Filter.2.Key": "k"}),
        (OldStyle, {"Filter.2.Value.1": "v"}, {"Filter.2.Value.1": "v"}),
        (OldStyle, {"Force": None, "InstanceIds": ""}, {}),
        (OldStyle, {"Unknown": 5, "Other": ["x"]}, {"Unknown": "5", "Other": '["x"]'}),
        (Lists, {"InstanceIds": ["a"]}, {"InstanceId.1": "a"}),
        (Lists, {"SecurityGroupId": ["s"]}, {"SecurityGroupIds.1": "s"}),
        (NewStyle, {"ScalingGroupId1": "g"}, {"ScalingGroupIds.1": "g"}),
        (NewStyle, {"ScalingGroupId": ["g"]}, {"ScalingGroupIds.1": "g"}),
        (NewStyle, {"Policy": ["p"], "Process": ["q"]}, {"Policies.1": "p", "Processes.1": "q"}),
        (NewStyle, {"Tag": [{"Key": "k"}]}, {"Tags.1.Key": "k"}),
        (NewStyle, {"InstanceId": "i"}, {"InstanceId": "i"}),
    ],
)
def test_a_template_parameter_finds_the_one_that_is_meant(
    request_type: type[Request], parameters: dict[str, Any], flat: dict[str, str]
) -> None:
    assert bound(request_type, **parameters) == flat


def test_a_given_region_wins() -> None:
    assert bind(OldStyle, {"RegionId": "cn-beijing"}, "cn-test") == {"RegionId": "cn-beijing"}
