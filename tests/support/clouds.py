"""A whole cloud put together on drivers that keep everything in memory, called in the process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tidegate.assembly import Cloud
from tidegate.cloud.caller import Caller
from tidegate.errors import CloudError
from tidegate.services.operation import Principal
from tidegate.settings import Settings

REGION = "cn-hangzhou"


@dataclass
class Memory:
    """A running cloud and its owner."""

    cloud: Cloud
    caller: Caller

    async def call(self, product: str, action: str, *, region: str = REGION, **parameters: Any) -> dict[str, Any]:
        """Call an operation as the account itself."""
        answer = await self.caller.call(product, action, parameters, region=region)
        answer.pop("RequestId")
        return answer

    async def refused(self, product: str, action: str, **parameters: Any) -> CloudError:
        """Call an operation that must be refused; returns the refusal."""
        with pytest.raises(CloudError) as caught:
            await self.call(product, action, **parameters)
        return caught.value


@asynccontextmanager
async def open_memory(dsn: str, folder: Path, **options: Any) -> AsyncIterator[Memory]:
    """Run a cloud on a database that is there."""
    settings = Settings(data_dir=folder, port=0, database=dsn, hosts="memory", gate="memory", ephemeral=True, **options)
    async with Cloud.running(settings) as cloud:
        account = await cloud.services.ram.account_id()
        owner = Principal(kind="Account", account_id=account, id=account)
        yield Memory(cloud, cloud.gateway.caller(owner))
