"""The operations of ECS, and those of VPC that come with it: one module for each page of the reference."""

from tidegate.services.ecs.api import (
    commands,
    describing,
    invocations,
    launching,
    life,
    networks,
    offers,
    tags,
    templates,
)
from tidegate.services.ecs.api.product import ecs, vpc

__all__ = [
    "commands",
    "describing",
    "ecs",
    "invocations",
    "launching",
    "life",
    "networks",
    "offers",
    "tags",
    "templates",
    "vpc",
]
