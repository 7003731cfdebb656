"""``ACS::SelectTargets``: what each filter asks the cloud for, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from support.runbooks import Runbooks
from support.templates import write

ECS = [{"InstanceId": f"i-{number}", "Status": "Running"} for number in range(3)]


def runbook(filters: Any, kind: str = "ALIYUN::ECS::Instance") -> str:
    task = {
        "Name": "select",
        "Action": "ACS::SelectTargets",
        "Properties": {"ResourceType": kind, "RegionId": "cn-beijing", "Filters": ["{{ targets }}"]},
        "Outputs": {"ids": {"Type": "List", "ValueSelector": "[..|.InstanceId?]|map(strings)|.[]"}},
    }
    return write(
        RamRole="",
        Parameters={"targets": {"Type": "Json", "Default": filters}},
        Tasks=[task],
        Outputs={"ids": {"Type": "List", "Value": "{{ select.ids }}"}},
    )


def instances(parameters: Mapping[str, Any]) -> dict[str, Any]:
    wanted = parameters.get("InstanceIds")
    return {"Instances": {"Instance": [one for one in ECS if wanted is None or one["InstanceId"] in wanted]}}


@pytest.mark.parametrize(
    ("filters", "asked", "found"),
    [
        ({"Type": "ResourceIds", "ResourceIds": ["i-2", "i-9"]}, {"InstanceIds": ["i-2", "i-9"]}, ["i-2"]),
        ({"Type": "resourceids", "ResourceIds": '["i-1"]'}, {"InstanceIds": ["i-1"]}, ["i-1"]),
        ({"Type": "Tags", "Tags": [{"Key": "a", "Value": "b"}]}, {"Tag": [{"Key": "a", "Value": "b"}]}, None),
        ({"Type": "ResourceGroup", "ResourceGroupId": "rg-1"}, {"ResourceGroupId": "rg-1"}, None),
        ({"Type": "All"}, {}, None),
    ],
)
async def test_a_filter_becomes_a_call_of_the_list_operation(
    runbooks: Runbooks, filters: Any, asked: Any, found: list[str] | None
) -> None:
    runbooks.cloud.replies = {"ECS.DescribeInstances": instances}

    execution = await runbooks.run(runbook(filters))

    assert execution.outputs == {"ids": found if found is not None else ["i-0", "i-1", "i-2"]}
    assert runbooks.cloud.calls[0].parameters == {"RegionId": "cn-beijing", **asked}


async def test_the_region_of_the_filter_is_stronger(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"ECS.DescribeInstances": instances}

    await runbooks.run(runbook({"Type": "All", "RegionId": "cn-shanghai"}))

    assert runbooks.cloud.calls[0].region == "cn-shanghai"


async def test_no_identifiers_select_nothing_and_ask_nobody(runbooks: Runbooks) -> None:
    execution = await runbooks.run(runbook({"Type": "ResourceIds", "ResourceIds": []}))

    assert (execution.status, execution.outputs, runbooks.cloud.calls) == ("Success", {"ids": []}, [])


async def test_many_identifiers_are_asked_for_a_hundred_at_a_time(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {
        "ECS.DescribeInstances": lambda parameters: {
            "Instances": {"Instance": [{"InstanceId": one} for one in parameters["InstanceIds"]]}
        }
    }
    ids = [f"i-{number}" for number in range(250)]

    execution = await runbooks.run(runbook({"Type": "ResourceIds", "ResourceIds": ids}))

    assert execution.outputs == {"ids": ids}
    assert len(runbooks.cloud.calls) == 3


async def test_databases_are_found_by_their_own_operations(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {
        "RDS.DescribeDBInstances": {"Items": {"DBInstance": [{"DBInstanceId": "rm-1"}, {"DBInstanceId": "rm-2"}]}}
    }

    execution = await runbooks.run(runbook({"Type": "ResourceIds", "ResourceIds": ["rm-2"]}, "ALIYUN::RDS::Instance"))

    assert execution.outputs == {"ids": ["rm-2"]}


@pytest.mark.parametrize(
    ("filters", "kind", "message"),
    [
        ({"Type": "Colour"}, "ALIYUN::ECS::Instance", "a filter's Type is"),
        ([], "ALIYUN::ECS::Instance", "Filters must be a list of one filter"),
        ({"Type": "All"}, "ALIYUN::Moon::Base", "ALIYUN::Moon::Base are not supported"),
    ],
)
async def test_what_cannot_be_selected_says_so(runbooks: Runbooks, filters: Any, kind: str, message: str) -> None:
    execution = await runbooks.run(runbook(filters, kind))

    assert execution.status == "Failed"
    assert message in execution.status_message
