"""The page about notifications does what it says: its commands and its program run as they stand there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from string import Template
from typing import Any

import pytest
from typer.testing import CliRunner

from support.running import ROOT, RunningCloud
from support.sdks import Sdks, eventually, make_group
from tidegate.cli.app import app

PAGES = ROOT / "docs" / "how-to"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    with RunningCloud(tmp_path_factory.mktemp("page") / "cloud", "--hosts", "memory", "--gate", "memory") as running:
        yield running


def test_the_page_works(running: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = running.variables
    sdks = Sdks(
        running.endpoint, variables["ALIBABA_CLOUD_ACCESS_KEY_ID"], variables["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    )
    group = make_group(sdks)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    def call(*words: str) -> dict[str, Any]:
        """Run ``tidegate`` here: starting it a dozen times would be most of the time."""
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, (words, done.output, done.exception)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    known = {"GROUP": group, "ACCOUNT": call("call", "sts", "GetCallerIdentity")["AccountId"]}

    def run(block: str) -> None:
        for line in block.splitlines():
            dollar, program, *words = shlex.split(line)
            assert (dollar, program) == ("$", "tidegate")
            call(*(Template(word).substitute(known) for word in words))

    first, *others = blocks("get-notified.md", "console")
    [program] = blocks("get-notified.md", "python")
    run(first)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    for block in others:
        run(block)

    assert re.fullmatch(r"SCALE_OUT i-\w+ blue\n", done.stdout)

    def states() -> list[str]:
        answer = call("call", "ess", "DescribeScalingInstances", "--ScalingGroupId", group)
        return [one["LifecycleState"] for one in answer["ScalingInstances"]["ScalingInstance"]]

    eventually(states, lambda found: found == ["InService"], "one in service")


def test_both_languages_show_the_same_commands_and_the_same_program() -> None:
    for language in ("console", "python"):
        assert blocks("get-notified.md", language) == blocks("get-notified.zh-CN.md", language)
