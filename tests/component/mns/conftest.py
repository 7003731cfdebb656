"""An MNS for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.mns import MnsWorld, make_mns
from tidegate.clock import AdjustableClock
from tidegate.ids import Ids
from tidegate.store.database import Database


@pytest.fixture
async def world(database: Database, clock: AdjustableClock, ids: Ids) -> AsyncIterator[MnsWorld]:
    made = make_mns(database, clock, ids)
    yield made
    await made.mns.close()
