"""The siblings of Redis: PolarDB, MongoDB, AnalyticDB and RDS, as far as their whitelists go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from tidegate.console.page import Found, Page
from tidegate.console.pages.redis import difference
from tidegate.errors import CloudError

_PER_PAGE = 30


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One product: its operations, and how it spells what all of them have."""

    title: str
    product: str
    #: ``DBCluster`` or ``DBInstance``: how ids, names and states begin
    word: str
    rows: tuple[str, str]
    whitelist: str
    groups: tuple[str, str]
    group_name: str
    entries: str
    modify: str

    @property
    def listing(self) -> str:
        """The operation that lists."""
        return f"Describe{self.word}s"


KINDS: Final[Mapping[str, Kind]] = {
    "polardb": Kind(
        title="PolarDB",
        product="polardb",
        word="DBCluster",
        rows=("Items", "DBCluster"),
        whitelist="DescribeDBClusterAccessWhitelist",
        groups=("Items", "DBClusterIPArray"),
        group_name="DBClusterIPArrayName",
        entries="SecurityIps",
        modify="ModifyDBClusterAccessWhitelist",
    ),
    "mongodb": Kind(
        title="MongoDB",
        product="dds",
        word="DBInstance",
        rows=("DBInstances", "DBInstance"),
        whitelist="DescribeSecurityIps",
        groups=("SecurityIpGroups", "SecurityIpGroup"),
        group_name="SecurityIpGroupName",
        entries="SecurityIpList",
        modify="ModifySecurityIps",
    ),
    "analyticdb": Kind(
        title="AnalyticDB",
        product="adb",
        word="DBCluster",
        rows=("Items", "DBCluster"),
        whitelist="DescribeDBClusterAccessWhiteList",
        groups=("Items", "IPArray"),
        group_name="DBClusterIPArrayName",
        entries="SecurityIPList",
        modify="ModifyDBClusterAccessWhiteList",
    ),
    "rds": Kind(
        title="RDS",
        product="rds",
        word="DBInstance",
        rows=("Items", "DBInstance"),
        whitelist="DescribeDBInstanceIPArrayList",
        groups=("Items", "DBInstanceIPArray"),
        group_name="DBInstanceIPArrayName",
        entries="SecurityIPList",
        modify="ModifySecurityIps",
    ),
}


async def databases(page: Page) -> Response:
    """Show all databases of one kind."""
    kind = _kind(page)
    found, vswitches = await page.together(
        page.look(kind.product, kind.listing, PageNumber=page.number, PageSize=_PER_PAGE),
        page.look("ecs", "DescribeVSwitches", PageSize=50),
    )
    return page.render(
        "databases.html",
        kinds=KINDS,
        section=page.path("kind"),
        kind=kind,
        found=found,
        rows=found.rows(*kind.rows),
        total=int(found.tree.get("TotalCount") or found.tree.get("TotalRecordCount") or 0),
        vswitches=vswitches,
        size=_PER_PAGE,
    )


async def database(page: Page) -> Response:
    """Show one database and its whitelist."""
    kind, the_id = _kind(page), page.path("id")
    named = f"{kind.word}Ids" if kind.word == "DBCluster" else f"{kind.word}Id"
    found = await page.call(kind.product, kind.listing, **{named: the_id})
    rows = Found(found).rows(*kind.rows)
    if not rows:
        raise CloudError(
            f"Invalid{kind.word}Id.NotFound", f"The {kind.word}Id provided does not exist in our records.", 404
        )
    groups = await page.look(kind.product, kind.whitelist, **{f"{kind.word}Id": the_id})
    return page.render(
        "database.html",
        section=page.path("kind"),
        kind=kind,
        id=the_id,
        one=rows[0],
        groups=groups,
        listed=[(one[kind.group_name], _entries(one[kind.entries])) for one in groups.rows(*kind.groups)],
    )


async def edit_whitelist(page: Page) -> Response:
    """Make a whitelist group what a person wrote, as a difference from what that person saw."""
    kind, form = _kind(page), await page.form()
    for mode, entries in difference(form):
        parameters = {
            f"{kind.word}Id": page.path("id"),
            kind.group_name: form.get("group"),
            "ModifyMode": mode,
            "SecurityIps": ",".join(entries),
        }
        await page.call(kind.product, kind.modify, **parameters)
    return page.go(page.to("databases", page.path("kind"), page.path("id")), said="The whitelist was changed.")


def _kind(page: Page) -> Kind:
    kind = KINDS.get(page.path("kind"))
    if kind is None:
        raise CloudError("PageNotFound", page.say("There is no page at this address."), 404)
    return kind


def _entries(text: Any) -> Sequence[str]:
    return [entry for entry in str(text).split(",") if entry]
