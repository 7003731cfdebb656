"""Waiting for something real."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(look: Callable[[], Awaitable[T]], wanted: T, *, within: float = 20.0) -> None:
    """Look until ``wanted`` is seen; fail with what was seen last."""
    deadline = time.monotonic() + within
    while (seen := await look()) != wanted:
        assert time.monotonic() < deadline, f"{seen!r} is not {wanted!r}"
        await asyncio.sleep(0.02)
