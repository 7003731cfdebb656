"""What an action is: one look at a task, which ends it, fails it or says when to look again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import msgspec

from tidegate.cloud.caller import Caller
from tidegate.cloud.outside import Outside
from tidegate.errors import TidegateError
from tidegate.services.oos.expressions import Scope
from tidegate.services.oos.model import Task
from tidegate.store.oos.records import Notice


class Finished(msgspec.Struct, frozen=True):
    """The action succeeded. Selectors run over ``answer``; ``jump`` is where ``ACS::Choice`` goes."""

    answer: Any = None
    jump: str | None = None
    #: resources that were selected
    targets: Sequence[str] | None = None


class LookAgain(msgspec.Struct, frozen=True):
    """The action is not over: look again at ``at``, with ``memo`` in hand. Kept as rows; nothing waits in memory."""

    at: datetime
    memo: Mapping[str, Any]


class AwaitSignal(msgspec.Struct, frozen=True):
    """The action is not over: look again whenever the execution is woken, or at ``at``, with ``memo`` in hand."""

    memo: Mapping[str, Any]
    at: datetime | None = None


class AwaitNotice(msgspec.Struct, frozen=True):
    """The execution waits: look again when it is woken or at ``at``. ``waiting`` says what for (oos.md 7.1)."""

    waiting: str
    memo: Mapping[str, Any]
    at: datetime | None = None


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """What a task wants to be run as its child: a template by name, its text, or a part of its own template.

    ``part`` is what the child has from its parent: ``task`` names the ACS::Loop, ``item`` is its item, ``outputs`` are
    those of tasks before it.
    """

    template_name: str | None = None
    template_version: str | None = None
    template_content: str | None = None
    part: Mapping[str, Any] | None = None
    parameters: Mapping[str, Any]
    #: names of the parameters that hold secrets of the parent
    hidden: Sequence[str] = ()
    #: when the task did; None: now
    begins_at: datetime | None = None


class Ended(msgspec.Struct, frozen=True):
    """How a child ended."""

    status: str
    message: str
    outputs: Mapping[str, Any] | None


class Children(Protocol):
    """The child execution of a task execution; there is one at most."""

    async def start(self, child: Child) -> None:
        """Start it, once; raises CloudError and ActionFailedError."""
        ...

    async def look(self) -> Ended | None:
        """Return how it ended; None when it has not, or was not started."""
        ...

    async def fire(self, number: int, outputs: Mapping[str, Any]) -> None:
        """Start what a trigger starts, for the ``number``-th time, once; ``outputs`` are those of the trigger."""
        ...

    async def is_running(self, number: int) -> bool:
        """Whether what a trigger started has not ended."""
        ...


class Inbox(Protocol):
    """The events that a trigger has asked for."""

    async def listen(self, pattern: Mapping[str, Any]) -> None:
        """Ask for all events from now on whose messages look like this."""
        ...

    async def waiting(self) -> Sequence[tuple[str, Any]]:
        """Return id and message of events that have come, oldest first, until they are taken."""
        ...

    async def take(self, event_ids: Iterable[str]) -> None:
        """Forget events that have been written down."""
        ...


class EmptyInbox:
    """Where no events come."""

    async def listen(self, pattern: Mapping[str, Any]) -> None:
        """Ask in vain."""

    async def waiting(self) -> Sequence[tuple[str, Any]]:
        """Return nothing."""
        return ()

    async def take(self, event_ids: Iterable[str]) -> None:
        """Forget nothing."""


class ActionCancelledError(TidegateError):
    """The action was cancelled from outside, and with it the execution."""


class ActionFailedError(TidegateError):
    """The action failed. ``answer`` is what outputs can still be selected from, when there is anything."""

    def __init__(self, message: str, answer: Any = None) -> None:
        super().__init__(message)
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything one look at a task may use."""

    task: Task
    #: evaluated when the task started, the same at every look
    properties: Mapping[str, Any]
    polling: Mapping[str, Any]
    scope: Scope
    region: str
    #: the same for every repetition of the task's call after a crash, different for every task execution
    client_token: str
    now: datetime
    #: gives the caller with the rights of the execution's role; raises CloudError when the role cannot be assumed
    caller: Callable[[], Awaitable[Caller]]
    #: what the look before left; empty at the first
    memo: Mapping[str, Any]
    log: Callable[[str], None]
    children: Children
    #: what was answered by NotifyExecution since the last look
    notices: Sequence[Notice]
    inbox: Inbox
    outside: Outside
    #: where people can look at the execution
    link: str


Action = Callable[[Situation], Awaitable[Finished | LookAgain | AwaitSignal | AwaitNotice]]
