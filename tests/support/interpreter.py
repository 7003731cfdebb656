"""A plain interpreter of generated runbooks: what oos.md 4 and 6 say, written down once more, without an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

END, NEXT = "ACS::END", "ACS::NEXT"
#: what an operation answers: a value, or None for an error
Reply = int | None


@dataclass(frozen=True)
class Condition:
    """``output of task == value``, or its contrary; without a task it is the constant ``holds``."""

    task: str | None = None
    value: int = 0
    holds: bool = True

    def written(self) -> Any:
        if self.task is None:
            return self.holds
        equals = {"Fn::Equals": [f"{{{{ {self.task}.v }}}}", self.value]}
        return equals if self.holds else {"Fn::Not": [equals]}

    def is_true(self, outputs: Mapping[str, Any]) -> bool:
        if self.task is None:
            return self.holds
        return (outputs.get(self.task) == self.value) == self.holds


@dataclass(frozen=True)
class Step:
    """One task: a call, a loop of calls, or a choice."""

    name: str
    replies: tuple[Reply, ...] = ()
    is_loop: bool = False
    max_errors: int | str = 0
    concurrency: int = 1
    branches: tuple[tuple[Condition, str], ...] | None = None
    default: str = NEXT
    when: Condition | None = None
    on_error: str = END
    on_success: str = NEXT

    def written(self) -> dict[str, Any]:
        """Return the task as a template has it."""
        if self.branches is not None:
            choices = [{"When": condition.written(), "NextTask": target} for condition, target in self.branches]
            properties: dict[str, Any] = {"DefaultTask": self.default, "Choices": choices}
            task: dict[str, Any] = {"Name": self.name, "Action": "ACS::Choice", "Properties": properties}
        else:
            parameters = {"Task": self.name, **({"Item": "{{ ACS::TaskLoopItem }}"} if self.is_loop else {})}
            properties = {"Service": "tide", "API": "Ask", "Parameters": parameters}
            task = {"Name": self.name, "Action": "ACS::ExecuteAPI", "Properties": properties}
            task["Outputs"] = {"one" if self.is_loop else "v": {"Type": "Number", "ValueSelector": ".Value"}}
            task |= {"OnError": self.on_error, "OnSuccess": self.on_success}
        if self.is_loop:
            rate = {"Mode": "Concurrency", "Concurrency": self.concurrency, "MaxErrors": self.max_errors}
            outputs = {"v": {"AggregateType": "Fn::ListJoin", "AggregateField": "one"}}
            task["Loop"] = {"Items": list(range(len(self.replies))), "RateControl": rate, "Outputs": outputs}
        if self.when is not None:
            task["When"] = self.when.written()
        return task


@dataclass
class Run:
    """What became of a runbook."""

    path: list[str] = field(default_factory=list)
    items: dict[str, list[str]] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    status: str = "Success"
    message: str = ""


def message_of(name: str, item: int | None = None) -> str:
    """Return the message of a failure."""
    return f"Broken message: {name}" if item is None else f"Broken message: {name} {item}"


def interpret(steps: Sequence[Step]) -> Run:
    """Run the steps. Jumps lead forward."""
    run = Run()
    places = {step.name: place for place, step in enumerate(steps)}
    place = 0
    while place < len(steps):
        step = steps[place]
        status, target = _take(step, run)
        run.path.append(f"{step.name}:{status}")
        if status == "Failed":
            run.status = "Failed"
        if target == END:
            break
        place = place + 1 if target == NEXT else places[target]
    return run


def _take(step: Step, run: Run) -> tuple[str, str]:
    """Run one step; returns its status and where to go."""
    if step.when is not None and not step.when.is_true(run.outputs):
        return "Skipped", NEXT
    if step.branches is not None:
        taken = (target for condition, target in step.branches if condition.is_true(run.outputs))
        return "Success", next(taken, step.default)
    if step.is_loop:
        has_failed = _loop(step, run)
    else:
        (reply,) = step.replies
        has_failed = reply is None
        if reply is None:
            run.message = run.message or message_of(step.name)
        else:
            run.outputs[step.name] = reply
    return ("Failed", step.on_error) if has_failed else ("Success", step.on_success)


def _loop(step: Step, run: Run) -> bool:
    """Run the items in waves as wide as the concurrency; True: more of them failed than may."""
    total, most = len(step.replies), step.max_errors
    allowed = int(most.rstrip("%")) * total // 100 if isinstance(most, str) else most
    statuses: list[str] = []
    while len(statuses) < total and statuses.count("Failed") <= allowed:
        wave = step.replies[len(statuses) : len(statuses) + step.concurrency]
        statuses += ["Failed" if reply is None else "Success" for reply in wave]
    run.items[step.name] = statuses
    run.outputs[step.name] = [reply for reply in step.replies[: len(statuses)] if reply is not None]
    has_failed = statuses.count("Failed") > allowed
    if has_failed:
        run.message = run.message or message_of(step.name, statuses.index("Failed"))
    return has_failed
