"""How ECS keeps what stands beside instances: rows of one account and region, found by id, by page or by condition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from tidegate.store.table import Table

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Kept(Protocol):
    """What every record here has."""

    @property
    def id(self) -> str:
        """The resource's id."""
        ...


class Passing(Protocol):
    """A record whose status may be on its way: ``passing`` is shown until ``passes_at``, ``status`` from then on."""

    @property
    def status(self) -> str:
        """What it ends in."""
        ...

    @property
    def passing(self) -> str:
        """What is shown meanwhile; empty: nothing."""
        ...

    @property
    def passes_at(self) -> datetime:
        """When it has passed."""
        ...


def shown(record: Passing, now: datetime) -> str:
    """Return the status that callers see."""
    return record.passing if record.passing and now < record.passes_at else record.status


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows are wanted.

    ``equal`` maps columns to a value, or to a list of which one must fit; None means "any", and the column ``shown`` is
    the status that callers see. ``like`` maps columns to names with ``*`` in them, ``within`` list columns to an
    element. ``tags`` are (key, value) pairs that
    must all be there (value None: any) on resources of the type ``tagged``.
    """

    account_id: str
    region: str
    equal: Mapping[str, Any] = {}
    like: Mapping[str, str | None] = {}
    within: Mapping[str, str | None] = {}
    created_from: datetime | None = None
    created_until: datetime | None = None
    tagged: str = ""
    tags: Sequence[tuple[str, str | None]] = ()


RecordT = TypeVar("RecordT", bound=msgspec.Struct)

_SHOWN = "case when passing <> '' and {} < passes_at then passing else status end"
_TAGGED = """exists (
    select from ecs_tag
    where resource_type = {} and resource_id = shelf.id and key = {} and ({}::text is null or value = {})
)"""


class Shelf(Table[RecordT]):
    """The rows of one kind of resource. ``view`` is read instead of the table where instances bring rows of their own."""

    def __init__(self, record: type[RecordT], name: str, *, view: str | None = None) -> None:
        super().__init__(record, name)
        self.seen = Table(record, f"{view or name} as shelf")

    async def find(self, db: Connection, account_id: str, region: str, ids: Iterable[str]) -> dict[str, RecordT]:
        """Return the account's resources with these ids; unknown ones are left out."""
        found = await self.seen.every(
            db, "where id = any($1) and account_id = $2 and region = $3", list(ids), account_id, region
        )
        return _by_id(found)

    async def lock(self, tx: Connection, account_id: str, region: str, ids: Iterable[str]) -> dict[str, RecordT]:
        """Return resources by id and let nobody change them before this transaction has ended; those of instances not."""
        found = await self.every(
            tx,
            "where id = any($1) and account_id = $2 and region = $3 order by id for update",
            list(ids),
            account_id,
            region,
        )
        return _by_id(found)

    async def all(self, db: Connection, wanted: Wanted, now: datetime) -> list[RecordT]:
        """Return everything wanted, newest first. For kinds whose number a quota bounds."""
        where, arguments = _where(wanted, now)
        return await self.seen.every(db, f"where {where} order by created_at desc, id desc", *arguments)

    async def page(
        self, db: Connection, wanted: Wanted, now: datetime, *, number: int, size: int
    ) -> tuple[list[RecordT], int]:
        """Return one numbered page of what is wanted, newest first, and how much there is in all."""
        where, arguments = _where(wanted, now)
        limits = f"offset {(number - 1) * size:d} limit {size:d}"
        found = await self.seen.every(db, f"where {where} order by created_at desc, id desc {limits}", *arguments)
        if number == 1 and len(found) < size:
            return found, len(found)
        return found, await self.seen.count(db, f"where {where}", *arguments)

    async def held(self, tx: Connection, account_id: str, region: str) -> int:
        """Return how many rows the account has, and let no other transaction add one before this one has ended."""
        await tx.execute(
            "select pg_advisory_xact_lock(hashtext($1), hashtext($2))", self.name, f"{account_id}/{region}"
        )
        return await self.count(tx, "where account_id = $1 and region = $2", account_id, region)


def _by_id(records: Iterable[RecordT]) -> dict[str, RecordT]:
    found: list[Any] = list(records)
    return {one.id: one for one in found}


def _where(wanted: Wanted, now: datetime) -> tuple[str, list[Any]]:
    """Return the condition and its arguments; column names come from this program, values only as arguments."""
    arguments: list[Any] = [wanted.account_id, wanted.region]
    conditions = ["account_id = $1", "region = $2"]

    def mark(value: Any) -> str:
        arguments.append(value)
        return f"${len(arguments)}"

    for column, value in wanted.equal.items():
        if value is None:
            continue
        what = _SHOWN.format(mark(now)) if column == "shown" else column
        conditions.append(f"{what} = any({mark(list(value))})" if _is_list(value) else f"{what} = {mark(value)}")
    for column, pattern in wanted.like.items():
        if pattern is not None:
            conditions.append(f"{column} like {mark(_like(pattern))}")
    for column, element in wanted.within.items():
        if element is not None:
            conditions.append(f"{mark(element)} = any({column})")
    if wanted.created_from is not None:
        conditions.append(f"created_at >= {mark(wanted.created_from)}")
    if wanted.created_until is not None:
        conditions.append(f"created_at <= {mark(wanted.created_until)}")
    for key, value in wanted.tags:
        text = mark(value)
        conditions.append(_TAGGED.format(mark(wanted.tagged), mark(key), text, text))
    return " and ".join(conditions), arguments


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset)


def _like(pattern: str) -> str:
    """Return the LIKE pattern for a name with ``*`` in it."""
    for special in "\\%_":
        pattern = pattern.replace(special, f"\\{special}")
    return pattern.replace("*", "%")
