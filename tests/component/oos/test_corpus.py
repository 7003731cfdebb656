"""The cloud's own public templates, unchanged. Their repository is not part of this one: ``TIDEGATE_OOS_TEMPLATES`` names
a clone of it (its git directory or its work tree); without it these tests are skipped."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.runbooks import REGION, ROOT, Runbooks
from tidegate.services.oos.sandbox import Sandbox
from tidegate.services.oos.validation import lint, validate

CLONE = os.environ.get("TIDEGATE_OOS_TEMPLATES", "")
WHITELIST = "PublicTemplates/{form}/ACS-ESS-LifeCycleModifyRedisIPWhitelist.{suffix}"

pytestmark = pytest.mark.skipif(not CLONE, reason="TIDEGATE_OOS_TEMPLATES names no clone of the public templates")


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", "-C", CLONE, *arguments], check=True, capture_output=True).stdout


def texts() -> Iterator[tuple[str, str]]:
    for name in git("ls-tree", "-r", "--name-only", "HEAD").decode().splitlines():
        if Path(name).suffix in (".yml", ".json"):
            yield name, git("show", f"HEAD:{name}").decode()


def test_every_public_template_and_product_action_passes_static_validation() -> None:
    problems = {name: lint(text).problems.sorted() for name, text in texts()}

    assert len(problems) > 900
    assert not {
        name: [str(each) for each in found if each.severity == "error"]
        for name, found in problems.items()
        if any(each.severity == "error" for each in found)
    }


async def test_every_jq_program_and_pattern_of_the_public_templates_compiles() -> None:
    sandbox = Sandbox()
    for name, text in texts():
        if name.endswith(".yml") and name.startswith("PublicTemplates"):
            assert (await validate(text, sandbox)).of("error") == (), name
    await sandbox.close()


@pytest.mark.parametrize(("form", "suffix"), [("YAML", "yml"), ("JSON", "json")])
async def test_the_cloud_s_own_whitelist_template_runs_unchanged(runbooks: Runbooks, form: str, suffix: str) -> None:
    content = git("show", f"HEAD:{WHITELIST.format(form=form, suffix=suffix)}").decode()
    await runbooks.oos.templates.create(ROOT, REGION, "imported", content)
    runbooks.cloud.replies = {
        "ECS.DescribeInstances": {
            "Instances": {
                "Instance": [
                    {
                        "VpcAttributes": {"PrivateIpAddress": {"IpAddress": ["10.0.0.1"]}},
                        "InnerIpAddress": {"IpAddress": []},
                    }
                ]
            }
        },
        "R-KVSTORE.ModifySecurityIps": {},
        "ESS.CompleteLifecycleAction": {},
    }

    execution = await runbooks.run(
        template_name="imported",
        parameters={
            "dbInstanceId": "r-1",
            "modifyMode": "Append",
            "regionId": REGION,
            "instanceIds": ["i-1"],
            "lifecycleHookId": "ash-1",
            "lifecycleActionToken": "TOKEN",
        },
    )

    assert execution.status == "Success"
    assert execution.outputs == {"ipAddresses": ["10.0.0.1"]}
    assert runbooks.cloud.calls[1].parameters["SecurityIps"] == "10.0.0.1"
    assert runbooks.cloud.calls[2].parameters["LifecycleActionResult"] == "CONTINUE"
