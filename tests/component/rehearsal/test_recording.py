"""Runbooks recorded on a whole cloud, and replayed without it to the same end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.clouds import REGION, Memory, open_memory
from support.templates import write
from tidegate.rehearsal import rehearse
from tidegate.rehearsal.answers import read_answers
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
    assert [(call.operation, call.parameters) for call in replayed.calls] == [
        (call.operation, call.parameters) for call in run.calls
    ]
    assert run.execution_id == replayed.execution_id


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
