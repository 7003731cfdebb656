"""One scaling group: its tabs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from starlette.responses import Response

from tidegate.console.page import PER_PAGE, Page
from tidegate.console.pages import scaling, tending

_TABS: Final[Mapping[str, Callable[[Page, str], Awaitable[dict[str, Any]]]]] = {
    "basics": scaling.basics,
    "instances": scaling.instances,
    "configurations": scaling.configurations,
    "rules": scaling.rules,
    "tasks": tending.tasks,
    "hooks": scaling.hooks,
    "notifications": tending.notifications,
    "refreshes": tending.refreshes,
    "activities": scaling.activities,
    "monitoring": scaling.monitoring,
}


async def group(page: Page) -> Response:
    """Show one tab of one scaling group."""
    the_group = await scaling.find_group(page)
    tab = page.query.get("tab", "basics")
    if tab not in _TABS:
        tab = "basics"
    context = await _TABS[tab](page, the_group["ScalingGroupId"])
    return page.render("group.html", group=the_group, tab=tab, size=PER_PAGE, **context)
