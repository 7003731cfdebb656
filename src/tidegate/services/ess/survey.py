"""What is going on in a group right now: its members by state, and the activities that run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from tidegate.services.ess.capacity import Census
from tidegate.services.ess.states import COUNTED, STEADY, MemberState
from tidegate.store.ess import activities, members
from tidegate.store.ess.records import Activity, Count, Group

if TYPE_CHECKING:
    from tidegate.store.database import Connection

_COMING = frozenset({MemberState.PENDING, MemberState.PENDING_WAIT})
_LEAVING = frozenset({MemberState.REMOVING, MemberState.REMOVING_WAIT})


class Capacities(msgspec.Struct, frozen=True, kw_only=True):
    """The counters of a group (ess.md 3.1, 12.2), in capacity; ``machines`` counts instances."""

    by_state: dict[str, int]
    total: int
    auto_created: int
    attached: int
    machines: int
    spot: int = 0
    spot_machines: int = 0


def capacities(counts: Iterable[Count]) -> Capacities:
    """Add up what was counted in one group."""
    by_state: Counter[str] = Counter()
    by_origin: Counter[str] = Counter()
    machines: Counter[bool] = Counter()
    spot = 0
    for count in counts:
        by_state[count.state] += count.capacity
        machines[count.is_spot] += count.members
        if count.state in COUNTED:
            by_origin[count.creation_type] += count.capacity
            spot += count.capacity if count.is_spot else 0
    return Capacities(
        by_state=dict(by_state),
        total=by_origin.total(),
        auto_created=by_origin["AutoCreated"],
        attached=by_origin["Attached"],
        machines=machines.total(),
        spot=spot,
        spot_machines=machines[True],
    )


class Survey(msgspec.Struct, frozen=True):
    """A group's members, counted, and its running activities, as one transaction sees them."""

    capacities: Capacities
    running: Sequence[Activity]

    @property
    def census(self) -> Census:
        """Members and orders, as the arithmetic of capacity wants them."""
        ordered = sum(activity.ordered for activity in self.running)
        return Census(
            steady=self._in(STEADY),
            coming=self._in(_COMING) + ordered,
            leaving=self._in(_LEAVING),
            stopped=self._in(frozenset({MemberState.STOPPED})),
        )

    def _in(self, states: frozenset[MemberState]) -> int:
        return sum(count for state, count in self.capacities.by_state.items() if state in states)

    def lets_start(self, group: Group, *, parallel: bool) -> bool:
        """Tell whether another activity may start (ess.md 2.4, 6.4).

        Without desired capacity nothing may run beside anything; with it, only activities of the parallel class.
        """
        if group.refreshing is not None:
            return False
        if not self.running:
            return True
        return group.desired_capacity is not None and parallel and all(one.parallel for one in self.running)


async def survey(db: Connection, group_id: str) -> Survey:
    """Look at a group; call it with the group locked when something is decided by it."""
    counted = capacities(await members.counts(db, [group_id]))
    return Survey(counted, await activities.running(db, group_id))
