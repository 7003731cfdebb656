"""One served R-kvstore with real Redis servers per module, on a database of its own."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest

from support import postgres
from support.kvstore_server import KvstoreProcess, kvstore_process


@pytest.fixture(scope="module", params=["netns-nftables", "loopback-haproxy"])
def served(request: pytest.FixtureRequest, postgres_server: str, database_template: str) -> Iterator[KvstoreProcess]:
    """R-kvstore, its Redis servers and gates real."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    with asyncio.Runner() as runner:
        dsn = runner.run(postgres.create(postgres_server, name, database_template))
        context = kvstore_process(dsn, request.param)
        process = runner.run(context.__aenter__())
        try:
            process.start()
            yield process
        finally:
            runner.run(context.__aexit__(None, None, None))
            runner.run(postgres.drop(postgres_server, name))
