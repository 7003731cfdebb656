"""What people may say to an execution through NotifyExecution, and what follows from it (oos.md 7.4). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from tidegate.services.oos.conductor import Ask, Done, Start
from tidegate.services.oos.model import Template
from tidegate.services.oos.states import FINAL_EXECUTION, ExecutionStatus
from tidegate.store.oos.records import ExecutionRecord, Notice

NotifyType = Literal["Approve", "Reject", "RetryTask", "SkipTask", "ExecuteTask", "CancelTask", "CompleteExecution"]

_DECISION: Final = frozenset({"Approve", "Reject"})
_ANSWERS: Final[Mapping[str, frozenset[str]]] = {
    "Approve": _DECISION,
    "Pause": _DECISION,
    "BatchPause": _DECISION,
    "RiskConfirm": _DECISION,
    "StepByStep": _DECISION,
    "FailurePause": frozenset({"RetryTask", "SkipTask"}),
    "Debug": frozenset({"ExecuteTask", "CompleteExecution"}),
}


class Skip(msgspec.Struct, frozen=True):
    """Take the failed task for skipped."""


class Retry(msgspec.Struct, frozen=True):
    """Run the failed task again, of a looped one its failed items, or those of ``task_ids``."""

    properties: Mapping[str, Any]
    task_ids: Sequence[str]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What comes with an answer, as it is kept with its notice."""

    task_name: str | None = None
    task_ids: Sequence[str] = ()
    parameters: Mapping[str, Any] = {}
    #: what ``ACS::TaskLoopItem`` stands for; ``has_item`` says whether it was given
    item: Any = None
    has_item: bool = False
    status: str | None = None


def is_expected(kind: str, *, status: str, waiting: str, mode: str) -> bool:
    """Whether an execution takes such an answer now."""
    if kind == "CancelTask":
        return mode == "Debug" and status not in FINAL_EXECUTION and waiting != "Debug"
    return status == ExecutionStatus.WAITING and kind in _ANSWERS.get(waiting, ())


def is_listening(record: ExecutionRecord) -> bool:
    """Whether anything that was said may matter to an execution now."""
    return record.status == ExecutionStatus.WAITING or record.mode == "Debug" or record.is_trigger


def decide(ask: Ask, notice: Notice, template: Template) -> Start | Done | Retry | Skip:
    """Return what follows from an answer that was expected."""
    said = msgspec.convert(notice.said, Said)
    match notice.kind:
        case "Approve":
            return ask.move
        case "ExecuteTask" if said.task_name is not None:
            item = said.item if said.has_item else msgspec.UNSET
            return Start(template.task(said.task_name), said.parameters, item)
        case "CompleteExecution" if said.status is not None:
            message = notice.note if said.status == ExecutionStatus.FAILED else ""
            return Done(ExecutionStatus(said.status), message)
        case "RetryTask":
            return Retry(said.parameters, said.task_ids)
        case "SkipTask":
            return Skip()
    return Done(ExecutionStatus.CANCELLED)


def in_words(notice: Notice) -> str:
    """Return a notice as a line of the log."""
    return f"{notice.kind} by {notice.sender}. {notice.note}".strip()
