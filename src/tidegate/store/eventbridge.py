"""The buses and rules of EventBridge; the events themselves are in ``store/events.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from tidegate.store.database import Connection

Status = Literal["ENABLE", "DISABLE"]


class Bus(msgspec.Struct, frozen=True, kw_only=True):
    """A bus that a user has made."""

    account_id: str
    region: str
    name: str
    description: str
    created_at: datetime


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Which events of a bus go where. ``targets`` are kept as they were given."""

    id: str
    account_id: str
    region: str
    bus: str
    name: str
    description: str
    pattern: str
    status: Status
    targets: Sequence[Mapping[str, Any]]
    created_at: datetime


_BUS = ", ".join(Bus.__struct_fields__)
_RULE = ", ".join(Rule.__struct_fields__)


async def add_bus(tx: Connection, bus: Bus) -> bool:
    """Write a bus. False: there is one of this name."""
    tag = await tx.execute(
        f"insert into event_bus ({_BUS}) values ($1, $2, $3, $4, $5) on conflict do nothing",
        *msgspec.structs.astuple(bus),
    )
    return bool(tag != "INSERT 0 0")


async def buses(db: Connection, account_id: str, region: str) -> Sequence[Bus]:
    """Return the buses of an account by name, without the default one."""
    rows = await db.fetch(
        f"select {_BUS} from event_bus where account_id = $1 and region = $2 order by name", account_id, region
    )
    return [Bus(**row) for row in rows]


async def remove_bus(tx: Connection, account_id: str, region: str, name: str) -> bool:
    """Delete a bus. False: there is none."""
    tag = await tx.execute(
        "delete from event_bus where account_id = $1 and region = $2 and name = $3", account_id, region, name
    )
    return bool(tag != "DELETE 0")


async def add_rule(tx: Connection, rule: Rule) -> bool:
    """Write a rule. False: the bus has one of this name."""
    marks = ", ".join(f"${number}" for number in range(1, len(Rule.__struct_fields__) + 1))
    tag = await tx.execute(
        f"insert into event_rule ({_RULE}) values ({marks}) on conflict do nothing", *msgspec.structs.astuple(rule)
    )
    return bool(tag != "INSERT 0 0")


async def rules(db: Connection, account_id: str, region: str, bus: str, *, prefix: str = "") -> list[Rule]:
    """Return the rules of a bus by name."""
    rows = await db.fetch(
        f"select {_RULE} from event_rule where account_id = $1 and region = $2 and bus = $3 and starts_with(name, $4)"
        " order by name",
        account_id,
        region,
        bus,
        prefix,
    )
    return [Rule(**row) for row in rows]


async def lock_rule(tx: Connection, account_id: str, region: str, bus: str, name: str) -> Rule | None:
    """Return a rule, and let nobody else change it before this transaction has ended."""
    row = await tx.fetchrow(
        f"select {_RULE} from event_rule where account_id = $1 and region = $2 and bus = $3 and name = $4 for update",
        account_id,
        region,
        bus,
        name,
    )
    return None if row is None else Rule(**row)


async def find_rule(db: Connection, rule_id: str) -> Rule | None:
    """Return a rule."""
    row = await db.fetchrow(f"select {_RULE} from event_rule where id = $1", rule_id)
    return None if row is None else Rule(**row)


async def write_rule(tx: Connection, rule: Rule) -> None:
    """Write the new state of a rule."""
    await tx.execute(
        "update event_rule set description = $2, pattern = $3, status = $4, targets = $5 where id = $1",
        rule.id,
        rule.description,
        rule.pattern,
        rule.status,
        rule.targets,
    )


async def remove_rule(tx: Connection, rule_id: str) -> None:
    """Delete a rule."""
    await tx.execute("delete from event_rule where id = $1", rule_id)
