from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.runbooks import Runbooks
from tidegate.clock import AdjustableClock
from tidegate.ids import Ids
from tidegate.services.oos.sandbox import Sandbox
from tidegate.store.database import Database


@pytest.fixture
async def runbooks(database: Database, clock: AdjustableClock, ids: Ids) -> AsyncIterator[Runbooks]:
    programs = Sandbox(time_limit=1.0)
    yield Runbooks(database, clock, ids, programs)
    await programs.close()
