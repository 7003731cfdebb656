from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.clouds import Memory, open_memory


@pytest.fixture
async def cloud(database_dsn: str, tmp_path: Path) -> AsyncIterator[Memory]:
    async with open_memory(database_dsn, tmp_path / "data") as running:
        yield running
