"""The conductor: what comes next, on every path (oos.md 4.2, 4.3, 11.3)."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from support.templates import call, compiled, vendor
from tidegate.services.oos import limits
from tidegate.services.oos.conductor import Ask, Continue, Done, Start, next_move
from tidegate.services.oos.model import Template
from tidegate.services.oos.states import ExecutionStatus


class Past(NamedTuple):
    name: str
    status: str
    jump: str | None = None
    status_message: str = ""


def past(*steps: str) -> list[Past]:
    """Read ``name:Status`` and ``name:Success>jump``."""
    history = []
    for step in steps:
        name, _, status = step.partition(":")
        status, _, jump = status.partition(">")
        history.append(Past(name, status, jump or None, f"{name} broke" if status == "Failed" else ""))
    return history


def following(template: Template, *steps: str, cancelled: bool = False, mode: str = "Automatic") -> str:
    """Return the task that comes next, ``…`` to go on with the last, the status at the end, or who asks for what."""
    move = next_move(template, past(*steps), cancelled=cancelled, mode=mode)
    return f"{move.waiting}? {_named(move.move)}" if isinstance(move, Ask) else _named(move)


def _named(move: Start | Continue | Done) -> str:
    match move:
        case Start(task):
            return task.name
        case Continue():
            return "…"
        case Done(status, message):
            return f"{status} {message}".strip()


FLOW = compiled(
    Tasks=[
        call("a"),
        call("b", OnError="d", OnSuccess="ACS::NEXT"),
        call("c", OnError="ACS::NEXT", OnSuccess="ACS::END"),
        call("d", OnSuccess="a"),
    ]
)


@pytest.mark.parametrize(
    ("steps", "next_one"),
    [
        ([], "a"),
        (["a:Running"], "…"),
        (["a:Waiting"], "…"),
        (["a:Success"], "b"),
        (["a:Skipped"], "b"),
        (["a:Failed"], "Failed a broke"),
        (["a:Cancelled"], "Cancelled"),
        (["a:Success", "b:Success"], "c"),
        (["a:Success", "b:Failed"], "d"),
        (["a:Success", "b:Skipped"], "c"),
        (["a:Success", "b:Success", "c:Success"], "Success"),
        (["a:Success", "b:Success", "c:Skipped"], "d"),
        (["a:Success", "b:Success", "c:Failed"], "d"),
        (["a:Success", "b:Failed", "d:Skipped"], "Failed b broke"),
        (["a:Success", "b:Failed", "d:Failed"], "Failed b broke"),
        (["a:Success", "b:Success", "c:Skipped", "d:Success"], "a"),
        (["a:Success>d"], "d"),
        (["a:Success>ACS::END"], "Success"),
        (["a:Success>ACS::NEXT"], "b"),
    ],
)
def test_the_next_move_follows_the_table(steps: list[str], next_one: str) -> None:
    assert following(FLOW, *steps) == next_one


@pytest.mark.parametrize(
    ("steps", "next_one"),
    [
        ([], "Cancelled"),
        (["a:Running"], "…"),
        (["a:Success"], "Cancelled"),
        (["a:Success", "b:Failed"], "Cancelled"),
        (["a:Success", "b:Success", "c:Success"], "Cancelled"),
    ],
)
def test_a_cancelled_execution_starts_nothing(steps: list[str], next_one: str) -> None:
    assert following(FLOW, *steps, cancelled=True) == next_one


@pytest.mark.parametrize(
    ("mode", "steps", "next_one"),
    [
        ("FailurePause", [], "a"),
        ("FailurePause", ["a:Failed"], "FailurePause? Failed a broke"),
        ("FailurePause", ["a:Success", "b:Failed"], "d"),
        ("FailurePause", ["a:Success", "b:Success", "c:Failed"], "d"),
        ("StepByStep", [], "StepByStep? a"),
        ("StepByStep", ["a:Running"], "…"),
        ("StepByStep", ["a:Success"], "StepByStep? b"),
        ("StepByStep", ["a:Failed"], "Failed a broke"),
        ("Debug", [], "Debug? a"),
        ("Debug", ["a:Running"], "…"),
        ("Debug", ["a:Failed"], "Debug? Failed a broke"),
        ("Debug", ["a:Cancelled"], "Debug? Cancelled"),
        ("Debug", ["a:Success>ACS::END"], "Debug? Success"),
    ],
)
def test_where_people_are_asked(mode: str, steps: list[str], next_one: str) -> None:
    assert following(FLOW, *steps, mode=mode) == next_one
    if next_one != "…":
        assert "?" not in following(FLOW, *steps, mode=mode, cancelled=True)


def test_going_round_ends_at_the_limit() -> None:
    steps = [
        f"{'a' if index % 2 == 0 else 'd'}:Success{'>d' if index % 2 == 0 else ''}"
        for index in range(limits.TASK_STARTS)
    ]

    move = next_move(FLOW, past(*steps))

    assert isinstance(move, Done)
    assert move.status == ExecutionStatus.FAILED
    assert following(FLOW, *steps[:-1]) == "d"


READ, CHANGE = "getInstanceIpAddress", "modifySecurityIps"
GO_ON, GIVE_UP = "CompleteLifecycleActionForContinue", "CompleteLifecycleActionForAbandon"


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ([f"{READ}:Success", f"{CHANGE}:Success", f"{GO_ON}:Success"], "Success"),
        ([f"{READ}:Failed", f"{GIVE_UP}:Success"], f"Failed {READ} broke"),
        ([f"{READ}:Success", f"{CHANGE}:Failed", f"{GIVE_UP}:Success"], f"Failed {CHANGE} broke"),
        ([f"{READ}:Success", f"{CHANGE}:Success", f"{GO_ON}:Failed"], f"Failed {GO_ON} broke"),
        ([f"{READ}:Failed", f"{GIVE_UP}:Failed"], f"Failed {READ} broke"),
    ],
)
def test_every_path_of_the_whitelist_template(path: list[str], end: str) -> None:
    template = vendor("ACS-ESS-LifeCycleModifyRedisIPWhitelist").validated.require_runnable()

    for index, step in enumerate(path):
        assert following(template, *path[:index]) == step.partition(":")[0]
    assert following(template, *path) == end
