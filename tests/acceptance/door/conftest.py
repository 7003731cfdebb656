"""One served door per module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.door_server import Served, served_door


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with served_door() as served:
        yield served
