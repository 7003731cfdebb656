"""``tidegate oos test`` and ``tidegate oos import`` as a user types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from support.templates import call, write
from tidegate.cli.app import app

RUNBOOK = write(
    Parameters={"id": {"Type": "String"}},
    Tasks=[
        {
            **call("look", Outputs={"state": {"ValueSelector": "State"}}),
            "Properties": {"Service": "tide", "API": "Ping", "Parameters": {"Id": "{{ id }}"}},
        },
        {"Name": "rest", "Action": "ACS::Sleep", "Properties": {"Duration": "1H"}},
    ],
    Outputs={"state": {"Type": "String", "Value": "{{ look.state }}"}},
)
Tidegate = Callable[..., Result]


@pytest.fixture
def tidegate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tidegate:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDEGATE_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "runbook.yml").write_text(RUNBOOK, encoding="utf-8")
    (tmp_path / "answers.yml").write_text("tide.Ping: {State: Good}\n", encoding="utf-8")
    return lambda *words: CliRunner().invoke(app, ["oos", *words])


def test_success_prints_calls_tasks_and_outputs(tidegate: Tidegate) -> None:
    done = tidegate("test", "runbook.yml", "--answers", "answers.yml", "--parameters", '{"id": "i-1"}')

    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "calls",
        "   1  tide.Ping  (look)",
        '      {"Id":"i-1"}',
        "tasks",
        '  Success   look  [ACS::ExecuteAPI]  {"state":"Good"}',
        "  Success   rest  [ACS::Sleep]",
        "outputs",
        "{",
        '  "state": "Good"',
        "}",
        "Success, after 1:00:00 of virtual time",
    ]


def test_json_has_everything_for_programs(tidegate: Tidegate, tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text('{\n\t"Parameters": {"id": "i-2"},\n\t"tide.Ping": {"State": "Bad"}\n}')

    told = json.loads(tidegate("test", "runbook.yml", "--answers", "answers.json", "--json").stdout)

    assert (told["status"], told["outputs"], told["seconds"], told["unused"]) == ("Success", {"state": "Bad"}, 3600, [])
    assert told["calls"] == [
        {"task": "look", "operation": "tide.Ping", "parameters": {"Id": "i-2"}, "region": "cn-hangzhou", "error": None}
    ]
    assert [task["name"] for task in told["tasks"]] == ["look", "rest"]
    assert "The task look is completed." in told["log"]


def test_a_failed_execution_and_wrong_use_have_their_own_exit_status(tidegate: Tidegate, tmp_path: Path) -> None:
    (tmp_path / "broken.yml").write_text("tide.Ping: {Error: {Code: Gone, Message: no more}}\n", encoding="utf-8")
    (tmp_path / "odd.yml").write_text("tide.Ping: [1]\n", encoding="utf-8")
    given = ("--parameters", '{"id": "i-1"}')

    failed = tidegate("test", "runbook.yml", "--answers", "broken.yml", *given)
    wrong = {
        "no answer": tidegate("test", "runbook.yml", *given),
        "no parameter": tidegate("test", "runbook.yml", "--answers", "answers.yml"),
        "no file": tidegate("test", "runbook.yml", "--answers", "nothing.yml", *given),
        "no template": tidegate("test", "nothing.yml", "--answers", "answers.yml"),
        "odd answers": tidegate("test", "runbook.yml", "--answers", "odd.yml", *given),
        "no folder": tidegate("test", "runbook.yml", "--answers", "answers.yml", "--templates", "nowhere", *given),
    }

    assert (failed.exit_code, failed.stdout.splitlines()[-1]) == (1, "Failed: Gone message: no more")
    assert {why: done.exit_code for why, done in wrong.items()} == dict.fromkeys(wrong, 2)
    assert "tide.Ping:\n  State: ''" in wrong["no answer"].stderr
    assert 'the parameter "id" is required' in wrong["no parameter"].stderr


def test_import_tells_what_was_taken_and_refused(tidegate: Tidegate, tmp_path: Path) -> None:
    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / "ACS-Tide-Look.yml").write_text(RUNBOOK, encoding="utf-8")
    (tmp_path / "checkout" / "ACS-Tide-Odd.yml").write_text(
        "FormatVersion: OOS-2019-06-01\nTasks: 1\n", encoding="utf-8"
    )

    taken = tidegate("import", "checkout")
    told = json.loads(tidegate("import", "checkout", "--json").stdout)
    used = tidegate("test", "ACS-Tide-Look", "--answers", "answers.yml", "--parameters", '{"id": "i-1"}')

    assert taken.exit_code == 0
    assert taken.stdout.splitlines() == [
        "refused: ACS-Tide-Odd: line 2, column 8: Tasks must be a list with at least one task [V2]",
        "1 new, 1 refused",
    ]
    assert told["counts"] == {"new": 0, "changed": 0, "unchanged": 1, "own": 0, "refused": 1}
    assert used.exit_code == 0
    (tmp_path / "empty").mkdir()
    assert tidegate("import", "empty").exit_code == 1


def test_validate_knows_the_product_actions_of_a_folder(tidegate: Tidegate, tmp_path: Path) -> None:
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / "ACS::Tide::Look.yml").write_text(RUNBOOK, encoding="utf-8")
    user = write(Tasks=[{"Name": "a", "Action": "ACS::Tide::Look", "Properties": {"id": "i-1"}}])
    (tmp_path / "all" / "user.yml").write_text(user, encoding="utf-8")

    together, alone = tidegate("validate", "all"), tidegate("validate", "all/user.yml", "--language", "en")

    assert (together.exit_code, together.stdout) == (0, "")
    assert "the action ACS::Tide::Look is not supported yet" in alone.stdout
