"""What the cloud offers: regions, zones, instance types and system images. Data, the same for every account."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Literal

import msgspec


class Region(msgspec.Struct, frozen=True):
    """A region: its id, its name for people, the letters of its zones."""

    id: str
    local_name: str
    letters: str

    @property
    def zones(self) -> tuple[str, ...]:
        """Zone ids: ``cn-hangzhou-h``, but ``ap-southeast-1a`` where the region's id ends with a digit."""
        dash = "" if self.id[-1].isdigit() else "-"
        return tuple(f"{self.id}{dash}{letter}" for letter in self.letters)

    @property
    def endpoint(self) -> str:
        """The host production serves this region's ECS at; shown by DescribeRegions only."""
        return f"ecs.{self.id}.aliyuncs.com"


REGIONS = {
    region.id: region
    for region in (
        Region("cn-qingdao", "华北1（青岛）", "bc"),
        Region("cn-beijing", "华北2（北京）", "fgh"),
        Region("cn-zhangjiakou", "华北3（张家口）", "abc"),
        Region("cn-huhehaote", "华北5（呼和浩特）", "ab"),
        Region("cn-hangzhou", "华东1（杭州）", "hij"),
        Region("cn-shanghai", "华东2（上海）", "bfg"),
        Region("cn-shenzhen", "华南1（深圳）", "def"),
        Region("cn-guangzhou", "华南3（广州）", "ab"),
        Region("cn-chengdu", "西南1（成都）", "ab"),
        Region("cn-hongkong", "中国香港", "bcd"),
        Region("ap-southeast-1", "新加坡", "abc"),
        Region("ap-southeast-5", "印度尼西亚（雅加达）", "abc"),
        Region("ap-northeast-1", "日本（东京）", "abc"),
        Region("ap-northeast-2", "韩国（首尔）", "ab"),
        Region("us-west-1", "美国（硅谷）", "ab"),
        Region("us-east-1", "美国（弗吉尼亚）", "ab"),
        Region("eu-central-1", "德国（法兰克福）", "abc"),
        Region("eu-west-1", "英国（伦敦）", "ab"),
    )
}


class InstanceType(msgspec.Struct, frozen=True, kw_only=True):
    """An instance type. ``memory`` is GiB; ``price`` only orders types (ASSUMPTION: no price list is part of this cloud)."""

    id: str
    family: str
    cpu: int
    memory: float
    price: float
    network_interfaces: int = 2

    @property
    def memory_mib(self) -> int:
        """Memory in MiB, as DescribeInstances shows it."""
        return int(self.memory * 1024)


#: Size name → vCPUs.
_SIZES = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16, "8xlarge": 32}
#: Family → GiB per vCPU, price of one vCPU.
_FAMILIES = {
    "ecs.c6": (2, 1.00),
    "ecs.g6": (4, 1.28),
    "ecs.r6": (8, 1.68),
    "ecs.c7": (2, 1.06),
    "ecs.g7": (4, 1.36),
    "ecs.r7": (8, 1.78),
}
#: Small and burstable types: id, family, vCPUs, GiB, price.
_SMALL = (
    ("ecs.t6-c4m1.large", "ecs.t6", 2, 0.5, 0.20),
    ("ecs.t6-c2m1.large", "ecs.t6", 2, 1.0, 0.30),
    ("ecs.t6-c1m1.large", "ecs.t6", 2, 2.0, 0.50),
    ("ecs.t6-c1m2.large", "ecs.t6", 2, 4.0, 0.85),
    ("ecs.t6-c1m4.large", "ecs.t6", 2, 8.0, 1.25),
    ("ecs.s6-c1m1.small", "ecs.s6", 1, 1.0, 0.45),
    ("ecs.s6-c1m2.small", "ecs.s6", 1, 2.0, 0.60),
    ("ecs.s6-c1m2.large", "ecs.s6", 2, 4.0, 1.20),
    ("ecs.n4.small", "ecs.n4", 1, 2.0, 0.55),
    ("ecs.n4.large", "ecs.n4", 2, 4.0, 1.10),
)


def _types() -> Iterator[InstanceType]:
    for type_id, family, cpu, memory, price in _SMALL:
        yield InstanceType(id=type_id, family=family, cpu=cpu, memory=memory, price=price)
    for family, (ratio, price) in _FAMILIES.items():
        for size, cpu in _SIZES.items():
            yield InstanceType(
                id=f"{family}.{size}",
                family=family,
                cpu=cpu,
                memory=float(cpu * ratio),
                price=round(cpu * price, 2),
                network_interfaces=min(8, 1 + cpu),
            )


INSTANCE_TYPES = {one.id: one for one in sorted(_types(), key=lambda one: (one.price, one.id))}


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """A system image. Whatever its name, an instance runs the programs of the machine Tidegate runs on."""

    id: str
    name: str
    family: str
    version: str
    platform: str
    os_name: str
    os_name_en: str
    created: str
    size: int = 20
    os_type: Literal["linux"] = "linux"
    architecture: str = "x86_64"


IMAGES = {
    image.id: image
    for image in (
        Image(
            id="aliyun_3_x64_20G_alibase_20240528.vhd",
            name="aliyun_3_x64_20G_alibase_20240528.vhd",
            family="acs:alibaba_cloud_linux_3_2104_lts_x64",
            version="v2024.05.28",
            platform="Aliyun",
            os_name="Alibaba Cloud Linux  3.2104 LTS 64位",
            os_name_en="Alibaba Cloud Linux  3.2104 LTS 64 bit",
            created="2024-05-28T02:03:04Z",
        ),
        Image(
            id="ubuntu_22_04_x64_20G_alibase_20240530.vhd",
            name="ubuntu_22_04_x64_20G_alibase_20240530.vhd",
            family="acs:ubuntu_22_04_x64",
            version="v2024.05.30",
            platform="Ubuntu",
            os_name="Ubuntu  22.04 64位",
            os_name_en="Ubuntu  22.04 64 bit",
            created="2024-05-30T02:03:04Z",
        ),
        Image(
            id="debian_12_6_x64_20G_alibase_20240711.vhd",
            name="debian_12_6_x64_20G_alibase_20240711.vhd",
            family="acs:debian_12_x64",
            version="v2024.07.11",
            platform="Debian",
            os_name="Debian  12.6 64位",
            os_name_en="Debian  12.6 64 bit",
            created="2024-07-11T02:03:04Z",
        ),
    )
}


@cache
def zones() -> dict[str, str]:
    """Return every zone id with its region's id."""
    return {zone: region.id for region in REGIONS.values() for zone in region.zones}


def newest_of_family(family: str) -> Image | None:
    """Return the newest image of an image family; None when there is none."""
    members = [image for image in IMAGES.values() if image.family == family]
    return max(members, key=lambda image: image.created, default=None)
