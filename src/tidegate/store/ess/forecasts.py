"""What predictive rules foresee, hour by hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """One hour from ``at`` on, and the bounds that the group is to have in it."""

    rule_id: str
    at: datetime
    metric: float
    instances: int
    min_size: int
    max_size: int


_table = Table(Forecast, "ess_forecast", key="rule_id")


async def of_rule(db: Connection, rule_id: str, since: datetime, until: datetime) -> list[Forecast]:
    """Return the hours that begin between two moments, inclusive, in their order."""
    return await _table.every(db, "where rule_id = $1 and at between $2 and $3 order by at", rule_id, since, until)


async def replace(tx: Connection, rule_id: str, since: datetime, hours: Sequence[Forecast]) -> None:
    """Put a new forecast in the place of what was foreseen from a moment on; what is older stays."""
    await tx.execute("delete from ess_forecast where rule_id = $1 and at >= $2", rule_id, since)
    if hours:
        await _table.add(tx, *hours)


async def forget(tx: Connection, rule_id: str, before: datetime) -> None:
    """Delete the hours from before a moment."""
    await tx.execute("delete from ess_forecast where rule_id = $1 and at < $2", rule_id, before)
