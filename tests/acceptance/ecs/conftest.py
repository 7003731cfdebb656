"""One served ECS per module, on a database of its own."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest

from support import postgres
from support.ecs_server import ServedEcs, served_ecs


@pytest.fixture(scope="module")
def served(postgres_server: str, database_template: str) -> Iterator[ServedEcs]:
    """ECS on memory hosts."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    dsn = asyncio.run(postgres.create(postgres_server, name, database_template))
    with served_ecs(dsn) as served:
        yield served
    asyncio.run(postgres.drop(postgres_server, name))
