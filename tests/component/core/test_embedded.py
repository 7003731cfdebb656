"""PostgreSQL from the wheel: made, started, watched, stopped, and found again after every way to die."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from support.nodes import eventually
from tidegate.errors import ConfigurationError
from tidegate.store import launch
from tidegate.store.embedded import EmbeddedPostgres

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder with a short path that everybody may enter."""
    made = Path(tempfile.mkdtemp(prefix="tg-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
async def server(folder: Path) -> AsyncIterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(folder, ephemeral=True)
    yield made
    await made.stop()


async def ask(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_what_was_written_is_there_at_the_next_start(server: EmbeddedPostgres) -> None:
    dsn = await server.start()
    await ask(dsn, "create table kept as select 42 as n")
    await server.stop()
    assert server.pid is None

    assert await ask(await server.start(), "select n from kept") == 42


async def test_it_listens_on_no_network_and_in_a_folder_nobody_else_can_enter(
    server: EmbeddedPostgres, folder: Path
) -> None:
    dsn = await server.start()

    assert await ask(dsn, "show listen_addresses") == ""
    assert (folder / "socket").stat().st_mode & 0o777 == 0o700


async def test_commits_are_on_disk_unless_the_cloud_is_ephemeral(folder: Path, server: EmbeddedPostgres) -> None:
    assert await ask(await server.start(), "show fsync") == "off"
    await server.stop()

    lasting = EmbeddedPostgres(folder)
    try:
        dsn = await lasting.start()
        assert await ask(dsn, "show fsync") == "on"
        assert await ask(dsn, "show synchronous_commit") == "on"
    finally:
        await lasting.stop()


async def test_a_second_control_plane_on_the_folder_is_refused_with_the_reason(
    server: EmbeddedPostgres, folder: Path
) -> None:
    await server.start()

    with pytest.raises(ConfigurationError, match=f"in use by another Tidegate \\(process {os.getpid()}\\)"):
        await EmbeddedPostgres(folder).start()

    assert await ask(server.dsn, "select 1") == 1


async def test_a_killed_server_is_started_again_with_all_that_was_committed(server: EmbeddedPostgres) -> None:
    dsn = await server.start()
    await ask(dsn, "create table kept as select 42 as n")
    before = server.pid
    assert before
    os.kill(before, signal.SIGKILL)

    await eventually(lambda: server.pid not in {None, before}, "the restart")
    await eventually(lambda: answers(dsn), "an answer")

    assert await ask(dsn, "select n from kept") == 42


async def answers(dsn: str) -> bool:
    try:
        return await ask(dsn, "select 1") == 1
    except (OSError, asyncpg.PostgresError):
        return False


CONTROL_PLANE = """
import asyncio, sys
from pathlib import Path
from tidegate.store.embedded import EmbeddedPostgres

async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]))
    await server.start()
    print(server.pid, flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


async def test_the_server_ends_with_a_control_plane_that_is_killed_and_the_next_start_finds_its_data(
    server: EmbeddedPostgres, folder: Path
) -> None:
    await ask(await server.start(), "create table kept as select 42 as n")
    await server.stop()
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CONTROL_PLANE, str(folder), stdout=asyncio.subprocess.PIPE, env=environment()
    )
    assert killed.stdout
    orphan = int(await killed.stdout.readline())
    killed.kill()
    await killed.wait()

    assert await ask(await server.start(), "select n from kept") == 42
    assert gone(orphan)


async def test_an_orphaned_server_is_stopped_by_the_next_start(server: EmbeddedPostgres, folder: Path) -> None:
    await ask(await server.start(), "create table kept as select 42 as n")
    orphan = server.pid
    assert orphan
    assert server._watch is not None  # what a killed control plane leaves on a system without parent-death signals
    assert server._lock is not None
    server._watch.cancel()
    os.close(server._lock)
    server._lock = None

    heir = EmbeddedPostgres(folder, ephemeral=True)
    try:
        assert await ask(await heir.start(), "select n from kept") == 42
        assert gone(orphan)
    finally:
        await heir.stop()


def gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_a_path_too_long_for_a_socket_gets_a_private_folder_elsewhere_which_is_removed(folder: Path) -> None:
    server = EmbeddedPostgres(folder / ("long" * 30), ephemeral=True)
    try:
        dsn = await server.start()
        elsewhere = Path(dsn.partition("host=")[2])

        assert await ask(dsn, "select 1") == 1
        assert elsewhere.parent != folder
        assert elsewhere.stat().st_mode & 0o777 == 0o700
    finally:
        await server.stop()
    assert not elsewhere.exists()


async def test_a_broken_start_says_what_the_server_said_and_leaves_nothing_running(
    server: EmbeddedPostgres, folder: Path
) -> None:
    await server.start()
    await server.stop()
    (folder / "postgres-18" / "postgresql.conf").write_text("no_such_setting = 1\n")

    with pytest.raises(Exception, match="no_such_setting"):
        await server.start()

    assert server.pid is None


@AS_ROOT
async def test_root_runs_it_as_nobody_with_no_more_rights_than_the_folders_ask_for(
    server: EmbeddedPostgres, folder: Path
) -> None:
    await server.start()
    assert rights(server) == ("nobody", 0)
    await server.stop()

    folder.chmod(0o700)
    await server.start()
    assert rights(server) == ("nobody", 1 << launch.CAP_DAC_READ_SEARCH)
    assert folder.stat().st_mode & 0o777 == 0o700


def rights(server: EmbeddedPostgres) -> tuple[str, int]:
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{server.pid}/status").read_text().splitlines())
    assert status["CapEff"] == status["CapAmb"] == status["CapPrm"]
    return pwd.getpwuid(int(status["Uid"].split()[0])).pw_name, int(status["CapEff"], 16)


@AS_ROOT
async def test_others_who_share_the_account_of_the_server_are_not_let_in(server: EmbeddedPostgres) -> None:
    dsn = await server.start()
    program = f"import asyncio, asyncpg; asyncio.run(asyncpg.connect({dsn!r}))"

    stranger = run_as_nobody("-c", program)

    assert stranger.returncode
    assert "peer authentication failed" in stranger.stderr.lower()


@AS_ROOT
def test_an_ordinary_user_runs_it_as_himself(folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    home = folder / "home"
    home.mkdir()
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    program = CONTROL_PLANE.replace("await asyncio.sleep(3600)", "await server.stop()")

    run = run_as_nobody("-c", program, str(home / "data"))

    assert run.returncode == 0, run.stderr
    assert (home / "data" / "postgres-18").stat().st_uid == nobody.pw_uid


def run_as_nobody(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python as nobody, who may read what root may: the interpreter can lie below /root."""
    nobody = pwd.getpwnam("nobody")
    user = (str(nobody.pw_uid), str(nobody.pw_gid), "1")
    return subprocess.run(
        [sys.executable, "-I", "-S", launch.__file__, *user, sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "HOME": "/nonexistent"}
