"""What an execution has around it beside the cloud it calls: events, the world outside, people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tidegate.cloud.outside import Nowhere, Outside
from tidegate.services.oos.actions.base import EmptyInbox, Inbox


@dataclass(frozen=True)
class Around:
    """By default: no events come, nothing can be reached, and nobody looks."""

    inbox: Inbox = field(default_factory=EmptyInbox)
    outside: Outside = field(default_factory=Nowhere)
    #: where people can look at an execution
    link: Callable[[str], str] = str
