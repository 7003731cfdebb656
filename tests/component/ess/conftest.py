"""An Auto Scaling for each test."""

from __future__ import annotations

import pytest

from support.ess import World, make_world
from tidegate.clock import AdjustableClock
from tidegate.ids import Ids
from tidegate.store.database import Database


@pytest.fixture
def world(database: Database, clock: AdjustableClock, ids: Ids) -> World:
    """An Auto Scaling on ECS in memory hosts, whose controllers run when told to."""
    return make_world(database, clock, ids)
