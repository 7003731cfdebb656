"""The operations of ECS, and those of VPC that come with it: one module for each page of the reference."""

from tidegate.services.ecs.api import (
    commands,
    contracts,
    describing,
    disks,
    eips,
    images,
    interfaces,
    invocations,
    launching,
    life,
    networks,
    offers,
    security,
    snapshots,
    tags,
    templates,
)
from tidegate.services.ecs.api.product import ecs, vpc

__all__ = [
    "commands",
    "contracts",
    "describing",
    "disks",
    "ecs",
    "eips",
    "images",
    "interfaces",
    "invocations",
    "launching",
    "life",
    "networks",
    "offers",
    "security",
    "snapshots",
    "tags",
    "templates",
    "vpc",
]
