"""How commands start a cloud: its database and hosts come up while its products are still being imported."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tidegate.settings import Settings

if TYPE_CHECKING:
    from tidegate.assembly import Cloud


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[Cloud]:
    """Start a cloud, yield it when it answers, stop it at the end. Raises what ``assembly.Cloud.running`` raises."""
    ground = importlib.import_module("tidegate.ground")
    importing = asyncio.create_task(asyncio.to_thread(importlib.import_module, "tidegate.assembly"))
    async with ground.open_ground(settings) as opened:
        assembly = await importing
        async with assembly.Cloud.on(opened) as cloud:
            yield cloud
