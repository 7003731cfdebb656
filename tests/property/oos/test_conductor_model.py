"""The engine beside a plain interpreter, on generated runbooks: jumps, conditions, failures, loops, outputs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.interpreter import END, NEXT, Condition, Step, interpret, message_of
from support.templates import write
from tidegate.errors import CloudError
from tidegate.rehearsal import Answers, Asked, Report, rehearse
from tidegate.services.oos.sandbox import Sandbox

NAMES = ("a", "b", "c", "d", "e", "f")
replies = st.none() | st.integers(0, 2)


@st.composite
def conditions(draw: st.DrawFn, earlier: Sequence[str]) -> Condition:
    if not earlier or draw(st.booleans()):
        return Condition(holds=draw(st.booleans()))
    return Condition(draw(st.sampled_from(earlier)), draw(st.integers(0, 2)), draw(st.booleans()))


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    count = draw(st.integers(1, len(NAMES)))
    drawn: list[Step] = []
    for place in range(count):
        # What a condition may ask: single calls, whose output is a number.
        earlier = [step.name for step in drawn if step.replies and not step.is_loop]
        targets = st.sampled_from([END, NEXT, *NAMES[place + 1 : count]])
        when = draw(st.none() | conditions(earlier))
        kind = draw(st.sampled_from(("call", "call", "loop", "choice")))
        if kind == "choice":
            branches = draw(st.lists(st.tuples(conditions(earlier), targets), min_size=1, max_size=2))
            drawn.append(Step(NAMES[place], branches=tuple(branches), default=draw(targets), when=when))
            continue
        is_loop = kind == "loop"
        drawn.append(
            Step(
                NAMES[place],
                replies=tuple(draw(st.lists(replies, max_size=5))) if is_loop else (draw(replies),),
                is_loop=is_loop,
                max_errors=draw(st.integers(0, 3) | st.sampled_from(["0%", "40%", "100%"])),
                concurrency=draw(st.integers(1, 4)),
                when=when,
                on_error=draw(targets),
                on_success=draw(targets),
            )
        )
    return drawn


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as running:
        yield running


@pytest.fixture(scope="module")
def programs(runner: asyncio.Runner) -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    runner.run(sandbox.close())


def run(runbook: Sequence[Step], runner: asyncio.Runner, programs: Sandbox) -> Report:
    known = {step.name: step for step in runbook}

    async def answer(asked: Asked) -> dict[str, Any] | CloudError:
        name, item = asked.parameters["Task"], asked.parameters.get("Item")
        reply = known[name].replies[item or 0]
        code, _, message = message_of(name, item).partition(" message: ")
        return CloudError(code, message) if reply is None else {"Value": reply}

    template = write(
        Tasks=[step.written() for step in runbook],
        Outputs={step.name: {"Type": "Json", "Value": f"{{{{ {step.name}.v }}}}"} for step in runbook if step.replies},
    )
    return runner.run(rehearse(template, Answers(), otherwise=answer, programs=programs))


@given(steps())
def test_the_engine_and_a_plain_interpreter_agree(
    runner: asyncio.Runner, programs: Sandbox, runbook: list[Step]
) -> None:
    expected = interpret(runbook)

    report = run(runbook, runner, programs)

    assert report.path() == expected.path
    assert (report.status, report.message) == (expected.status, expected.message)
    assert {task.name: [item.status for item in task.items] for task in report.tasks if task.items} == {
        name: statuses for name, statuses in expected.items.items() if statuses
    }
    assert report.outputs == {step.name: expected.outputs.get(step.name) for step in runbook if step.replies}


def test_the_interpreter_tells_right_from_wrong() -> None:
    runbook = [
        Step("a", (None,), on_error="c"),
        Step("b", (1,)),
        Step("c", (1, None, 2), is_loop=True, max_errors=0, concurrency=2, on_error=NEXT),
        Step("d", branches=((Condition("b", 1), "f"),), default="e"),
        Step("e", (2,), when=Condition("a", 0, holds=False)),
        Step("f", (0,), when=Condition("e", 1)),
    ]

    found = interpret(runbook)

    assert found.path == ["a:Failed", "c:Failed", "d:Success", "e:Success", "f:Skipped"]
    assert (found.status, found.message) == ("Failed", "Broken message: a")
    assert found.items == {"c": ["Success", "Failed"]}
    assert found.outputs == {"c": [1], "e": 2}
