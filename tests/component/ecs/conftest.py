"""An ECS for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.ecs import World, make_world
from tidegate.clock import AdjustableClock
from tidegate.ids import Ids
from tidegate.store.database import Database


@pytest.fixture
async def world(database: Database, clock: AdjustableClock, ids: Ids) -> AsyncIterator[World]:
    """An ECS whose hosts are in memory and whose controllers run when told to."""
    made = make_world(database, clock, ids)
    yield made
    await made.invocations.close()
