"""How much processor time one DescribeInstances of 100 instances costs, from the bytes of the request to the answer's.

In one process: the door as an ASGI application, the real RAM with a policy to evaluate, the real database. Signature, nonce
and permission are checked for every request. The database server's own time is not ours and not counted.

    python bench/describe.py [--requests 400]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tidegate.clock import SystemClock, to_seconds
from tidegate.gateway.app import Gateway
from tidegate.ids import Ids
from tidegate.plane.hosts.memory import MemoryHosts
from tidegate.reconcile.engine import Node
from tidegate.reconcile.instance import InstanceController
from tidegate.services.ecs import api
from tidegate.services.ecs.instances import KIND
from tidegate.services.ecs.rendering import Renderings
from tidegate.services.ecs.service import Ecs, LaunchSpec
from tidegate.services.operation import Principal
from tidegate.services.ram.service import Ram
from tidegate.services.ram.users import Profile
from tidegate.settings import Settings
from tidegate.store.database import Database
from tidegate.store.embedded import EmbeddedPostgres
from tidegate.store.nonces import Nonces
from tidegate.vault import Vault
from tidegate.wire.signatures import sign_acs3, sign_rpc

TARGET_MS = 1.0
INSTANCES = 100
REGION = "cn-hangzhou"
VERSION = "2014-05-26"
RESULTS = Path(__file__).parent / "results" / "describe.json"
SPEC = LaunchSpec(
    image_id="aliyun_3_x64_20G_alibase_20240528.vhd",
    instance_type="ecs.g6.large",
    instance_name="web-[1,3]",
    tags={"group": "asg-1", "role": "web"},
)
POLICY = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": ["ecs:Describe*"], "Resource": "acs:ecs:*:*:instance/*"},
            {"Effect": "Deny", "Action": "ecs:Delete*", "Resource": "*"},
        ],
    }
)

Key = tuple[str, str]
Request = Mapping[str, Any]


def acs3(ids: Ids, key: Key, parameters: Mapping[str, str]) -> Request:
    """Return the ASGI scope of an ACS3 request, as the current SDKs send it."""
    digest = sha256(b"").hexdigest()
    signed = {
        "host": "127.0.0.1:4599",
        "accept": "application/json",
        "x-acs-action": "DescribeInstances",
        "x-acs-version": VERSION,
        "x-acs-date": to_seconds(datetime.now(UTC)),
        "x-acs-signature-nonce": ids.text(32),
        "x-acs-content-sha256": digest,
    }
    authorization = sign_acs3(*key, method="POST", query=parameters, headers=signed, body_digest=digest)
    return scope(parameters, {**signed, "authorization": authorization})


def rpc(ids: Ids, key: Key, parameters: Mapping[str, str]) -> Request:
    """Return the ASGI scope of an RPC v1 request, as the older SDKs send it."""
    query = {
        "Action": "DescribeInstances",
        "Version": VERSION,
        "Format": "JSON",
        "AccessKeyId": key[0],
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": ids.text(32),
        "Timestamp": to_seconds(datetime.now(UTC)),
        **parameters,
    }
    return scope({**query, "Signature": sign_rpc(key[1], "POST", query)}, {"host": "127.0.0.1:4599"})


def scope(query: Mapping[str, str], headers: Mapping[str, str]) -> Request:
    """Return what an ASGI server hands over."""
    return {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": urlencode(query).encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 5000),
        "scheme": "http",
    }


async def ask(gateway: Gateway, request: Request) -> bytes:
    """Send one request and return the answer's body."""
    sent: list[Mapping[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    await gateway(dict(request), receive, send)
    return bytes(sent[1]["body"])


async def measure(requests: int, make: Callable[[], Request], once: Callable[[Request], Awaitable[bytes]]) -> float:
    """Return the processor time of one request in ms: the median of nine rounds."""
    rounds = []
    for _ in range(9):
        ready = [make() for _ in range(requests // 9)]
        started = time.process_time()
        for request in ready:
            await once(request)
        rounds.append((time.process_time() - started) / len(ready) * 1000)
    return statistics.median(rounds)


async def user_key(ram: Ram) -> Key:
    """Make a RAM user who may describe instances, and return its key."""
    account = await ram.account_id()
    await ram.users.create(account, "reader", Profile())
    await ram.policies.create(account, "describe", POLICY, "")
    await ram.attachments.attach(account, "Custom", "describe", "User", "reader")
    root = Principal(kind="Account", account_id=account, id=account)
    key, secret = await ram.keys.create(root, "reader")
    return key.access_key_id, secret


async def main(requests: int) -> None:
    """Measure, print and write down."""
    logging.getLogger("tidegate").setLevel(logging.INFO)
    logging.getLogger("tidegate").addHandler(logging.NullHandler())
    ids, clock = Ids(), SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        server = EmbeddedPostgres(Path(folder) / "postgres", ephemeral=True)
        database = await Database.open(await server.start())
        nonces = Nonces(database)
        hosts = MemoryHosts()
        try:
            ram = Ram(database, Vault(b"0" * 32), clock, ids)
            await ram.bootstrap()
            root = await ram.root_key()
            assert root is not None
            keys = (root.access_key_id, root.secret), await user_key(ram)
            ecs = Ecs(database, hosts, clock, ids)
            gateway = Gateway({api.ecs: ecs}, ram=ram, nonces=nonces, clock=clock, ids=ids, settings=settings)
            made = await ecs.launch(await ram.account_id(), REGION, SPEC, INSTANCES, client_token="bench")
            await Node(database, {KIND: InstanceController(database, hosts)}, clock, settings).drain()
            figures = await all_figures(gateway, ecs, ids, keys, made, requests)
        finally:
            await nonces.close()
            await database.close()
            await server.stop()
    report(figures)


async def all_figures(
    gateway: Gateway, ecs: Ecs, ids: Ids, keys: tuple[Key, Key], made: list[str], requests: int
) -> dict[str, float]:
    """Return processor time for each kind of request, in ms. ``keys``: the account's own, and a RAM user's."""
    root, key = keys
    page = {"RegionId": REGION, "PageSize": "100"}
    by_id = {"RegionId": REGION, "PageSize": "100", "InstanceIds": json.dumps(made)}

    async def once(request: Request) -> bytes:
        body = await ask(gateway, request)
        assert body.count(b'"InstanceId"') == INSTANCES, body[:300]
        return body

    async def afresh(request: Request) -> bytes:
        ecs.listing._renderings = Renderings()  # noqa: SLF001 - what it would cost without remembering
        return await once(request)

    await measure(50, lambda: acs3(ids, key, page), once)
    return {
        "page of 100, ACS3": await measure(requests, lambda: acs3(ids, key, page), once),
        "page of 100, RPC": await measure(requests, lambda: rpc(ids, key, page), once),
        "page of 100, ACS3, root key": await measure(requests, lambda: acs3(ids, root, page), once),
        "100 by id, ACS3": await measure(requests, lambda: acs3(ids, key, by_id), once),
        "100 by id, ACS3, root key": await measure(requests, lambda: acs3(ids, root, by_id), once),
        "page of 100, ACS3, nothing remembered": await measure(requests // 2, lambda: acs3(ids, key, page), afresh),
    }


def report(figures: Mapping[str, float]) -> None:
    """Print the figures against the target and write them down."""
    for name, milliseconds in figures.items():
        print(
            f"{name:40} {milliseconds:6.3f} ms processor time a request, {milliseconds / TARGET_MS:5.2f} of the target"
        )
    RESULTS.parent.mkdir(exist_ok=True)
    rows = {name: {"ms": round(ms, 3), "of_target": round(ms / TARGET_MS, 2)} for name, ms in figures.items()}
    RESULTS.write_text(json.dumps({"target_ms": TARGET_MS, "instances": INSTANCES, "figures": rows}, indent=2) + "\n")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--requests", type=int, default=450)
    asyncio.run(main(arguments.parse_args().requests))
