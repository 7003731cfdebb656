"""The owner's side of work: who drives it now, what it has done, what it waits for.

Every write asks for the lease's token. ``None`` or ``Fenced`` as an answer means that somebody else owns the work now.
Locks are always taken in one order: keys of ``mutex``, row of ``work``, row of ``lease``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tidegate.store.work import Control, wake

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: first half of the advisory locks that say "this node is connected"; the second half is the node's number
_NODES = 0x6E6F6465
#: first half of the advisory locks around the queue for a key; the second half is the key's hash
_KEYS = 0x6B657973


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner got when it took the work: all it needs for going on where the last one stopped."""

    key: str
    kind: str
    parent: str | None
    input: Any
    control: Control
    attempts: int
    generation: int
    token: int
    #: the signals that this look at the work will have answered
    signals: Sequence[int]
    #: the keys it holds or queues for
    mutexes: Sequence[str]
    journal: Mapping[str, Any]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a question: settled with ``result``, or open until ``deadline``."""

    settled: bool
    result: Any
    deadline: datetime | None
    control: Control


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a work should be looked at: it is, or soon becomes, due, or the last of its signals."""

    key: str
    due_at: datetime | None
    signal: int | None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How giving the work back went: ``again`` when it was woken meanwhile and is still ours, with the new signals."""

    outcome: Literal["released", "again", "fenced"]
    signals: Sequence[int] = ()
    control: Control = "run"


#: the head of a statement that only the owner of a lease may run: arguments 1 and 2 are key and token
FENCE = "owned as (select work, control from lease join work on key = work where work = $1 and token = $2 for share of lease)"


async def appear(connection: Connection) -> int:
    """Become a node for as long as ``connection`` lives; returns its number."""
    return int(
        await connection.fetchval(
            "select number from (select (random() * 2147483647)::int number from generate_series(1, 100)) candidates"
            " where pg_try_advisory_lock($1, number) limit 1",
            _NODES,
        )
    )


async def disappear(connection: Connection, number: int) -> None:
    """Stop being the node ``number`` while the connection lives on."""
    await connection.execute("select pg_advisory_unlock($1, $2)", _NODES, number)


async def claim(connection: Connection, key: str, *, node: int, job: int | None, now: datetime) -> Lease | None:
    """Take the work. None: it has ended, is unknown, is owned through another job, or there is no reason to look at it.

    A reason is a signal or a due time, and stays until the look it led to has been settled. So of many jobs for one work
    only those that still have something to tell cause a look.
    """
    row = await connection.fetchrow(
        # The share lock makes this wait for an end that is being committed, and see it.
        "with wanted as (select key, kind, parent, input, control, attempts, generation from work"
        "   where key = $1 and status = 'Active'"
        "     and (due_at <= $4 or exists (select from signal where signal.work = work.key)) for share),"
        " taken as (insert into lease as held (work, token, node, job, taken_at)"
        "   select key, nextval('lease_token'), $2, $3, $4 from wanted"
        "   on conflict (work) do update set token = excluded.token, node = excluded.node, taken_at = excluded.taken_at"
        "     where held.job = excluded.job"
        "   returning token)"
        " select wanted.*, token,"
        "   array(select id from signal where work = $1) as signals,"
        "   array(select key from mutex where work = $1) as mutexes,"
        "   (select json_object_agg(name, result) from journal where work = $1) as journal"
        " from wanted, taken",
        key,
        node,
        job,
        now,
    )
    return Lease(**{**row, "journal": row["journal"] or {}}) if row else None


async def fence(tx: Connection, key: str, token: int) -> Control | None:
    """Keep the lease for this transaction: nobody can take it before the commit. None: it is not ours."""
    control: Control | None = await tx.fetchval(f"with {FENCE} select control from owned", key, token)
    return control


async def record(connection: Connection, key: str, token: int, name: str, result: Any) -> tuple[Control, Any] | None:
    """Journal the result of a step; returns what is journaled now, the first result that ever was. None: fenced."""
    row = await connection.fetchrow(
        f"with {FENCE},"
        " noted as (insert into journal (work, name, result) select work, $3, $4 from owned"
        "   on conflict do nothing returning 1)"
        " select control, exists (select from noted) as first from owned",
        key,
        token,
        name,
        result,
    )
    if row is None:
        return None
    if not row["first"]:  # an owner that was taken over had journaled it just before
        result = await connection.fetchval("select result from journal where work = $1 and name = $2", key, name)
    return row["control"], result


async def ask(
    connection: Connection,
    key: str,
    token: int,
    name: str,
    *,
    deadline: datetime | None,
    default: Any,
    now: datetime,
) -> Asked | None:
    """Open the question ``<key>/<name>`` or look at it; a settled one is journaled at once. None: fenced.

    The row's lock orders this and ``answer``: either the answer is in time, or the question is late for good.
    """
    row = await connection.fetchrow(
        f"with {FENCE},"
        " asked as (insert into wait as open (key, work, deadline, late)"
        "   select work || '/' || $3, work, $4::timestamptz, coalesce($4 <= $6, false) from owned"
        "   on conflict (key) do update set late = open.answered_at is null and coalesce(open.deadline <= $6, false)"
        "   returning deadline, late, answered_at, result),"
        " outcome as (select deadline, late or answered_at is not null as settled,"
        "   case when late then $5::json else result end as result from asked),"
        " noted as (insert into journal (work, name, result) select $1, $3, result from outcome where settled"
        "   on conflict do nothing)"
        " select settled, result, deadline, control from outcome, owned",
        key,
        token,
        name,
        deadline,
        default,
        now,
    )
    return Asked(**row) if row else None


async def line_up(tx: Connection, key: str, mutex: str) -> bool:
    """Queue for ``mutex``; True when first. Call inside a fenced transaction.

    Without the advisory lock, who looks while the holder's leaving is uncommitted would be woken by nobody.
    """
    await _hold_keys(tx, [mutex])
    await tx.execute("insert into mutex (key, work) values ($1, $2) on conflict do nothing", mutex, key)
    first = await tx.fetchval("select work from mutex where key = $1 order by pos limit 1", mutex)
    return bool(first == key)


async def leave(tx: Connection, key: str, mutexes: Sequence[str], *, now: datetime) -> None:
    """Leave the queues and wake whoever is first now. Call inside a fenced transaction."""
    await _hold_keys(tx, mutexes)
    await _pass_on(tx, key, mutexes, now)


async def _hold_keys(tx: Connection, mutexes: Sequence[str]) -> None:
    for mutex in sorted(mutexes):
        await tx.execute("select pg_advisory_xact_lock($1, hashtext($2))", _KEYS, mutex)


async def _pass_on(tx: Connection, key: str, mutexes: Sequence[str], now: datetime) -> None:
    await tx.execute("delete from mutex where work = $1 and key = any($2)", key, list(mutexes))
    rows = await tx.fetch(
        "select distinct on (key) work from mutex where key = any($1) order by key, pos", list(mutexes)
    )
    if rows:
        await wake(tx, *{row["work"] for row in rows}, now=now)


async def suspend(
    connection: Connection, key: str, token: int, *, signals: Sequence[int], until: datetime | None
) -> Verdict:
    """Give the work back until ``until`` or a signal, unless a signal came that ``signals`` does not know."""
    row = await connection.fetchrow(
        "with kept as (select key from work where key = $1 for no key update),"
        " fresh as (select coalesce(array_agg(id), '{}') as ids from signal where work = $1 and id <> all($3)),"
        " answered as (delete from signal where work = $1 and id = any($3)),"
        " freed as (delete from lease using kept, fresh where work = key and token = $2 and fresh.ids = '{}' returning work),"
        " dated as (update work set due_at = $4, attempts = 0, error = null from freed where key = freed.work)"
        " select exists (select from freed) as freed, ids as signals, (select control from work where key = $1) as control"
        " from fresh",
        key,
        token,
        list(signals),
        until,
    )
    assert row is not None
    if row["freed"]:
        return Verdict(outcome="released")
    if row["signals"]:
        return Verdict(outcome="again", signals=row["signals"], control=row["control"])
    return Verdict(outcome="fenced")


async def retry(connection: Connection, key: str, token: int, *, attempts: int, error: str, at: datetime) -> bool:
    """Give the work back after a failure, to be tried again at ``at``. False: fenced."""
    return bool(
        await connection.fetchval(
            "with kept as (select key from work where key = $1 for no key update),"
            " freed as (delete from lease using kept where work = key and token = $2 returning work)"
            " update work set due_at = $5, attempts = $3, error = $4 from freed where key = freed.work returning true",
            key,
            token,
            attempts,
            error,
            at,
        )
    )


async def finish(
    tx: Connection, lease: Lease, *, mutexes: Sequence[str], status: str, output: Any, error: str | None, now: datetime
) -> Verdict:
    """End the work, wake its parent and leave its ``mutexes``, which needs a transaction when there are any.

    ``again``: it was asked for anew meanwhile, so it has not ended; its lease is free, claim it again.
    """
    await _hold_keys(tx, mutexes)
    row = await tx.fetchrow(
        "with kept as (select key, generation from work where key = $1 for no key update),"
        " freed as (delete from lease using kept where work = key and token = $2 returning work),"
        " ended as (update work set status = $4, output = $5, error = $6, finished_at = $7, due_at = null"
        "   from freed where key = freed.work and generation = $3 returning key, parent),"
        " cleared as (delete from signal using ended where work = key),"
        " told as (insert into signal (work, at) select above.key, $7 from ended join work above on above.key = ended.parent"
        "   where above.status = 'Active' returning work)"
        " select exists (select from freed) as freed, exists (select from ended) as ended,"
        "   (select enqueue(array_agg(work)) from told) as woken",
        lease.key,
        lease.token,
        lease.generation,
        status,
        output,
        error,
        now,
    )
    assert row is not None
    if not row["freed"]:
        return Verdict(outcome="fenced")
    if not row["ended"]:
        return Verdict(outcome="again")
    if mutexes:
        await _pass_on(tx, lease.key, mutexes, now)
    return Verdict(outcome="released")


async def let_go(connection: Connection, key: str, token: int) -> None:
    """Give the lease back without a word: the work is due as it was."""
    await connection.execute("delete from lease where work = $1 and token = $2", key, token)


async def free_orphans(connection: Connection) -> int:
    """Free the leases whose node is not connected any more or whose job is gone; returns how many.

    The jobs that dead nodes had picked are deleted: what they told us to look at is runnable again, and no heartbeat has
    to run out first. A node's number is its pgqueuer manager's id.
    """
    return int(
        await connection.fetchval(
            "with alive as (select objid::bigint as node from pg_locks"
            "   where locktype = 'advisory' and classid = $1::int::oid and objsubid = 2 and granted"
            "     and database = (select oid from pg_database where datname = current_database())),"
            " freed as (delete from lease where node not in (select node from alive)"
            "   or job is not null and not exists (select from pgqueuer where id = job) returning 1),"
            " unpicked as (delete from pgqueuer where status = 'picked' and queue_manager_id not in"
            "   (select lpad(to_hex(node), 32, '0')::uuid from alive))"
            " select count(*) from freed",
            _NODES,
        )
    )


async def runnable(
    connection: Connection,
    now: datetime,
    *,
    grace: timedelta = timedelta(),
    ahead: timedelta = timedelta(),
    after: str = "",
    limit: int = 500,
) -> Sequence[Reason]:
    """List works that should be looked at and are not, in order of key, those after the key ``after``.

    What is younger than ``grace`` is left to the job that was put with it. ``ahead`` adds what becomes due that soon.
    """
    rows = await connection.fetch(
        "with reasons as ("
        "   select key, due_at, null::bigint as signal from work"
        "     where status = 'Active' and control <> 'pause' and due_at <= $3 and not (due_at > $1 and due_at < $2)"
        "   union all"
        "   select work, null, id from signal where at <= $1)"
        " select key, min(due_at) as due_at, max(signal) as signal from reasons"
        " where key > $4 and not exists (select from lease where lease.work = key)"
        "   and exists (select from work where work.key = reasons.key and status = 'Active')"
        " group by key order by key limit $5",
        now - grace,
        now,
        now + ahead,
        after,
        limit,
    )
    return [Reason(**row) for row in rows]
