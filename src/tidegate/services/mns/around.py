"""Everything the parts of MNS are built on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tidegate.clock import Clock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.services.mns.polls import Polls
from tidegate.services.mns.refusals import Refusal
from tidegate.store.database import Database


@dataclass(frozen=True)
class Around:
    """What is handed in."""

    database: Database
    clock: Clock
    ids: Ids
    polls: Polls
    #: the beginnings of the only addresses that HTTP subscriptions may push to
    push_endpoints: Sequence[str]
    #: tells where this cloud is reached: ``http://127.0.0.1:4599``
    door: Callable[[], str]

    def now(self) -> datetime:
        """The present on the cloud's clock."""
        return self.clock.now()


def check_name(name: str, limit: int, malformed: Refusal, length: Refusal) -> None:
    """Raise unless ``name`` is letters, digits and hyphens, begins with no hyphen, and is short enough."""
    if not 1 <= len(name) <= limit:
        raise length(limit)
    if not name.isascii() or name.startswith("-") or not name.replace("-", "").isalnum():
        raise malformed()


def check_range(name: str, value: int, low_high: tuple[int, int], refusal: Refusal) -> None:
    """Raise unless ``value`` lies within its bounds."""
    low, high = low_high
    if not low <= value <= high:
        error: CloudError = refusal(name, low, high)
        raise error
