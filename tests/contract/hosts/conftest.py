"""The hosts of one test, on the kind of plane that the test names."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.hosts_world import HostWorld, host_world


@pytest.fixture
async def world(request: pytest.FixtureRequest) -> AsyncIterator[HostWorld]:
    async with host_world(request.param) as made:
        yield made
