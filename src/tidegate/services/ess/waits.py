"""How the waits of one activity end: several hooks, deadlines, heartbeats (ess.md 3.7 to 3.10). Pure.

Everything here is judged at a moment that is handed in, so a timer that fires late changes nothing: a deadline that has
passed is settled as of that deadline before anything later is looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from tidegate.services.ess import limits
from tidegate.services.ess.states import ActionStatus, Result, Transition


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """One lifecycle action, as far as its end is concerned."""

    token: str
    deadline: datetime
    #: DefaultResult of the hook when the wait began (A21: later changes of the hook do not reach it)
    default_result: Result
    #: order of the hooks' creation; decides between waits that end at the same instant
    position: int
    status: ActionStatus = ActionStatus.PENDING
    result: Result | None = None
    ended_at: datetime | None = None

    @property
    def is_pending(self) -> bool:
        """Still open."""
        return self.status is ActionStatus.PENDING


class Waits(msgspec.Struct, frozen=True):
    """All waits of one activity. ``outcome`` None = still waiting."""

    transition: Transition
    waits: tuple[Wait, ...]
    outcome: Result | None = None

    def find(self, token: str) -> Wait | None:
        """Return the wait with this token."""
        return next((wait for wait in self.waits if wait.token == token), None)

    @property
    def next_deadline(self) -> datetime | None:
        """When the next open wait times out."""
        return min((wait.deadline for wait in self.waits if wait.is_pending), default=None)


def settle(waits: Waits, now: datetime) -> Waits:
    """Let every deadline that has passed decide, in the order in which they passed."""
    while True:
        overdue = [wait for wait in waits.waits if wait.is_pending and wait.deadline <= now]
        if not overdue:
            return waits
        # Ties: by deadline, then by creation of the hook; the later one decides (ASSUMPTION).
        first = min(overdue, key=lambda wait: (wait.deadline, wait.position))
        waits = end(waits, first.token, ActionStatus.TIMEOUT, first.default_result, first.deadline)


def end(waits: Waits, token: str, status: ActionStatus, result: Result, at: datetime) -> Waits:
    """End one open wait and, where its result says so, the others with it (ess.md 3.9)."""
    waits = _with_ended(waits, {token}, status, result, at)
    pending = {wait.token for wait in waits.waits if wait.is_pending}
    if waits.transition is Transition.SCALE_IN and result is not Result.CONTINUE:
        # A14: waits that are ended early read Completed, with the deciding result.
        waits = _with_ended(waits, pending, ActionStatus.COMPLETED, result, at)
        pending = set()
    # A3: on scale-out the wait that ends last decides, whatever the others said.
    return waits if pending else msgspec.structs.replace(waits, outcome=result)


def _with_ended(waits: Waits, tokens: set[str], status: ActionStatus, result: Result, at: datetime) -> Waits:
    ended = tuple(
        msgspec.structs.replace(wait, status=status, result=result, ended_at=at) if wait.token in tokens else wait
        for wait in waits.waits
    )
    return msgspec.structs.replace(waits, waits=ended)


def changes(before: Waits, after: Waits) -> Sequence[Wait]:
    """Return the waits that ended between two states."""
    return [new for old, new in zip(before.waits, after.waits, strict=True) if old.status is not new.status]


def prolonged(started_at: datetime, now: datetime, seconds: int) -> datetime | None:
    """Return the new deadline after a heartbeat; None when it would exceed the longest wait.

    A13: counted from now, not added to the old deadline, and refused rather than clipped.
    """
    deadline = now + timedelta(seconds=seconds)
    return deadline if deadline <= started_at + limits.LONGEST_WAIT else None
