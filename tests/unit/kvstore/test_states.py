from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from tidegate.errors import CloudError
from tidegate.services.kvstore.states import TABLE, Event, Status, follow, shown


@pytest.mark.parametrize(("status", "event"), list(product(Status, Event)))
def test_every_cell_of_the_table_is_what_happens(status: Status, event: Event) -> None:
    after = TABLE[status].get(event)
    if after is not None:
        assert follow(status, event) == after
        return
    with pytest.raises(CloudError) as caught:
        follow(status, event)
    assert caught.value.code == "IncorrectDBInstanceState"


def test_only_normal_instances_are_edited_and_released_ones_stay_so() -> None:
    assert [status for status in Status if Event.EDITED in TABLE[status]] == [Status.NORMAL]
    assert TABLE[Status.RELEASED] == {}


def test_changing_is_normal_within_the_window() -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC)

    assert shown("Normal", now + timedelta(seconds=1), now) == Status.CHANGING
    assert shown("Normal", now, now) == Status.NORMAL
    assert shown("Creating", now + timedelta(seconds=1), now) == Status.CREATING
