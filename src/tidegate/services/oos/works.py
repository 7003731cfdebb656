"""The work that drives an execution: its kind and its key."""

from __future__ import annotations

from typing import Final

KIND: Final = "execution"


def work_key(execution_id: str) -> str:
    """Return the key of the work that drives an execution."""
    return f"{KIND}/{execution_id}"
