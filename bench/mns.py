"""MNS over HTTP: messages sent, received and deleted per second, and how soon a long poll is woken.

The cloud is `tidegate up` in a process of its own; the clients here keep their connections and sign every request. "One at a
time" is one connection; the other columns are 16 connections, and 16 messages in each request.

    python bench/mns.py [--messages 4000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1] / "src"), str(Path(__file__).parents[1] / "tests")]

import psutil  # noqa: E402

from support.running import RunningCloud  # noqa: E402
from tidegate.wire.mns import VERSION, read_xml, signature, string_to_sign  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "mns.json"
CONNECTIONS, BATCH = 16, 16
WAKES = 200
#: what is asked of this bench: a long poll is woken, not polled
TARGET_WAKE_P99 = 0.1


class Client:
    """One connection that is kept."""

    def __init__(self, cloud: RunningCloud, key: str, secret: str) -> None:
        self.host, self.port = cloud.endpoint.split(":")
        self.key, self.secret = key, secret
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, resource: str, body: str = "") -> tuple[int, bytes]:
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(self.host, int(self.port))
        assert self.reader is not None
        headers = {"host": f"{self.host}:{self.port}", "date": formatdate(usegmt=True), "x-mns-version": VERSION}
        if body:
            headers["content-type"] = "text/xml;charset=utf-8"
        signed = signature(self.secret, string_to_sign(method, resource, headers))
        headers |= {"authorization": f"MNS {self.key}:{signed}", "content-length": str(len(body.encode()))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.writer.write(f"{method} {resource} HTTP/1.1\r\n{lines}\r\n{body}".encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = head.partition("content-length: ")[2].partition("\r\n")[0]
        answer = await self.reader.readexactly(int(length)) if length else b""
        return int(head.split(" ")[1]), answer

    async def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
            await self.writer.wait_closed()


async def shared(clients: list[Client], count: int, act: Callable[[Client], Awaitable[None]]) -> float:
    """Do something ``count`` times over these connections; return how often per second."""
    left = count

    async def work(client: Client) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await act(client)

    begun = time.perf_counter()
    await asyncio.gather(*(work(client) for client in clients))
    return count / (time.perf_counter() - begun)


async def send(client: Client) -> None:
    status, _ = await client.ask("POST", "/queues/bench/messages", "<Message><MessageBody>x</MessageBody></Message>")
    assert status == 201


async def send_batch(client: Client) -> None:
    body = "<Messages>" + "<Message><MessageBody>x</MessageBody></Message>" * BATCH + "</Messages>"
    status, _ = await client.ask("POST", "/queues/bench/messages", body)
    assert status == 201


async def receive(client: Client) -> None:
    status, answer = await client.ask("GET", "/queues/bench/messages")
    assert status == 200, answer
    _, message = read_xml(answer)
    status, answer = await client.ask("DELETE", f"/queues/bench/messages?ReceiptHandle={message['ReceiptHandle'][0]}")
    assert status == 204, answer


async def receive_batch(client: Client) -> None:
    status, answer = await client.ask("GET", f"/queues/bench/messages?numOfMessages={BATCH}")
    assert status == 200, answer
    _, tree = read_xml(answer)
    handles = "".join(f"<ReceiptHandle>{one['ReceiptHandle'][0]}</ReceiptHandle>" for one in tree["Message"])
    status, _ = await client.ask("DELETE", "/queues/bench/messages", f"<ReceiptHandles>{handles}</ReceiptHandles>")
    assert status == 204


async def wakes(clients: list[Client]) -> list[float]:
    """Return how long a waiting poll takes to get a message, from the moment it is sent."""
    poller, sender = clients[:2]
    found = []
    for _ in range(WAKES):
        poll = asyncio.create_task(poller.ask("GET", "/queues/woken/messages?waitseconds=20"))
        await asyncio.sleep(0.01)
        begun = time.perf_counter()
        await sender.ask("POST", "/queues/woken/messages", "<Message><MessageBody>x</MessageBody></Message>")
        status, _ = await poll
        assert status == 200
        found.append(time.perf_counter() - begun)
    return found


async def idle(cloud: RunningCloud, clients: list[Client], count: int) -> float:
    """Return the share of a processor that so many long polls cost while nothing comes."""
    assert cloud.process is not None
    more = [Client(cloud, clients[0].key, clients[0].secret) for _ in range(count)]
    polls = [asyncio.create_task(one.ask("GET", "/queues/woken/messages?waitseconds=30")) for one in more]
    await asyncio.sleep(5)
    process = psutil.Process(cloud.process.pid)
    before = sum(process.cpu_times()[:2])
    await asyncio.sleep(10)
    used = (sum(process.cpu_times()[:2]) - before) / 10
    for poll in polls:
        poll.cancel()
    await asyncio.gather(*polls, return_exceptions=True)
    for one in more:
        await one.close()
    return used


async def measure(cloud: RunningCloud, messages: int) -> dict[str, Any]:
    variables = cloud.variables
    key, secret = variables["ALIBABA_CLOUD_ACCESS_KEY_ID"], variables["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    clients = [Client(cloud, key, secret) for _ in range(CONNECTIONS)]
    for queue in ("bench", "woken"):
        await clients[0].ask("PUT", f"/queues/{queue}", "<Queue><VisibilityTimeout>600</VisibilityTimeout></Queue>")
    await shared(clients, 200, send)
    await shared(clients, 200, receive)
    found: dict[str, Any] = {}
    found["sent/s, one at a time"] = await shared(clients[:1], messages // 4, send)
    found["received and deleted/s, one at a time"] = await shared(clients[:1], messages // 4, receive)
    found["sent/s"] = await shared(clients, messages, send)
    found["received and deleted/s"] = await shared(clients, messages, receive)
    batches = messages * 4 // BATCH
    found["sent/s in batches of 16"] = BATCH * await shared(clients, batches, send_batch)
    found["received and deleted/s in batches of 16"] = BATCH * await shared(clients, batches, receive_batch)
    woken = sorted(await wakes(clients))
    found["poll woken after, p50 seconds"] = statistics.median(woken)
    found["poll woken after, p99 seconds"] = woken[int(len(woken) * 0.99)]
    found["processor of 500 idle polls"] = await idle(cloud, clients, 500)
    for client in clients:
        await client.close()
    return {name: round(value, 4 if value < 1 else 0) for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=4_000)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="tidegate-bench-") as folder,
        RunningCloud(
            Path(folder) / "cloud", "--hosts", "memory", "--gate", "memory", "--log-level", "warning"
        ) as cloud,
    ):
        found = asyncio.run(measure(cloud, arguments.messages))
    for name, value in found.items():
        print(f"{name:45} {value}")
    RESULTS.write_text(json.dumps({"messages": arguments.messages, **found}, indent=2) + "\n")
    if found["poll woken after, p99 seconds"] > TARGET_WAKE_P99:
        raise SystemExit("long polls are woken too late")


if __name__ == "__main__":
    main()
