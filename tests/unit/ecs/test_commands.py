"""Cloud Assistant's words: parameters, and how runs add up."""

from __future__ import annotations

import base64

import pytest

from tidegate.errors import CloudError
from tidegate.plane.hosts.base import Outcome
from tidegate.reconcile.invocation import ending_of, interpreter
from tidegate.services.ecs.commands import (
    check_parameters,
    check_repeat,
    decode_content,
    delivery,
    filled,
    overall,
    parameter_names,
    record,
    script,
)


def test_parameters_are_put_in_once_ignoring_case_and_spaces() -> None:
    content = b"echo {{Name}} {{  name }} {{ other }} {{unknown}} {{a b}}"

    assert (
        filled(content, {"NAME": "{{other}}", "other": "潮"})
        == "echo {{other}} {{other}} 潮 {{unknown}} {{a b}}".encode()
    )
    assert parameter_names(content) == ["name", "name", "other", "unknown"]


def test_a_script_that_is_no_text_passes_unchanged() -> None:
    assert filled(b"\xff\xfe{{a}}", {"a": "1"}) == b"\xff\xfe1"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [({"": 1}, "CmdParam.EmptyKey"), ({"a b": 1}, "CmdParam.InvalidParamName"), ({f"p{n}": 1 for n in range(21)}, "CmdParamCount.ExceedLimit")],
)  # fmt: skip
def test_bad_parameters_are_refused(parameters: dict[str, object], code: str) -> None:
    with pytest.raises(CloudError) as refused:
        check_parameters(parameters)

    assert refused.value.code == code


def test_parameters_that_are_no_texts_are_written_as_json() -> None:
    assert check_parameters({"a": 1, "b": [1, "x"], "c": "y", "d": True}) == {
        "a": "1",
        "b": '[1,"x"]',
        "c": "y",
        "d": "true",
    }


def test_content_is_plain_or_base64() -> None:
    assert decode_content("echo hi", "PlainText") == b"echo hi"
    assert decode_content(base64.b64encode(b"echo hi").decode(), "Base64") == b"echo hi"
    with pytest.raises(CloudError, match=r"CmdContent\.DecodeError"):
        decode_content("echo hi!", "Base64")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": "RunRuby"}, "InvalidCmdType.NotFound"),
        ({"timeout": 9}, "InvalidParameter"),
        ({"timeout": 86401}, "InvalidParameter"),
        ({"content": "x" * 20000}, "CmdContent.ExceedLimit"),
        ({"encoding": "Rot13"}, "InvalidParameter"),
    ],
)
def test_bad_commands_are_refused(change: dict[str, object], code: str) -> None:
    good = {
        "kind": "RunShellScript",
        "content": "echo",
        "encoding": "PlainText",
        "name": None,
        "description": None,
        "working_dir": None,
        "timeout": None,
        "enable_parameter": False,
    }
    with pytest.raises(CloudError) as refused:
        script(**{**good, **change})  # type: ignore[arg-type]

    assert refused.value.code == code


def test_only_single_runs_are_taken() -> None:
    check_repeat(None, None)
    check_repeat("Once", None)
    for mode, frequency, code in (
        ("Period", None, "MissingParam.Frequency"),
        ("Period", "0 */10 * * * *", "InvalidParameter"),
        ("EveryReboot", None, "InvalidParameter"),
        (None, "0 */10 * * * *", "InvalidParameter"),
    ):
        with pytest.raises(CloudError) as refused:
            check_repeat(mode, frequency)
        assert refused.value.code == code


@pytest.mark.parametrize(
    ("runs", "status"),
    [
        (["Pending", "Pending"], "Pending"),
        (["Pending", "Running"], "Running"),
        (["Success", "Running"], "Running"),
        (["Success", "Success"], "Success"),
        (["Success", "Failed"], "PartialFailed"),
        (["Failed", "Timeout"], "Failed"),
        (["Terminated", "Terminated"], "Stopped"),
        (["Running", "Stopping"], "Stopping"),
    ],
)
def test_the_status_of_an_invocation_follows_from_its_runs(runs: list[str], status: str) -> None:
    assert overall(runs) == status


@pytest.mark.parametrize(
    ("runs", "status"),
    [
        ([("Running", "")], "Running"),
        ([("Success", ""), ("Failed", "ExitCodeNonzero")], "Finished"),
        ([("Timeout", "ExecutionTimeout")], "Failed"),
        ([("Success", ""), ("Timeout", "ExecutionTimeout")], "PartialFailed"),
        ([("Terminated", ""), ("Cancelled", "")], "Stopped"),
    ],
)
def test_the_older_status_tells_of_completion_not_of_exit_codes(runs: list[tuple[str, str]], status: str) -> None:
    assert delivery(runs) == status


def test_a_script_that_exits_with_1_is_finished_on_record_and_failed_as_an_invocation() -> None:
    ending = ending_of(Outcome(exit_code=1, output=b"no\n"))

    assert (ending.status, ending.error_code) == ("Failed", "ExitCodeNonzero")
    assert record(ending.status, ending.error_code) == "Finished"


def test_a_script_killed_at_its_limit_has_timed_out() -> None:
    ending = ending_of(Outcome(exit_code=None, output=b"..."))

    assert (ending.status, ending.error_code) == ("Timeout", "ExecutionTimeout")
    assert record(ending.status, ending.error_code) == "Failed"


@pytest.mark.parametrize(
    ("content", "program"),
    [
        (b"echo hi", ("sh",)),
        (b"#!/usr/bin/env python3\nprint(1)", ("/usr/bin/env", "python3")),
        (b"#!/bin/bash -eu -o pipefail\n", ("/bin/bash", "-eu -o pipefail")),
        (b"#! /bin/sh \r\necho", ("/bin/sh",)),
        (b"#!\n", ("sh",)),
    ],
)
def test_a_script_is_run_by_the_program_its_first_line_names(content: bytes, program: tuple[str, ...]) -> None:
    assert interpreter(content) == program
