"""The life of a Redis instance as a table."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from tidegate.services.kvstore.errors import incorrect_state


class Status(StrEnum):
    """What an instance is (kvstore.md 2). ``Released`` ones are not shown any more."""

    CREATING = "Creating"
    NORMAL = "Normal"
    CHANGING = "Changing"
    RELEASED = "Released"


class Event(StrEnum):
    """What can happen to an instance."""

    #: its server answers and its gate has the list
    SERVED = "served"
    #: the whitelist, the password or another attribute is edited
    EDITED = "edited"
    RELEASED = "released"


#: The row has no ``Changing``: that is ``Normal`` within the window after an edit (kvstore.md 9), see ``shown``.
TABLE: Mapping[Status, Mapping[Event, Status]] = {
    Status.CREATING: {
        Event.SERVED: Status.NORMAL,
        # ASSUMPTION: an instance that does not come up can be given back.
        Event.RELEASED: Status.RELEASED,
    },
    Status.NORMAL: {
        Event.SERVED: Status.NORMAL,
        Event.EDITED: Status.NORMAL,
        Event.RELEASED: Status.RELEASED,
    },
    Status.CHANGING: {
        Event.SERVED: Status.NORMAL,
        # ASSUMPTION: releasing does not wait for the window to pass.
        Event.RELEASED: Status.RELEASED,
    },
    Status.RELEASED: {},
}


def shown(status: str, changing_until: datetime | None, now: datetime) -> Status:
    """Return the status as it is at this moment."""
    if status == Status.NORMAL and changing_until is not None and now < changing_until:
        return Status.CHANGING
    return Status(status)


def follow(status: Status, event: Event) -> Status:
    """Return the status after ``event``; raises IncorrectDBInstanceState where it is not allowed."""
    after = TABLE[status].get(event)
    if after is None:
        raise incorrect_state()
    return after
