"""The runbook that keeps the whitelist of a PolarDB cluster: it changes what is not yet as it should be, and only that."""

from __future__ import annotations

import pytest

from support.runbooks import ACCOUNT, REGION, Runbooks

NAME = "ACS-ESS-LifeCycleModifyPolarDBIPWhitelist"


async def test_its_policy_names_what_its_product_action_calls(runbooks: Runbooks) -> None:
    assert list(await runbooks.oos.actions_of(ACCOUNT, REGION, name=NAME, version=None, content=None)) == [
        "ecs:DescribeInstances",
        "polardb:DescribeDBClusterAccessWhitelist",
        "polardb:ModifyDBClusterAccessWhitelist",
        "ess:CompleteLifecycleAction",
    ]


@pytest.mark.parametrize(
    ("mode", "listed", "changed"),
    [
        ("Append", "127.0.0.1", "10.0.0.1,10.0.0.2"),
        ("Append", "127.0.0.1,10.0.0.10,10.0.0.1", "10.0.0.2"),
        ("Append", "10.0.0.2,10.0.0.1", None),
        ("Delete", "127.0.0.1,10.0.0.2,10.0.0.1", "10.0.0.1,10.0.0.2"),
        ("Delete", "127.0.0.1,10.0.0.2", "10.0.0.2"),
        ("Delete", "127.0.0.1,10.0.0.10", None),
    ],
)
async def test_only_what_differs_is_changed(runbooks: Runbooks, mode: str, listed: str, changed: str | None) -> None:
    instances = [
        {"VpcAttributes": {"PrivateIpAddress": {"IpAddress": [address]}}, "InnerIpAddress": {"IpAddress": []}}
        for address in ("10.0.0.1", "10.0.0.2")
    ]
    arrays = [
        {"DBClusterIPArrayName": "other", "SecurityIps": "10.0.0.1,10.0.0.2"},
        {"DBClusterIPArrayName": "default", "SecurityIps": listed},
    ]
    runbooks.cloud.replies = {
        "ECS.DescribeInstances": {"Instances": {"Instance": instances}},
        "POLARDB.DescribeDBClusterAccessWhitelist": {"Items": {"DBClusterIPArray": arrays}},
        "POLARDB.ModifyDBClusterAccessWhitelist": {},
        "ESS.CompleteLifecycleAction": {},
    }

    execution = await runbooks.run(
        template_name=NAME,
        parameters={
            "dbClusterId": "pc-1",
            "modifyMode": mode,
            "regionId": REGION,
            "instanceIds": ["i-1", "i-2"],
            "lifecycleHookId": "ash-1",
            "lifecycleActionToken": "TOKEN",
        },
    )

    assert execution.status == "Success"
    assert execution.outputs == {"ipAddresses": ["10.0.0.1", "10.0.0.2"]}
    changes = [call.parameters for call in runbooks.cloud.calls if call.operation.startswith("POLARDB.Modify")]
    assert sorted(one["SecurityIps"] for one in changes) == (changed.split(",") if changed else [])
    assert {one["ModifyMode"] for one in changes} <= {mode}
    assert runbooks.cloud.calls[-1].parameters["LifecycleActionResult"] == "CONTINUE"
