"""A served R-kvstore with real Redis servers, in a process of its own that can be killed and started again.

Run as a program it is that process: ``python kvstore_server.py DSN FOLDER KIND``; it writes its port to FOLDER/port and
serves until SIGTERM. KIND names rooms and gate as in ``support.redis_world``. Hosts are in memory: clients are sockets
with addresses of their own.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.door import KEY_ID, ROOT, SECRET, USER, Credential, FakeNonces, FakeRam
from support.machines import Machines
from support.redis_world import make_plane, open_or_skip
from tidegate.clock import SystemClock
from tidegate.gateway.app import Gateway
from tidegate.gateway.server import HttpServer
from tidegate.ids import Ids
from tidegate.plane.helper.client import HelperClient
from tidegate.reconcile.engine import Node
from tidegate.reconcile.redis import RedisController
from tidegate.services.ecs.service import Ecs
from tidegate.services.kvstore.api import kvstore
from tidegate.services.kvstore.service import Kvstore
from tidegate.settings import Settings
from tidegate.store.database import Database
from tidegate.vault import Vault

USER_KEY = ("LTAIUserKey000000002", "made-up-secret-0002")
_PATIENCE = 30.0


async def serve(dsn: str, folder: Path, kind: str) -> None:
    """Serve until SIGTERM; servers and gates live on."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    database = await Database.open(dsn)
    clock, ids, settings = SystemClock(), Ids(), Settings(data_dir=folder, sweep_interval=0.2)
    helper = HelperClient(folder / "helper") if kind.startswith("netns") else None
    gate, servers, _ = make_plane(kind, folder, helper)
    hosts = Machines()
    # Loopback addresses are the whole machine's: each run has a corner of its own.
    hosts.block = "172.16.0.0/12" if helper else (folder / "block").read_text()
    ecs = Ecs(database, hosts, clock, ids)
    service = Kvstore(database, servers, gate, ecs, vault=Vault.in_folder(folder), clock=clock, ids=ids)
    controller = RedisController(database, servers, service.gatekeeper, ecs, clock)
    node = Node(database, {"redis": controller}, clock, settings)
    ram = FakeRam(
        Credential(access_key_id=KEY_ID, secret=SECRET, principal=ROOT),
        Credential(access_key_id=USER_KEY[0], secret=USER_KEY[1], principal=USER),
    )
    gateway = Gateway({kvstore: service}, ram=ram, nonces=FakeNonces(), clock=clock, ids=ids, settings=settings)
    await controller.begin()
    working = asyncio.create_task(node.run())
    server = HttpServer(gateway, "127.0.0.1", 0)
    await server.start()
    (folder / "port.draft").write_text(str(server.address[1]))
    (folder / "port.draft").rename(folder / "port")
    await ended.wait()
    await server.stop()
    await node.stop()
    await working
    await servers.close()
    if helper is not None:
        await helper.close()
    await database.close()


class KvstoreProcess:
    """The process, and the plane it leaves behind when it dies."""

    def __init__(self, dsn: str, folder: Path, kind: str) -> None:
        self.kind = kind
        self.folder = folder
        self._dsn = dsn
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        """Start it and wait until it serves."""
        (self.folder / "port").unlink(missing_ok=True)
        path = os.pathsep.join(part for part in sys.path if part)
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, __file__, self._dsn, str(self.folder), self.kind],
                env=os.environ | {"PYTHONPATH": path} | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_until_it_serves()

    @property
    def endpoint(self) -> str:
        return f"127.0.0.1:{(self.folder / 'port').read_text()}"

    def wait_for_death(self) -> None:
        """Wait until it has killed itself at the point it was told to."""
        assert self._process is not None
        assert self._process.wait(_PATIENCE) == -signal.SIGKILL

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(_PATIENCE)

    def _wait_until_it_serves(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _PATIENCE
        while not (self.folder / "port").exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.folder / "server.log").read_text()[-3000:])
            time.sleep(0.005)


@asynccontextmanager
async def kvstore_process(dsn: str, kind: str) -> AsyncIterator[KvstoreProcess]:
    """A process that is not started yet; at the end it, and everything on its plane, is gone."""
    folder = Path(tempfile.mkdtemp(prefix="tidegate-test-"))
    corner = random.SystemRandom().randrange(1 << 4) + 16
    (folder / "block").write_text(str(ipaddress.ip_network(f"127.{corner}.0.0/16")))
    process = KvstoreProcess(dsn, folder, kind)
    try:
        if kind.startswith("netns"):
            helper = HelperClient(folder / "helper")
            await open_or_skip(helper)
            await helper.close()
        yield process
    finally:
        process.stop()
        await _clear(folder, kind)
        shutil.rmtree(folder)


async def _clear(folder: Path, kind: str) -> None:
    helper = HelperClient(folder / "helper") if kind.startswith("netns") else None
    _, servers, _ = make_plane(kind, folder, helper)
    await servers.close(destroy=True)
    if helper is not None:
        await helper.close(destroy=True)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
