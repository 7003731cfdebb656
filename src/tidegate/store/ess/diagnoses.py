"""Diagnoses of groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tidegate.store.ess.records import Diagnosis
from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection

table = Table(Diagnosis, "ess_diagnosis", generated=["position"])
_MATCHING = "where group_id = $1 and ($2::text[] is null or id = any($2))"


async def find(db: Connection, diagnosis_id: str) -> Diagnosis | None:
    """Return a diagnosis."""
    return await table.one(db, "where id = $1", diagnosis_id)


async def page(
    db: Connection, group_id: str, ids: Sequence[str] | None, *, limit: int, offset: int
) -> tuple[int, list[Diagnosis]]:
    """Return how many diagnoses of a group match and a page of them, newest first."""
    total = await table.count(db, _MATCHING, group_id, ids)
    return total, await table.every(
        db, f"{_MATCHING} order by position desc limit $3 offset $4", group_id, ids, limit, offset
    )


async def remove(tx: Connection, diagnosis_id: str) -> None:
    """Delete a diagnosis."""
    await tx.execute("delete from ess_diagnosis where id = $1", diagnosis_id)


async def keep_newest(tx: Connection, group_id: str, number: int) -> None:
    """Delete all but the newest diagnoses of a group."""
    await tx.execute(
        "delete from ess_diagnosis where id in "
        "(select id from ess_diagnosis where group_id = $1 order by position desc offset $2)",
        group_id,
        number,
    )
