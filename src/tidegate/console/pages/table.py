"""Every page and form of the products, by address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tidegate.console.page import Handler
from tidegate.console.pages import overview, scaling

PAGES: Final[Mapping[str, Handler]] = {
    "/overview": overview.overview,
    "/ess": scaling.groups,
    "/ess/{id}": scaling.group,
    "/ess/{id}/hook": scaling.hook,
}
FORMS: Final[Mapping[str, Handler]] = {}
