"""A whole cloud in memory, spoken to over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.clouds import Memory, open_memory
from support.sdks import Sdks
from tidegate.folder import DataFolder


@pytest.fixture
async def cloud(database_dsn: str, tmp_path: Path) -> AsyncIterator[Memory]:
    async with open_memory(database_dsn, tmp_path) as opened:
        yield opened


@pytest.fixture
def sdks(cloud: Memory) -> Sdks:
    key = DataFolder(cloud.cloud.settings.data_dir).read_local_key()
    return Sdks(cloud.cloud.url.removeprefix("http://"), key.access_key_id, key.access_key_secret)
