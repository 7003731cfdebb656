"""The fixture ``runbook``, in the tests of somebody who has installed the package."""

from __future__ import annotations

import re
import tomllib

import pytest
from typer.testing import CliRunner

import tidegate.rehearsal  # noqa: F401 - pytester would forget it, and import its C parts a second time
from support.running import ROOT
from tidegate.cli.app import app

pytest_plugins = ["pytester"]

RUNBOOK = """
FormatVersion: OOS-2019-06-01
Parameters: {id: {Type: String}}
Tasks:
- Name: look
  Action: ACS::ExecuteAPI
  Properties: {Service: ECS, API: DescribeInstances, Parameters: {InstanceIds: ['{{ id }}']}}
  Outputs: {status: {ValueSelector: 'Instances.Instance[].Status'}}
- Name: stop
  Action: ACS::ECS::Tidy
  Properties: {id: '{{ id }}'}
Outputs: {status: {Type: String, Value: '{{ look.status }}'}}
"""
ACTION = """
FormatVersion: OOS-2019-06-01
Parameters: {id: {Type: String}}
Tasks:
- {Name: ask, Action: 'ACS::Pause'}
- {Name: stop, Action: 'ACS::ExecuteAPI', Properties: {Service: ECS, API: StopInstance, Parameters: {InstanceId: '{{ id }}'}}}
"""
TESTS = """
import pytest
from tidegate.rehearsal import RehearsalError

RUNNING = {"Instances": {"Instance": [{"Status": "Running"}]}}

def test_it_stops_what_runs(runbook):
    runbook.answer("ECS.DescribeInstances", RUNNING).answer("ECS.StopInstance", {})
    report = runbook.run("stop.yml", {"id": "i-1"}, approve=True)
    assert report.succeeded and report.outputs == {"status": "Running"}
    assert [call.operation for call in report.calls] == ["ECS.DescribeInstances", "ECS.StopInstance"]

def test_a_failure_of_one_instance(runbook):
    runbook.answer("ECS.DescribeInstances", RUNNING).answer("ECS.StopInstance", {})
    runbook.fail("ECS.StopInstance", "IncorrectInstanceStatus", "no", InstanceId="i-2").given(Decisions=["Approve"])
    assert runbook.run("stop.yml", {"id": "i-2"}).message == "IncorrectInstanceStatus message: no"

def test_a_file_of_answers(runbook):
    report = runbook.answers("answers.yml").run("stop.yml")
    assert report.succeeded and report.calls_of("ECS.StopInstance")[0].parameters == {"InstanceId": "i-3"}

def test_what_is_missing_is_said(runbook):
    with pytest.raises(RehearsalError, match="ECS.DescribeInstances, which has no answer"):
        runbook.run("stop.yml", {"id": "i-1"})

async def inside(runbook):
    return runbook.answers("answers.yml").run("stop.yml").status

def test_within_an_event_loop(runbook):
    import asyncio
    assert asyncio.run(inside(runbook)) == "Success"
"""
ANSWERS = """
Parameters: {id: i-3}
Decisions: [Approve]
ECS.DescribeInstances: {Instances: {Instance: [{Status: Running}]}}
ECS.StopInstance: {}
"""


def test_runbooks_are_tested_with_a_fixture(pytester: pytest.Pytester) -> None:
    for name, text in {"stop.yml": RUNBOOK, "actions/ACS::ECS::Tidy.yml": ACTION, "answers.yml": ANSWERS}.items():
        path = pytester.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    pytester.makeini("[pytest]\ntidegate_templates = actions\naddopts = -p no:asyncio\n")
    pytester.makepyfile(TESTS)

    pytester.runpytest_inprocess().assert_outcomes(passed=5)


@pytest.mark.parametrize("page", ["test-runbooks.md", "test-runbooks.zh-CN.md"])
def test_the_page_about_tests_is_right(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    text = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8")
    (answers,), (tests,) = [re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL) for kind in ("yaml", "python")]
    (pytester.path / "answers.yml").write_text(answers, encoding="utf-8")
    (pytester.path / "oos-templates").mkdir()
    (pytester.path / "oos-templates" / "ACS::ECS::Tidy.yml").write_text(ACTION, encoding="utf-8")
    monkeypatch.setenv("TIDEGATE_DATA_DIR", str(pytester.path / "data"))
    pytester.makepyfile(tests)
    pytester.makeini("[pytest]\naddopts = -p no:asyncio\n")

    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    for command in re.findall(r"^\$ tidegate (.*)$", text, re.MULTILINE):
        if "regions.yml" not in command:  # these need a cloud, see tests/acceptance/cli
            assert CliRunner().invoke(app, command.split()).exit_code == 0, command


def test_whoever_installs_the_package_has_the_fixture() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    assert project["project"]["entry-points"]["pytest11"] == {"tidegate": "tidegate.testing"}
