"""``tidegate oos`` as a user types it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from support.running import ROOT, RunningCloud

from .test_commands import tidegate

PAGES = ROOT / "docs" / "how-to"

RUNBOOK = """
FormatVersion: OOS-2019-06-01
Parameters:
  wanted: {Type: String, Default: cn-hangzhou}
RamRole: ''
Tasks:
  - Name: look
    Action: ACS::CheckFor
    Properties:
      Service: ecs
      API: DescribeRegions
      PropertySelector: '.Regions.Region | map(.RegionId) | index("{{ wanted }}") != null'
      DesiredValues: [true]
    OnError: sorry
    Outputs:
      count: {Type: Number, ValueSelector: '.Regions.Region | length'}
  - Name: sorry
    Action: ACS::Sleep
    When: {'Fn::Equals': ['{{ wanted }}', nowhere]}
    Properties: {Duration: PT1S}
Outputs:
  regions: {Type: Number, Value: '{{ look.count }}'}
"""
BROKEN = """
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: look
    Action: ACS::ExecuteAPI
    OnError: nowhere
    Properties: {Service: ecs, API: '{{ gone }}'}
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    with RunningCloud(tmp_path_factory.mktemp("cloud"), "--hosts", "memory") as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "good.yml").write_text(RUNBOOK, encoding="utf-8")
    (tmp_path / "package.json").write_text('{"name": "no template"}', encoding="utf-8")
    return tmp_path


def test_validate_tells_every_finding_with_its_place_and_fails(folder: Path) -> None:
    bad = folder / "bad.yml"
    bad.write_text(BROKEN, encoding="utf-8")

    good = tidegate("oos", "validate", str(folder / "deep"))
    both = tidegate("oos", "validate", str(folder), "--language", "en")
    chinese = tidegate("oos", "validate", str(bad), LC_ALL="zh_CN.UTF-8")

    assert (good.returncode, good.stdout, good.stderr) == (0, "", "1 file, 0 errors\n")
    assert both.returncode == chinese.returncode == 1
    assert both.stdout.splitlines() == [
        f"{bad}:6:14: error: there is no task nowhere to jump to [V6]",
        f"{bad}:7:37: error: {{{{ gone }}}}: there is no parameter of this name [V7]",
    ]
    assert both.stderr == "2 files, 2 errors\n"
    assert "没有可以跳转的任务nowhere" in chinese.stdout


def test_validate_as_json_is_for_programs(folder: Path) -> None:
    bad = folder / "bad.yml"
    bad.write_text(BROKEN, encoding="utf-8")

    told = json.loads(tidegate("oos", "validate", str(folder), "--json", "--language", "en").stdout)

    assert (told["errors"], [one["valid"] for one in told["files"]]) == (2, [False, True])
    assert told["files"][0]["problems"][0] == {
        "line": 6,
        "column": 14,
        "check": "V6",
        "message": "there is no task nowhere to jump to",
        "severity": "error",
    }


def test_validate_of_nothing_fails(folder: Path) -> None:
    assert tidegate("oos", "validate", str(folder / "nothing.yml")).returncode == 1
    (folder / "empty").mkdir()
    assert tidegate("oos", "validate", str(folder / "empty")).returncode == 1


def test_policy_and_graph_need_no_cloud(folder: Path) -> None:
    policy = json.loads(tidegate("oos", "policy", "ACS-ESS-LifeCycleModifyAnalyticDBIPWhitelist").stdout)
    text = tidegate("oos", "graph", str(folder / "deep" / "good.yml")).stdout
    picture = tidegate("oos", "graph", "ACS-ESS-LifeCycleModifyMongoDBIPWhitelist", "--svg").stdout

    assert policy["Statement"] == [
        {
            "Action": ["ecs:DescribeInstances", "adb:ModifyDBClusterAccessWhiteList", "ess:CompleteLifecycleAction"],
            "Effect": "Allow",
            "Resource": "*",
        }
    ]
    assert text.splitlines() == [
        "  1  look  [ACS::CheckFor ecs.DescribeRegions]",
        "       next → sorry",
        "       fail → sorry",
        "  2  sorry  [ACS::Sleep]  (only when its condition holds)",
        "       next → end",
        "       fail → end",
    ]
    shapes = [element.tag.rpartition("}")[2] for element in ElementTree.fromstring(picture).iter()]
    assert shapes.count("rect") == 4
    assert shapes.count("path") >= 4
    assert tidegate("oos", "graph", "no-such-template").returncode == 1


def test_run_watches_a_runbook_to_its_end(cloud: RunningCloud, folder: Path) -> None:
    file = str(folder / "deep" / "good.yml")
    where = ("--data-dir", str(cloud.folder))

    good = tidegate("oos", "run", file, *where)
    bad = tidegate("oos", "run", file, "--parameters", '{"wanted": "nowhere"}', "--json", *where)
    wrong = tidegate("oos", "run", file, "--parameters", "[]", *where)

    assert (good.returncode, set(json.loads(good.stdout))) == (0, {"regions"})
    assert "Success   look" in good.stderr
    assert "Skipped   sorry" in good.stderr
    lines = [json.loads(line) for line in bad.stdout.splitlines()]
    assert (bad.returncode, lines[-1]["status"]) == (1, "Failed")
    assert ("look", "Failed") in [(line.get("task"), line["status"]) for line in lines]
    assert (wrong.returncode, "must be the JSON text of an object" in wrong.stderr) == (1, True)


def commands(page: str) -> list[str]:
    return [line.removeprefix("$ ") for line in (PAGES / page).read_text().splitlines() if line.startswith("$ ")]


def test_the_commands_of_the_page_run_as_they_stand_there(cloud: RunningCloud, tmp_path: Path) -> None:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "regions.yml").write_text(RUNBOOK, encoding="utf-8")
    page = commands("check-and-run-runbooks.md")

    for command in page:
        program, *words = shlex.split(command)
        assert program == "tidegate"
        done = subprocess.run(
            [sys.executable, "-m", "tidegate", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "TIDEGATE_DATA_DIR": str(cloud.folder)},
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)

    assert len(page) == 9
    assert page == commands("check-and-run-runbooks.zh-CN.md")


def test_an_execution_that_has_ended_is_recorded_by_its_id(cloud: RunningCloud, folder: Path) -> None:
    file, answers = str(folder / "deep" / "good.yml"), str(folder / "past.yml")
    ran = tidegate("oos", "run", file, "--json", "--data-dir", str(cloud.folder)).stdout.splitlines()
    first, last = json.loads(ran[0]), json.loads(ran[-1])

    recorded = tidegate("oos", "record", first["execution"], "--output", answers, "--data-dir", str(cloud.folder))
    replayed = tidegate("oos", "test", file, "--answers", answers, "--json")

    assert (recorded.returncode, recorded.stderr) == (0, f"written: {answers}\n"), recorded.stderr
    told = json.loads(replayed.stdout)
    assert (told["status"], told["outputs"]) == (last["status"], last["outputs"])


def test_a_recorded_run_is_replayed_as_the_page_says(cloud: RunningCloud, tmp_path: Path) -> None:
    (tmp_path / "regions.yml").write_text(RUNBOOK, encoding="utf-8")
    page = [command for command in commands("test-runbooks.md") if "regions.yml" in command]

    recorded, replayed = [
        subprocess.run(
            [sys.executable, "-m", "tidegate", *shlex.split(command)[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src"), "TIDEGATE_DATA_DIR": str(cloud.folder)},
        )
        for command in page
    ]

    assert (recorded.returncode, recorded.stderr) == (0, "written: recorded.yml\n")
    assert replayed.returncode == 0, replayed.stderr
    assert replayed.stdout == recorded.stdout
    assert page == [command for command in commands("test-runbooks.zh-CN.md") if "regions.yml" in command]
