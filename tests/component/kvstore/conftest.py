from __future__ import annotations

import pytest

from support.kvstore import World, make_world
from tidegate.clock import AdjustableClock
from tidegate.ids import Ids
from tidegate.store.database import Database


@pytest.fixture
def world(database: Database, clock: AdjustableClock, ids: Ids) -> World:
    return make_world(database, clock, ids)
