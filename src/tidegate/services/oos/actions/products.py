"""Product actions, ``ACS::ECS::RunCommand`` and the like: templates of this package that run as children (oos.md 5.11)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType


@cache
def product_actions() -> Mapping[str, tuple[str, Traversable]]:
    """Return name and file of every product action, by the name in lower case: names match in any case (oos.md 3.1)."""
    actions = {}
    for file in (resources.files("tidegate.services.oos") / "products").iterdir():
        if file.name.endswith(".yml"):
            product, _, action = file.name.removesuffix(".yml").partition("-")
            name = f"ACS::{product}::{action}"
            actions[name.lower()] = (name, file)
    return MappingProxyType(actions)
