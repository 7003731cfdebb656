"""The public Redis whitelist template, on every path (oos.md 11)."""

from __future__ import annotations

import pytest

from support.runbooks import ACCOUNT, REGION, SERVICE, Runbooks
from tidegate.errors import CloudError

NAME = "ACS-ESS-LifeCycleModifyRedisIPWhitelist"
FILLED = {
    "dbInstanceId": "r-1",
    "modifyMode": "Append",
    "regionId": REGION,
    "instanceIds": ["i-1", "i-2"],
    "lifecycleHookId": "ash-1",
    "lifecycleActionToken": "TOKEN",
}
DENIED = CloudError(
    "Forbidden.RAM",
    "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
    403,
)


def instance(*private: str, inner: tuple[str, ...] = ()) -> dict[str, object]:
    return {
        "VpcAttributes": {"PrivateIpAddress": {"IpAddress": list(private)}},
        "InnerIpAddress": {"IpAddress": list(inner)},
    }


def script(runbooks: Runbooks, **replies: object) -> None:
    runbooks.cloud.replies = {
        "ECS.DescribeInstances": {
            "Instances": {"Instance": [instance("10.0.0.1"), instance("10.0.0.2", inner=("11.0.0.2",))]}
        },
        "R-KVSTORE.ModifySecurityIps": {},
        "ESS.CompleteLifecycleAction": {},
        **{name.replace("__", ".").replace("R_KVSTORE", "R-KVSTORE"): reply for name, reply in replies.items()},
    }


async def test_the_good_path_lists_the_addresses_and_lets_the_activity_go_on(runbooks: Runbooks) -> None:
    script(runbooks)

    execution = await runbooks.run(template_name=NAME, parameters=FILLED)

    assert execution.status == "Success"
    assert execution.status_message == ""
    assert execution.outputs == {"ipAddresses": ["10.0.0.1", "10.0.0.2", "11.0.0.2"]}
    assert await runbooks.path(execution.id) == [
        "getInstanceIpAddress:Success",
        "modifySecurityIps:Success",
        "CompleteLifecycleActionForContinue:Success",
    ]
    describe, modify, complete = runbooks.cloud.calls
    assert describe.parameters == {"RegionId": REGION, "InstanceIds": ["i-1", "i-2"]}
    assert modify.operation == "R-KVSTORE.ModifySecurityIps"
    assert modify.parameters == {
        "RegionId": REGION,
        "ModifyMode": "Append",
        "InstanceId": "r-1",
        "SecurityIps": "10.0.0.1,10.0.0.2,11.0.0.2",
        "ClientToken": f"{execution.id}:t0002",
    }
    assert complete.parameters["LifecycleActionResult"] == "CONTINUE"
    assert {call.principal.name for call in runbooks.cloud.calls} == {"OOSServiceRole"}


async def test_a_denied_first_call_abandons_and_names_the_denial(runbooks: Runbooks) -> None:
    script(runbooks, ECS__DescribeInstances=DENIED)

    execution = await runbooks.run(template_name=NAME, parameters=FILLED)

    assert execution.status == "Failed"
    assert execution.status_message == (
        "Forbidden.RAM message: User not authorized to operate on the specified resource, or this API doesn't support RAM."
    )
    assert execution.outputs == {"ipAddresses": None}
    assert await runbooks.path(execution.id) == [
        "getInstanceIpAddress:Failed",
        "CompleteLifecycleActionForAbandon:Success",
    ]
    assert runbooks.cloud.calls[-1].parameters["LifecycleActionResult"] == "ABANDON"


async def test_a_denied_second_call_abandons_and_keeps_the_output_of_the_first(runbooks: Runbooks) -> None:
    script(runbooks, R_KVSTORE__ModifySecurityIps=DENIED)

    execution = await runbooks.run(template_name=NAME, parameters=FILLED)

    assert execution.status == "Failed"
    assert execution.outputs == {"ipAddresses": ["10.0.0.1", "10.0.0.2", "11.0.0.2"]}
    assert await runbooks.path(execution.id) == [
        "getInstanceIpAddress:Success",
        "modifySecurityIps:Failed",
        "CompleteLifecycleActionForAbandon:Success",
    ]


async def test_a_hook_that_timed_out_fails_the_execution_at_its_last_call(runbooks: Runbooks) -> None:
    late = CloudError("LifecycleHookIdAndLifecycleActionToken.Invalid", "The token is no longer valid.")
    script(runbooks, ESS__CompleteLifecycleAction=late)

    execution = await runbooks.run(template_name=NAME, parameters=FILLED)

    assert execution.status == "Failed"
    assert execution.status_message.startswith("LifecycleHookIdAndLifecycleActionToken.Invalid message: ")
    assert runbooks.cloud.operations()[-1] == "ESS.CompleteLifecycleAction"
    assert any(
        "LifecycleHookIdAndLifecycleActionToken.Invalid" in line.message for line in await runbooks.log(execution.id)
    )


async def test_an_instance_without_addresses_takes_the_error_path(runbooks: Runbooks) -> None:
    script(runbooks, ECS__DescribeInstances={"Instances": {"Instance": [{"InstanceId": "i-1"}]}})

    execution = await runbooks.run(template_name=NAME, parameters=FILLED)

    assert (await runbooks.path(execution.id))[0] == "getInstanceIpAddress:Failed"
    assert "the output Ips cannot be selected" in execution.status_message


async def test_a_service_may_start_it_without_the_role_and_the_first_call_says_what_is_missing(
    runbooks: Runbooks,
) -> None:
    script(runbooks)
    runbooks.roles.trusted.clear()

    execution = await runbooks.run(template_name=NAME, parameters=FILLED, principal=SERVICE)

    assert execution.status == "Failed"
    assert execution.status_message.startswith("AssumeRoleNotExist message: The RAM role OOSServiceRole ")
    assert runbooks.cloud.calls == []


async def test_a_user_is_told_of_a_missing_role_at_once(runbooks: Runbooks) -> None:
    with pytest.raises(CloudError, match="OOSServiceRole2") as raised:
        await runbooks.start(template_name=NAME, parameters={**FILLED, "OOSAssumeRole": "OOSServiceRole2"})

    assert raised.value.code == "AssumeRoleNotExist"


async def test_auto_scaling_reads_the_defaults_it_fills_in(runbooks: Runbooks) -> None:
    defaults = await runbooks.oos.template_defaults(ACCOUNT, REGION, NAME)

    assert defaults is not None
    assert defaults["instanceIds"] == ["${instanceIds}"]
    assert defaults["lifecycleActionToken"] == "${lifecycleActionToken}"
