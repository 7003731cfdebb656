"""The life of a container group as a table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Status(StrEnum):
    """Where a container group stands. A deleted one is gone."""

    SCHEDULING = "Scheduling"
    PENDING = "Pending"
    RUNNING = "Running"
    TERMINATING = "Terminating"


class Event(StrEnum):
    """What can happen to a container group."""

    #: its controller has begun to make its host
    PLACED = "placed"
    #: its host runs
    BOOTED = "booted"
    #: its host has died
    LOST = "lost"
    DELETED = "deleted"


TRANSITIONS: Mapping[Status, Mapping[Event, Status]] = {
    Status.SCHEDULING: {Event.PLACED: Status.PENDING, Event.DELETED: Status.TERMINATING},
    Status.PENDING: {Event.BOOTED: Status.RUNNING, Event.DELETED: Status.TERMINATING},
    Status.RUNNING: {Event.LOST: Status.PENDING, Event.DELETED: Status.TERMINATING},
    Status.TERMINATING: {},
}


def after(status: Status, event: Event) -> Status | None:
    """Return where ``event`` leads from ``status``; None when it cannot happen there."""
    return TRANSITIONS[status].get(event)
