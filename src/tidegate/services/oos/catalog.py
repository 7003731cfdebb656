"""The public templates that every account sees: files of this package (oos.md 8.1, ShareType Public)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources
from typing import Final

import msgspec

from tidegate.services.oos.actions.products import product_actions
from tidegate.services.oos.model import in_language
from tidegate.services.oos.validation import Validated, content_hash, lint

#: who made them, as CreatedBy shows it
VENDOR: Final = "ACS"
VERSION: Final = 1
#: the day of the public repository that their behaviour was read from
_DATED: Final = datetime(2024, 9, 23, tzinfo=UTC)


class PublicTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A template of the vendor."""

    name: str
    id: str
    text: str
    hash: str
    validated: Validated
    dated: datetime = _DATED

    @property
    def description(self) -> str | None:
        """What it is for, in English."""
        return in_language(self.validated.require().description)


def read_catalog() -> Mapping[str, PublicTemplate]:
    """Read all public templates and product actions, by name. Costs some milliseconds."""
    files = [*(resources.files("tidegate.services.oos") / "public").iterdir()]
    named = {file.name.removesuffix(".yml"): file for file in files if file.name.endswith(".yml")}
    templates = {}
    for name, file in (*named.items(), *product_actions().values()):
        text = file.read_text(encoding="utf-8")
        key = content_hash(text)
        templates[name] = PublicTemplate(
            name=name,
            id=f"t-{key[:20]}",
            text=text,
            hash=key,
            validated=lint(text).validated(),
        )
    return templates
