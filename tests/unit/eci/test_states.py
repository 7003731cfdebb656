"""The life of a container group: every cell of the table."""

from __future__ import annotations

import itertools

import pytest

from tidegate.services.eci.service import boot_script
from tidegate.services.eci.states import Event, Status, after
from tidegate.store.eci import Container

#: (status, event) → status, written down a second time. Everything else cannot happen.
EXPECTED = {
    ("Scheduling", "placed"): "Pending",
    ("Pending", "booted"): "Running",
    ("Running", "lost"): "Pending",
    **{(status, "deleted"): "Terminating" for status in ("Scheduling", "Pending", "Running")},
}


@pytest.mark.parametrize(("status", "event"), list(itertools.product(Status, Event)))
def test_each_event_leads_where_the_table_says_and_nowhere_else(status: Status, event: Event) -> None:
    assert after(status, event) == EXPECTED.get((status, event))


def test_containers_without_a_command_need_no_script() -> None:
    assert boot_script([Container(name="a", image="nginx")]) == b""


def test_the_script_starts_every_command_in_the_background_and_quotes_what_it_is_given() -> None:
    script = boot_script(
        [
            Container(name="a", image="i", command=["sleep"], arguments=["9"], environment={"K": "it's; rm"}),
            Container(name="b", image="i", command=["./run"], working_dir="/var/my app"),
        ]
    )

    assert script.decode().splitlines() == [
        "#!/bin/sh",
        """(exec env 'K=it'"'"'s; rm' sleep 9) &""",
        "(cd '/var/my app' && exec env ./run) &",
    ]
