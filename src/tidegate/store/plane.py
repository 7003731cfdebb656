"""Which plane a database is about: its hosts live in one data folder, and only who has that folder may drive them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tidegate.store.database import Connection


async def bind(tx: Connection, identity: str, folder: str) -> str | None:
    """Claim the database for a plane. Returns None when it is that plane's, else the folder of the one it belongs to."""
    await tx.execute("insert into plane (identity, folder) values ($1, $2) on conflict do nothing", identity, folder)
    owner = await tx.fetchrow("select identity, folder from plane")
    return None if owner is None or owner["identity"] == identity else str(owner["folder"])
