"""The life of an instance as a table: which event leads from which status to which (ecs.md 1 and 4)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Status(StrEnum):
    """Where an instance stands. The first five are the cloud's; the last two are shown as one of them."""

    PENDING = "Pending"
    STARTING = "Starting"
    RUNNING = "Running"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    #: its machine is about to be stopped and booted again
    REBOOTING = "Rebooting"
    #: its machine is about to vanish, and the instance with it
    RELEASING = "Releasing"


class Event(StrEnum):
    """What can happen to an instance: asked for by a caller, or seen by its controller."""

    BOOT = "boot"
    BOOTED = "booted"
    FAILED = "failed"
    HALTED = "halted"
    LOST = "lost"
    START = "start"
    STOP = "stop"
    REBOOT = "reboot"
    RELEASE = "release"


TRANSITIONS: Mapping[Status, Mapping[Event, Status]] = {
    Status.PENDING: {Event.BOOT: Status.STARTING, Event.RELEASE: Status.RELEASING},
    Status.STARTING: {
        Event.BOOTED: Status.RUNNING,
        Event.FAILED: Status.STOPPED,
        Event.RELEASE: Status.RELEASING,
    },
    Status.RUNNING: {
        Event.STOP: Status.STOPPING,
        Event.REBOOT: Status.REBOOTING,
        Event.LOST: Status.STOPPED,
        Event.RELEASE: Status.RELEASING,
    },
    Status.STOPPING: {Event.HALTED: Status.STOPPED, Event.RELEASE: Status.RELEASING},
    Status.STOPPED: {Event.START: Status.STARTING, Event.RELEASE: Status.RELEASING},
    Status.REBOOTING: {Event.HALTED: Status.STARTING, Event.RELEASE: Status.RELEASING},
    Status.RELEASING: {},
}

#: Nothing is left to do for these; every other status is driven on by the controller.
SETTLED = frozenset({Status.RUNNING, Status.STOPPED})

# ASSUMPTION (ecs.md 1): a reboot shows Starting. An instance being released shows Stopping until it is gone.
_SHOWN_AS = {Status.REBOOTING: Status.STARTING, Status.RELEASING: Status.STOPPING}


def shown(status: Status) -> Status:
    """Return the status that callers see."""
    return _SHOWN_AS.get(status, status)


def behind(word: str) -> tuple[Status, ...]:
    """Return the statuses that are shown as ``word``; none when the cloud knows no such status."""
    return tuple(status for status in Status if shown(status) == word)


def after(status: Status, event: Event) -> Status | None:
    """Return where ``event`` leads from ``status``; None when it cannot happen there."""
    return TRANSITIONS[status].get(event)


def ways(event: Event) -> Mapping[str, str]:
    """Return every move that ``event`` makes: status before → status after."""
    return {status: moves[event] for status, moves in TRANSITIONS.items() if event in moves}
