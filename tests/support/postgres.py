"""One PostgreSQL for a whole test run, shared by its workers, and a fresh database for each test.

The server is kept by a process of its own (``python postgres.py FOLDER``). Every worker holds a shared lock on the folder
while it lives; the keeper waits for the exclusive lock, which it gets when the last worker has gone, killed or not, then
stops the server and removes the folder.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from tidegate.store import schema
from tidegate.store.database import Database
from tidegate.store.embedded import EmbeddedPostgres

_START_SECONDS = 60
_MEMORY = Path("/dev/shm")
_ENOUGH = 2 * 1024**3


def place(run: str) -> Path:
    """Where the server of a test run lives: in memory when there is plenty, where a database is copied in 15 ms."""
    roomy = os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ENOUGH
    return (_MEMORY if roomy else Path(tempfile.gettempdir())) / f"tidegate-tests-{run[:12]}"


@contextmanager
def shared_server(folder: Path) -> Iterator[str]:
    """Use the server of ``folder``, starting it when this is the first user; yields its address."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users").open("w") as users, (folder / "starting").open("w") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_SH)
        address = folder / "address"
        if not address.exists():
            _spawn_keeper(folder)
        fcntl.flock(starting, fcntl.LOCK_UN)
        yield address.read_text()


def _spawn_keeper(folder: Path) -> None:
    path = os.pathsep.join(str(part) for part in (Path(schema.__file__).parents[2], Path(__file__).parents[1]))
    with (folder / "keeper.log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, __file__, str(folder)],
            env=os.environ | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + _START_SECONDS
    while not (folder / "address").exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError((folder / "keeper.log").read_text())
        time.sleep(0.02)
    keeper.returncode = 0  # it outlives us on purpose


async def _keep(folder: Path) -> None:
    server = EmbeddedPostgres(folder / "server", ephemeral=True, max_connections=300)
    try:
        (folder / "address.new").write_text(await server.start())
        (folder / "address.new").rename(folder / "address")
        with (folder / "users").open("w") as users:
            await asyncio.to_thread(fcntl.flock, users, fcntl.LOCK_EX)
            (folder / "address").unlink()
    finally:
        await server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def make_template(dsn: str) -> str:
    """Make the database that others are copied from, once for each schema; returns its name."""
    name = f"template_{schema.fingerprint()}"
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("select pg_advisory_lock(1)")
        if not await connection.fetchval("select 1 from pg_database where datname = $1", name):
            await connection.execute(f"create database {name}_draft")
            database = await Database.open(at(dsn, f"{name}_draft"))
            await database.close()
            await connection.execute(f"alter database {name}_draft rename to {name}")
    finally:
        await connection.close()
    return name


async def create(dsn: str, name: str, template: str) -> str:
    """Copy the template; returns the address of the copy."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"create database {name} template {template} strategy file_copy")
    finally:
        await connection.close()
    return at(dsn, name)


async def drop(dsn: str, name: str) -> None:
    """Remove a database and whoever is connected to it."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"drop database {name} with (force)")
    finally:
        await connection.close()


def at(dsn: str, name: str) -> str:
    """The address of another database on the same server."""
    return dsn.replace("/postgres?", f"/{name}?")


if __name__ == "__main__":
    asyncio.run(_keep(Path(sys.argv[1])))
