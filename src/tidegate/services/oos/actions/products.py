"""Product actions, ``ACS::ECS::RunCommand`` and the like: templates of the vendor that run as children (oos.md 5.11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType

#: returns how a product action is spelled, by its name in any case (oos.md 3.1); None: there is none
Products = Callable[[str], str | None]


@cache
def product_files() -> Mapping[str, tuple[str, Traversable]]:
    """Return name and file of every product action of this package, by the name in lower case."""
    actions = {}
    for file in (resources.files("tidegate.services.oos") / "products").iterdir():
        if file.name.endswith(".yml"):
            product, _, action = file.name.removesuffix(".yml").partition("-")
            name = f"ACS::{product}::{action}"
            actions[name.lower()] = (name, file)
    return MappingProxyType(actions)


def packaged_product(name: str) -> str | None:
    """Return how a product action of this package is spelled; None: there is none."""
    found = product_files().get(name.lower())
    return found[0] if found is not None else None
