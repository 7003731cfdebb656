"""What every crash of a runbook needs: its programs, and the points at which it may die."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

import pytest

from support.crashing import Points, watched_points
from tidegate.reconcile.run import together
from tidegate.reconcile.runbook import loop, notebook
from tidegate.services.oos.actions import execute_api
from tidegate.services.oos.sandbox import Sandbox


@pytest.fixture
async def programs() -> AsyncIterator[Sandbox]:
    made = Sandbox()
    yield made
    await made.close()


@pytest.fixture
def points() -> Iterator[Points]:
    with watched_points() as watched, pytest.MonkeyPatch.context() as patch:
        for module in (notebook, execute_api):
            patch.setattr(module, "reach", watched.reach)
        patch.setattr(loop, "together", _together)
        yield watched


async def _together(*acts: Coroutine[Any, Any, None]) -> list[None]:
    """Let the crash of one item be that of the process, not an error in a group."""
    try:
        return await together(*acts)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
