"""A process that is followed tells its owner one story, in whatever order its pieces arrive."""

from __future__ import annotations

import pytest

from tidegate.plane.helper.processes import Process, exit_code


@pytest.fixture
def story() -> list[str]:
    return []


@pytest.fixture
def process(story: list[str]) -> Process:
    return Process(
        lambda: story.append("running"),
        lambda reason: story.append(f"failed: {reason}"),
        lambda code: story.append(f"ended {code}"),
    )


def test_a_process_runs_and_ends(process: Process, story: list[str]) -> None:
    process.began(17)
    process.tell(None)
    process.end(3)
    process.end(3)

    assert story == ["running", "ended 3"]


def test_an_end_that_is_seen_before_the_report_is_told_after_it(process: Process, story: list[str]) -> None:
    process.began(17)
    process.end(3)
    assert story == []
    process.tell(None)

    assert story == ["running", "ended 3"]


def test_a_program_that_could_not_be_started_has_no_end(process: Process, story: list[str]) -> None:
    process.began(17)
    process.tell("no such program")
    process.end(127)

    assert story == ["failed: no such program"]
    assert process.is_over


@pytest.mark.parametrize(("status", "code"), [(0, 0), (3 << 8, 3), (15, 128 + 15), (9 | 0x80, 128 + 9)])
def test_what_wait_returns_reads_as_in_a_shell(status: int, code: int) -> None:
    assert exit_code(status) == code
