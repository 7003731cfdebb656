"""Processor time of the door per request: what each thing it does costs, as ratios of one sitting.

The door runs in a process of its own behind a real socket; requests are signed before the clock starts. "floor" is the
same HTTP server with an application that only answers.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1] / "src"), str(Path(__file__).parents[1] / "tests")]

import uvloop  # noqa: E402

from support.door import Door, Knock, open_door  # noqa: E402
from tidegate.clock import SystemClock  # noqa: E402
from tidegate.gateway.server import HttpServer  # noqa: E402
from tidegate.store.database import Database  # noqa: E402
from tidegate.store.embedded import EmbeddedPostgres  # noqa: E402
from tidegate.store.nonces import Nonces  # noqa: E402
from tidegate.telemetry import configure_logging  # noqa: E402

REQUESTS = 3_000
WARM_UP = 500
ANSWER = b'{"RequestId":"00000000-0000-4000-8000-000000000000"}'


async def floor(_scope: Any, _receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(ANSWER))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})


def serve(pipe: Connection, database: str | None) -> None:
    """Serve the floor and the door until told to stop; on each word in between answer with the time used so far."""
    configure_logging()
    uvloop.run(_serve(pipe, database))


async def _serve(pipe: Connection, dsn: str | None) -> None:
    database = await Database.open(dsn) if dsn else None
    nonces = Nonces(database) if database else None
    door = open_door(clock=SystemClock(), nonces=nonces)
    servers = [HttpServer(app, "127.0.0.1", 0) for app in (floor, door.gateway)]
    for server in servers:
        await server.start()
    pipe.send([server.address[1] for server in servers])
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, pipe.recv):
        pipe.send(time.process_time())
    for server in servers:
        await server.stop()
    if nonces and database:
        await nonces.close()
        await database.close()


def raw(knock: Knock) -> bytes:
    headers = [*knock.headers, (b"content-length", str(len(knock.body)).encode())]
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    return b"%s /?%s HTTP/1.1\r\n%s\r\n%s" % (knock.method.encode(), knock.query, lines, knock.body)


def ask(port: int, requests: Sequence[bytes]) -> None:
    """Send requests one after the other over one connection."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in requests:
            connection.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += connection.recv(65536)
            head, _, body = answer.partition(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            while len(body) < length:
                body += connection.recv(65536)
            assert head.startswith(b"HTTP/1.1 200") or b"MissingAccessKeyId" in body, body


def measure(database: str | None) -> dict[str, float]:
    """Return milliseconds of processor time per request, by kind."""
    door = open_door(clock=SystemClock())
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, database))
    process.start()
    try:
        return _measure(ours, door)
    finally:
        ours.send(False)
        process.join(10)
        process.kill()


def _measure(server: Connection, door: Door) -> dict[str, float]:
    floor_port, port = server.recv()
    hundred = {f"GaugeIds.{n}": f"g-{n:020}" for n in range(1, 101)}
    kinds: dict[str, tuple[int, Callable[[], Knock]]] = {
        "floor": (floor_port, lambda: door.rpc("OpenGate", GateId="g")),
        "unsigned, refused": (port, lambda: door.rpc("OpenGate", GateId="g", drop=["AccessKeyId"])),
        "RPC v1": (port, lambda: door.rpc("OpenGate", GateId="g")),
        "ACS3": (port, lambda: door.acs3("OpenGate", {"GateId": "g"})),
        "ACS3, 100 parameters and answers": (port, lambda: door.acs3("DescribeGauges", hundred)),
    }

    def used() -> float:
        server.send(True)
        return float(server.recv())

    result: dict[str, float] = {}
    for name, (target, make) in kinds.items():
        warm, timed = ([raw(make()) for _ in range(count)] for count in (WARM_UP, REQUESTS))
        ask(target, warm)
        before = used()
        ask(target, timed)
        result[name] = (used() - before) * 1000 / REQUESTS
    return result


async def with_database() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o711)  # noqa: PTH101 - as root, the server runs as somebody else
        server = EmbeddedPostgres(Path(folder), ephemeral=True)
        dsn = await server.start()
        try:
            return await asyncio.to_thread(measure, dsn)
        finally:
            await server.stop()


def main() -> None:
    found = {"nonces in memory": measure(None), "nonces in PostgreSQL": asyncio.run(with_database())}
    for where, times in found.items():
        print(f"{where}: milliseconds of processor time per request, ratio to the floor")
        for name, milliseconds in times.items():
            print(f"  {name:34} {milliseconds:7.3f}  {milliseconds / times['floor']:5.1f}")
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    (results / "door.json").write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
