"""The helper process: what users write as programs ends within its budget and reaches nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jq
import pytest

from tidegate.services.oos import sandbox as sandboxes
from tidegate.services.oos.sandbox import Sandbox
from tidegate.services.oos.values import ExpressionError


@pytest.fixture
async def impatient() -> AsyncIterator[Sandbox]:
    made = Sandbox(time_limit=0.2, quick_limit=0.05)
    yield made
    await made.close()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    made = Sandbox(time_limit=0.5, quick_limit=0.1)
    yield made
    await made.close()


@pytest.mark.parametrize(
    ("program", "value", "results"),
    [
        (".Instances.Instance[].Id", {"Instances": {"Instance": [{"Id": "a"}, {"Id": "b"}]}}, ["a", "b"]),
        (".a, .b", {"a": "x\ny", "b": None}, ["x\ny", None]),
        ("empty", None, []),
        (".n", {"n": 10}, [10]),
        (".n / 4", {"n": 10}, [2.5]),
        ("if .Code then 1 else 2 end", {"Code": "x"}, [1]),
        ('.[] | select(test("^a"; "i"))', ["Ab", "b"], ["Ab"]),
        ('[.[] | tostring] | join(",")', [1, True, None], ["1,true,null"]),
        (".", "漢字 \u2028 \0", ["漢字 \u2028 \0"]),
    ],
)
async def test_all_results_come_back_with_their_types(
    sandbox: Sandbox, program: str, value: Any, results: list[Any]
) -> None:
    found = await sandbox.run_jq(program, value)

    assert found == results
    assert [type(each) for each in found] == [type(each) for each in results]


@pytest.mark.parametrize(
    "program",
    [
        "def f: f; f",
        "def f: [., .] | f; f",
        "until(false; .)",
        "[range(1e12)]",
        "range(1e12)",
        "reduce range(1e12) as $i (0; . + $i)",
        '"x" * 1000000000',
        '[limit(1000; repeat("x" * 100000000))]',
        '("a" * 40 + "b") | test("(a|a)*$")',
        "..|..|..|..|[range(100000)]|..|..",
        ".[",
        '"a" | error',
        ".a.b.c[]",
        "input",
        'import "/etc/passwd" as $d; $d',
        'include "x"; .',
    ],
)
async def test_a_hostile_program_is_an_error_and_the_next_one_runs(sandbox: Sandbox, program: str) -> None:
    with pytest.raises(ExpressionError):
        await sandbox.run_jq(program, {"a": "x"})

    assert await sandbox.run_jq(".a", {"a": 1}) == [1]


@pytest.mark.parametrize(
    ("program", "results"),
    [
        ("env", [{}]),
        ("$ENV", [{}]),
        ("$ENV.PATH", [None]),
        ("inputs", []),
        ("input_filename", [None]),
        ("debug", [5]),
        ("stderr", [5]),
    ],
)
async def test_nothing_of_the_machine_is_seen(
    sandbox: Sandbox, program: str, results: list[Any], monkeypatch: Any
) -> None:
    monkeypatch.setenv("TIDEGATE_SECRET", "hidden")

    assert await sandbox.run_jq(program, 5) == results


@pytest.fixture
def readable(tmp_path: Path) -> Path:
    """A folder that everybody may read, with a JSON file."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to(tempfile.gettempdir()) and folder != Path(tempfile.gettempdir()):
            folder.chmod(0o755)
    (tmp_path / "data.json").write_text('{"secret": 1}')
    return tmp_path


async def test_files_with_json_are_not_read_as_modules(sandbox: Sandbox, readable: Path) -> None:
    program = f'import "data" as $data {{search: "{readable}"}}; $data'
    assert jq.compile(program).input_value(None).all() == [[{"secret": 1}]]

    with pytest.raises(ExpressionError):
        await sandbox.run_jq(program, None)


async def test_a_pattern_that_never_ends_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(ExpressionError, match="took longer"):
        await sandbox.matches("(a+)+$", "a" * 50 + "b")

    assert await sandbox.matches("(?<=a)b|ab", "ab")
    assert not await sandbox.matches("a", "ab")


async def test_programs_and_patterns_are_checked_without_running(sandbox: Sandbox) -> None:
    assert await sandbox.check_jq("def f: f; f") is None
    assert "syntax error" in str(await sandbox.check_jq(".["))
    assert await sandbox.check_pattern("a{2,3}") is None
    assert await sandbox.check_pattern("(") is not None


async def test_many_at_once_get_their_own_answers(sandbox: Sandbox) -> None:
    answers = await asyncio.gather(*(sandbox.run_jq(".[0] + 1", [number]) for number in range(200)))

    assert answers == [[number + 1] for number in range(200)]


async def test_a_caller_that_goes_away_does_not_give_its_answer_to_the_next(sandbox: Sandbox) -> None:
    assert await sandbox.run_jq(".", 1) == [1]
    slow = asyncio.create_task(sandbox.run_jq("reduce range(1e12) as $i (0; .)", None))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow

    assert await sandbox.run_jq(".", 2) == [2]


async def test_a_killed_helper_is_replaced(sandbox: Sandbox) -> None:
    assert await sandbox.run_jq(".", 1) == [1]
    (pid,) = sandbox.pids
    os.kill(pid, 9)

    with contextlib.suppress(ExpressionError):  # the request that meets the dying one may fail
        await sandbox.run_jq(".", 2)
    assert await sandbox.run_jq(".", 2) == [2]
    assert sandbox.pids != [pid]


async def test_what_never_ends_costs_others_nothing(impatient: Sandbox) -> None:
    assert await impatient.run_jq(".", 1) == [1]
    endless = [asyncio.create_task(impatient.run_jq(f"last(range({n}e12))", None)) for n in range(1, 4)]
    for _ in range(5):
        await asyncio.sleep(0)

    answers = await asyncio.gather(*(impatient.run_jq(".[0] + 1", [number]) for number in range(50)))

    # All of the others were answered while the endless ones had used up no more than their turns on the quick lane.
    assert answers == [[number + 1] for number in range(50)]
    assert sum(one.done() for one in endless) <= 1
    for one in endless:
        with pytest.raises(ExpressionError, match="took longer"):
            await one
    again = asyncio.create_task(impatient.run_jq("last(range(1e12))", None))
    for _ in range(5):
        await asyncio.sleep(0)
    assert await impatient.run_jq(".", 3) == [3]
    assert not again.done()
    with pytest.raises(ExpressionError, match="took longer"):
        await again


async def test_a_program_that_only_needs_more_time_gets_it() -> None:
    slow = Sandbox(time_limit=30, quick_limit=0.001)
    try:
        assert await slow.run_jq("reduce range(100000) as $i (0; . + 1)", None) == [100000]
    finally:
        await slow.close()


async def test_who_was_slow_once_is_quick_again(impatient: Sandbox) -> None:
    owner, quick_ones = impatient.of("owner"), [f". + {n}" for n in range(5)]
    for n in range(1, 4):
        with pytest.raises(ExpressionError):
            await owner.run_jq(f"last(range({n}e12))", None)
    pids = set(impatient.pids)

    for program in quick_ones:
        assert await owner.run_jq(program, 1) == [1 + quick_ones.index(program)]

    assert len(set(impatient.pids) - pids) == 2  # the slow lane answered first, then the quick one


async def test_too_many_slow_programs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandboxes, "SLOW_QUEUE_LIMIT", 2)
    impatient = Sandbox(time_limit=0.2, quick_limit=0.05)
    with pytest.raises(ExpressionError):
        await impatient.run_jq("last(range(1e12))", None)
    asked = [impatient.run_jq("last(range(1e12))", None) for _ in range(5)]

    outcomes = [str(one) for one in await asyncio.gather(*asked, return_exceptions=True)]
    await impatient.close()

    too_slow, too_many = "the program took longer than 0.2 s", "too many programs are waiting to be run"
    assert sorted(outcomes) == [too_slow] * 2 + [too_many] * 3


async def test_an_owner_of_many_endless_programs_is_taken_off_the_quick_lane(impatient: Sandbox) -> None:
    hostile, other = impatient.of("hostile"), impatient.of("other")
    for n in range(1, 4):
        with pytest.raises(ExpressionError):
            await hostile.run_jq(f"last(range({n}e12))", None)
    assert await other.run_jq(".", 0) == [0]
    (quick,) = impatient.pids

    # A new program each time, all at once: one is on its way at a time, and none of them on the quick lane.
    flood = [asyncio.create_task(hostile.run_jq(f"last(range({n}e11))", None)) for n in range(1, 30)]
    for number in range(20):
        assert await other.run_jq(".", number) == [number]
    assert quick in impatient.pids
    assert not any(one.done() for one in flood[2:])
    for one in flood:
        one.cancel()
    await asyncio.gather(*flood, return_exceptions=True)
    assert await hostile.matches("a+", "aa")
    assert await other.check_jq(".[") is not None


async def test_a_value_too_large_is_not_even_sent(sandbox: Sandbox) -> None:
    with pytest.raises(ExpressionError, match="larger than"):
        await sandbox.run_jq(".", ["x" * 600_000] * 30)


async def test_a_large_answer_is_searched_and_a_large_result_is_refused() -> None:
    sandbox = Sandbox(time_limit=10)
    answer = {"Things": [{"Id": f"t-{number}", "Text": "x" * 5000} for number in range(1000)]}

    assert len(await sandbox.run_jq(".Things[].Id", answer)) == 1000
    with pytest.raises(ExpressionError, match="too large"):
        await sandbox.run_jq(".", answer)
    await sandbox.close()


async def test_closing_leaves_no_process_behind() -> None:
    sandbox = Sandbox()
    assert await sandbox.run_jq(".", 1) == [1]
    (pid,) = sandbox.pids

    await sandbox.close()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
