"""Works that use everything the engine has, and leave a trail by which it can be judged.

An errand takes steps, asks a question that is answered by its time limit, works under a lock, starts a child and waits
for its end. ``trail`` is written in fenced transactions; ``audit`` by the database itself, at every row of the journal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from tidegate.clock import SystemClock
from tidegate.reconcile.engine import Controller, Run, Suspend
from tidegate.store import work
from tidegate.store.database import Database

_TRAIL = """
    create table trail (id bigint generated always as identity, key text, work text, what text);
    create table audit (id bigint generated always as identity, work text, name text, token bigint);
    create function write_audit() returns trigger language plpgsql as $$
        begin
            insert into audit (work, name, token)
                values (new.work, new.name, (select token from lease where lease.work = new.work));
            return null;
        end $$;
    create trigger write_audit after insert or update on journal for each row execute function write_audit();
"""


def controllers(database: Database) -> Mapping[str, Controller]:
    """The controllers of errands, for ``support.nodes``."""
    del database
    return {"errand": errand, "child": child}


async def errand(run: Run) -> list[Any]:
    """Three steps, a wait, a lock, a child."""
    results = [await run.step(f"step:{n}", lambda n=n: _take(run.input["seconds"], n)) for n in range(2)]
    results.append(await run.wait("question", run.now() + timedelta(seconds=run.input["wait"]), "late"))
    if not run.finished("left"):
        await run.lock(run.input["lock"])
        await _note(run, "in")
        await run.step("inside", lambda: _take(run.input["seconds"], 0))
        await run.step("left", lambda: _note(run, "out"))
    await run.unlock(run.input["lock"])
    async with run.transaction() as tx:
        await work.start(tx, f"{run.key}/child", "child", run.input, now=run.now(), parent=run.key)
        (born,) = await work.children(tx, run.key)
    if born.status == "Active":
        raise Suspend
    return [*results, born.output]


async def child(run: Run) -> Any:
    """One step."""
    return await run.step("only", lambda: _take(run.input["seconds"], "child"))


async def _take(seconds: float, result: Any) -> Any:
    await asyncio.sleep(seconds)
    return result


async def _note(run: Run, what: str) -> None:
    async with run.transaction() as tx:
        await tx.execute("insert into trail (key, work, what) values ($1, $2, $3)", run.input["lock"], run.key, what)


async def prepare(database: Database) -> None:
    """Make the tables of the trail."""
    async with database.transaction() as tx:
        await tx.execute(_TRAIL)


async def start(
    database: Database, numbers: Iterable[int], *, seconds: float = 0.05, wait: float = 0.3, locks: int = 4
) -> None:
    """Start errands over ``locks`` keys."""
    async with database.transaction() as tx:
        for n in numbers:
            given = {"seconds": seconds, "wait": wait, "lock": f"lock/{n % locks}"}
            await work.start(tx, f"errand/{n}", "errand", given, now=SystemClock().now())


async def leases_held(database: Database) -> int:
    """How many works are in somebody's hands."""
    async with database.connection() as connection:
        return int(await connection.fetchval("select count(*) from lease"))


async def unfinished(database: Database) -> int:
    """How many works have not ended."""
    async with database.connection() as connection:
        return int(await connection.fetchval("select count(*) from work where status = 'Active'"))


async def judge(database: Database, count: int) -> None:
    """Every errand ended well, no step was recorded twice, no key had two holders, nothing was left behind."""
    async with database.connection() as connection:
        ended = await connection.fetch("select key, status, output, error from work where kind = 'errand'")
        assert len(ended) == count
        assert {row["status"] for row in ended} == {"Success"}, [row["error"] for row in ended]
        assert all(row["output"] == [0, 1, "late", "child"] for row in ended)
        twice = await connection.fetch("select work, name from audit group by work, name having count(*) > 1")
        assert not twice, f"recorded twice: {twice}"
        _judge_locks(await connection.fetch("select key, work, what from trail order by id"))
        for table in ("lease", "mutex", "signal"):
            assert await connection.fetchval(f"select count(*) from {table}") == 0, f"left in {table}"


def _judge_locks(trail: Sequence[Mapping[str, str]]) -> None:
    holder: dict[str, str] = {}
    for row in trail:
        inside = holder.get(row["key"])
        assert inside in {None, row["work"]}, f"{row['work']} is {row['what']} while {inside} holds {row['key']}"
        if row["what"] == "in":
            holder[row["key"]] = row["work"]
        else:
            holder.pop(row["key"], None)
