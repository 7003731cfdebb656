from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.runbooks import Runbooks
from tidegate.clock import AdjustableClock
from tidegate.ids import Ids
from tidegate.services.oos.sandbox import Sandbox
from tidegate.store.database import Database


@pytest.fixture
async def programs() -> AsyncIterator[Sandbox]:
    """The helpers for users' programs; started when a program is run."""
    made = Sandbox()
    yield made
    await made.close()


@pytest.fixture
def runbooks(database: Database, clock: AdjustableClock, ids: Ids, programs: Sandbox) -> Runbooks:
    return Runbooks(database, clock, ids, programs)
