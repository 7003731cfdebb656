"""The life of an instance: every cell of the table."""

from __future__ import annotations

import itertools

import pytest

from tidegate.services.ecs.states import SETTLED, TRANSITIONS, Event, Status, after, behind, shown, ways

#: ecs.md 1 and 4, written down a second time: (status, event) → status. Everything else cannot happen.
EXPECTED = {
    ("Pending", "boot"): "Starting",
    ("Starting", "booted"): "Running",
    ("Starting", "failed"): "Stopped",
    ("Running", "stop"): "Stopping",
    ("Running", "reboot"): "Rebooting",
    ("Running", "lost"): "Stopped",
    ("Stopping", "halted"): "Stopped",
    ("Rebooting", "halted"): "Starting",
    ("Stopped", "start"): "Starting",
    **{(status, "release"): "Releasing" for status in Status if status != "Releasing"},
}


@pytest.mark.parametrize(("status", "event"), list(itertools.product(Status, Event)))
def test_each_event_leads_where_the_table_says_and_nowhere_else(status: Status, event: Event) -> None:
    expected = EXPECTED.get((status, event))

    assert after(status, event) == expected
    assert ways(event).get(status) == expected


def test_every_status_that_is_not_settled_has_a_way_on_or_is_the_end() -> None:
    for status in set(Status) - SETTLED - {Status.RELEASING}:
        assert TRANSITIONS[status].keys() - {Event.RELEASE}


def test_callers_see_only_the_five_statuses_of_the_cloud() -> None:
    assert {shown(status) for status in Status} == {"Pending", "Starting", "Running", "Stopping", "Stopped"}


def test_looking_for_a_status_finds_everything_shown_as_it() -> None:
    assert set(behind("Starting")) == {Status.STARTING, Status.REBOOTING}
    assert set(behind("Stopping")) == {Status.STOPPING, Status.RELEASING}
    assert behind("Rebooting") == ()
    assert behind("Deleted") == ()
