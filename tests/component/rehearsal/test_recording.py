"""Runbooks recorded on a whole cloud, and replayed without it to the same end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.clouds import REGION, Memory, open_memory
from support.templates import write
from tidegate.rehearsal import RehearsalError, rehearse
from tidegate.rehearsal.answers import read_answers
from tidegate.rehearsal.reconstruction import reconstruct
from tidegate.rehearsal.recording import Recording, record
from tidegate.services.oos.catalog import Catalog


@pytest.fixture
async def cloud(database_dsn: str, tmp_path: Path) -> AsyncIterator[Memory]:
    async with open_memory(database_dsn, tmp_path / "data") as running:
        yield running


def api(
    name: str, service: str, operation: str, parameters: dict[str, Any] | None = None, **keys: Any
) -> dict[str, Any]:
    properties = {"Service": service, "API": operation, "Parameters": parameters or {}}
    return {"Name": name, "Action": "ACS::ExecuteAPI", "Properties": properties, **keys}


async def recorded(cloud: Memory, template: str, **options: Any) -> tuple[Recording, str]:
    parameters = options.pop("parameters", {})
    recording = await record(template, parameters, cloud.caller, region=REGION, catalog=Catalog(), **options)
    return recording, yaml.safe_dump(recording.document, sort_keys=False, allow_unicode=True)


async def test_a_recorded_run_is_replayed_to_the_same_end(cloud: Memory) -> None:
    template = write(
        Parameters={"names": {"Type": "List"}},
        Tasks=[
            api("regions", "ecs", "DescribeRegions", Outputs={"n": {"ValueSelector": ".Regions.Region | length"}}),
            api(
                "make",
                "vpc",
                "CreateVpc",
                {"VpcName": "{{ ACS::TaskLoopItem }}-{{ ACS::ExecutionId }}"},
                Outputs={"id": {"ValueSelector": "VpcId"}},
                Loop={
                    "Items": "{{ names }}",
                    "RateControl": {"Mode": "Concurrency", "Concurrency": 10, "MaxErrors": 0},
                    "Outputs": {"ids": {"AggregateType": "Fn::ListJoin", "AggregateField": "id"}},
                },
            ),
            {"Name": "pause", "Action": "ACS::Pause"},
            {"Name": "rest", "Action": "ACS::Sleep", "Properties": {"Duration": "PT1S"}},
            api("lost", "ecs", "StopInstance", {"InstanceId": "i-nowhere"}, OnError="ACS::END"),
        ],
        Outputs={"ids": {"Type": "List", "Value": "{{ make.ids }}"}},
    )

    recording, file = await recorded(cloud, template, parameters={"names": ["a", "b"]}, approve=True)
    replayed = await rehearse(template, read_answers(file))

    run = recording.report
    assert recording.differs == ""
    assert (run.status, run.message.partition(" ")[0]) == ("Failed", "InvalidInstanceId.NotFound")
    assert len(set(run.outputs["ids"])) == 2
    assert (replayed.status, replayed.message, replayed.outputs) == (run.status, run.message, run.outputs)
    # The items of a loop call side by side, so their order is the cloud's.
    assert sorted(map(str, replayed.calls)) == sorted(map(str, run.calls))
    assert run.execution_id == replayed.execution_id


async def started(cloud: Memory, template: str, parameters: dict[str, Any]) -> str:
    """Run a template on the cloud itself, to its end."""
    asked = {"TemplateContent": template, "Parameters": json.dumps(parameters)}
    execution_id: str = (await cloud.call("oos", "StartExecution", **asked))["Execution"]["ExecutionId"]
    async with asyncio.timeout(20):
        while True:
            found = (await cloud.call("oos", "ListExecutions", ExecutionId=execution_id))["Executions"][0]
            if found["Status"] in ("Success", "Failed", "Cancelled"):
                return execution_id
            if found["Status"] == "Waiting":
                await cloud.call("oos", "NotifyExecution", ExecutionId=execution_id, NotifyType="Approve")
            await asyncio.sleep(0.02)


async def test_an_execution_that_has_ended_is_replayed_from_what_oos_tells_of_it(cloud: Memory) -> None:
    await cloud.call("oos", "CreateParameter", Name="app/name", Type="String", Value="stored")
    template = write(
        RamRole="",
        Parameters={"names": {"Type": "List"}, "password": {"Type": "String", "NoEcho": True}},
        Tasks=[
            api(
                "regions",
                "ecs",
                "DescribeRegions",
                Outputs={
                    "ids": {"Type": "List", "ValueSelector": "Regions.Region[].RegionId"},
                    "names": {"Type": "List", "ValueSelector": ".Regions.Region[].LocalName"},
                    "count": {"Type": "Number", "ValueSelector": ".Regions.Region | length"},
                },
            ),
            api(
                "make",
                "vpc",
                "CreateVpc",
                {"VpcName": "{{ ACS::TaskLoopItem }}-{{ oos:app/name }}-{{ password }}"},
                Outputs={"id": {"ValueSelector": "VpcId"}},
                Loop={
                    "Items": "{{ names }}",
                    "RateControl": {"Mode": "Concurrency", "Concurrency": 10, "MaxErrors": 0},
                    "Outputs": {"ids": {"AggregateType": "Fn::ListJoin", "AggregateField": "id"}},
                },
            ),
            {"Name": "pause", "Action": "ACS::Pause"},
            {
                "Name": "wait",
                "Action": "ACS::WaitFor",
                "Properties": {
                    "Service": "vpc",
                    "API": "DescribeVpcs",
                    "PropertySelector": "Vpcs.Vpc[].Status",
                    "DesiredValues": ["Available"],
                },
                "Outputs": {"first": {"ValueSelector": "Vpcs.Vpc[].VpcName"}},
            },
            api("lost", "ecs", "StopInstance", {"InstanceId": "i-nowhere"}, OnError="never"),
            api("skipped", "ecs", "DescribeZones"),
            {"Name": "never", "Action": "ACS::ECS::StopInstance", "Properties": {"instanceId": "i-lost"}},
        ],
        Outputs={
            "ids": {"Type": "List", "Value": "{{ make.ids }}"},
            "regions": {"Type": "List", "Value": ["{{ regions.ids }}", "{{ regions.names }}", "{{ regions.count }}"]},
            "first": {"Type": "String", "Value": "{{ wait.first }}"},
        },
    )
    execution_id = await started(cloud, template, {"names": ["a", "b"], "password": "Typed7secret"})

    recording = await reconstruct(execution_id, cloud.caller, region=REGION, catalog=Catalog())

    assert recording.differs == ""
    file = yaml.safe_dump(recording.document, sort_keys=False, allow_unicode=True)
    replayed = await rehearse(template, read_answers(file))
    listed = (await cloud.call("oos", "ListExecutions", ExecutionId=execution_id))["Executions"][0]
    assert (replayed.status, replayed.message) == (listed["Status"], listed["StatusMessage"])
    assert replayed.outputs == json.loads(listed["Outputs"])
    assert replayed.path() == [
        "regions:Success",
        "make:Success",
        "pause:Success",
        "wait:Success",
        "lost:Failed",
        "never:Failed",
    ]
    assert "Typed7secret" not in file
    assert recording.document["Decisions"] == ["Approve"]


async def test_an_execution_that_cannot_be_replayed_says_so(cloud: Memory) -> None:
    look = api(
        "look",
        "ecs",
        "DescribeRegions",
        Outputs={"odd": {"Type": "Json", "ValueSelector": "[.Regions.Region[] | {(.RegionId): .LocalName}] | add"}},
    )
    template = write(RamRole="", Tasks=[look], Outputs={"odd": {"Type": "Json", "Value": "{{ look.odd }}"}})
    execution_id = await started(cloud, template, {})

    recording = await reconstruct(execution_id, cloud.caller, region=REGION, catalog=Catalog())

    assert "no answer was found of which these outputs are selected: look.odd" in recording.differs
    with pytest.raises(RehearsalError, match="there is no execution exec-nothing"):
        await reconstruct("exec-nothing", cloud.caller, region=REGION, catalog=Catalog())


async def test_secrets_of_every_kind_stay_out_of_the_file(cloud: Memory) -> None:
    await cloud.call("oos", "CreateParameter", Name="app/port", Type="String", Value="6379")
    await cloud.call("oos", "CreateSecretParameter", Name="app/key", Value="Stored7secret")
    await cloud.call("ram", "CreateUser", UserName="tide")
    template = write(
        Parameters={"password": {"Type": "String", "NoEcho": True}},
        Tasks=[
            api(
                "key",
                "ram",
                "CreateAccessKey",
                {"UserName": "tide"},
                Outputs={"id": {"ValueSelector": "AccessKey.AccessKeyId"}},
            ),
            api(
                "keep",
                "oos",
                "CreateParameter",
                {
                    "Name": "copy",
                    "Type": "String",
                    "Value": "{{ oos:app/port }}",
                    "Description": {"Fn::Join": ["", ["{{ password }}", "{{ oos-secret:app/key }}"]]},
                },
                Outputs={"text": {"ValueSelector": "Parameter.Description"}},
            ),
        ],
        Outputs={"text": {"Type": "String", "Value": "{{ keep.text }}"}},
    )

    recording, file = await recorded(cloud, template, parameters={"password": "Typed7secret"})

    assert recording.report.succeeded, recording.report.message
    assert recording.differs == ""
    kept = await cloud.call("ram", "ListAccessKeys", UserName="tide")
    assert kept["AccessKeys"]["AccessKey"][0]["AccessKeyId"] in file
    document = yaml.safe_load(file)
    assert document["Parameters"] == {"password": "******"}
    assert (document["Store"], document["Secrets"]) == ({"app/port": "6379"}, {"app/key": "******"})
    assert document["ram.CreateAccessKey"]["AccessKey"]["AccessKeySecret"] == "******"
    for secret in ("Typed7secret", "Stored7secret"):
        assert secret not in file + recording.report.as_json()
