"""Parameter Store: parameters, secret parameters, and references to both while a runbook runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.clouds import Memory, open_memory
from support.runbooks import ACCOUNT, REGION, ROOT, Runbooks
from tidegate.services.oos.api import oos
from tidegate.services.oos.api.histories import ListTaskExecutionsRequest, list_task_executions
from tidegate.services.oos.parameter_store import NewParameter, is_under
from tidegate.services.operation import Call

#: with what is written otherwise in JSON text
SECRET = 'hunter2 "battery"\nstaple\\'


@pytest.fixture
async def cloud(database_dsn: str, tmp_path: Path) -> AsyncIterator[Memory]:
    async with open_memory(database_dsn, tmp_path / "data") as running:
        yield running


async def test_a_parameter_keeps_its_values_by_version(cloud: Memory) -> None:
    made = await cloud.call("oos", "CreateParameter", Name="app/port", Type="String", Value="80", Description="first")
    changed = await cloud.call("oos", "UpdateParameter", Name="app/port", Value="8080")
    newest = await cloud.call("oos", "GetParameter", Name="app/port")
    first = await cloud.call("oos", "GetParameter", Name="app/port", ParameterVersion=1)
    versions = await cloud.call("oos", "ListParameterVersions", Name="app/port")

    assert "Value" not in made["Parameter"] | changed["Parameter"]
    assert made["Parameter"]["Id"].startswith("p-")
    assert (made["Parameter"]["ParameterVersion"], changed["Parameter"]["ParameterVersion"]) == (1, 2)
    assert (newest["Parameter"]["Value"], first["Parameter"]["Value"]) == ("8080", "80")
    assert newest["Parameter"]["Description"] == "first"
    assert [(one["ParameterVersion"], one["Value"]) for one in versions["ParameterVersions"]] == [
        (2, "8080"),
        (1, "80"),
    ]
    assert versions["TotalCount"] == 2


async def test_parameters_are_found_by_name_and_by_path(cloud: Memory) -> None:
    for name in ("app/one", "app/deep/two", "other"):
        await cloud.call("oos", "CreateParameter", Name=name, Type="String", Value=name.upper(), Tags={"of": name[:3]})

    many = await cloud.call("oos", "GetParameters", Names=["other", "nobody", "app/one"])
    below = await cloud.call("oos", "GetParametersByPath", Path="/app")
    deep = await cloud.call("oos", "GetParametersByPath", Path="/app", Recursive=True)
    listed = await cloud.call("oos", "ListParameters", Tags={"of": "app"}, SortOrder="Ascending", MaxResults=1)
    rest = await cloud.call(
        "oos", "ListParameters", Tags={"of": "app"}, SortOrder="Ascending", NextToken=listed["NextToken"]
    )
    await cloud.call("oos", "DeleteParameter", Name="other")

    assert [(one["Name"], one["Value"]) for one in many["Parameters"]] == [("other", "OTHER"), ("app/one", "APP/ONE")]
    assert many["InvalidParameters"] == ["nobody"]
    assert [one["Name"] for one in below["Parameters"]] == ["app/one"]
    assert {one["Name"] for one in deep["Parameters"]} == {"app/one", "app/deep/two"}
    assert [one["Name"] for one in listed["Parameters"] + rest["Parameters"]] == ["app/deep/two", "app/one"]
    assert (listed["TotalCount"], "Value" in listed["Parameters"][0]) == (2, False)
    assert (await cloud.refused("oos", "GetParameter", Name="other")).code == "EntityNotExists.Parameter"


async def test_values_must_keep_to_their_constraints(cloud: Memory) -> None:
    async def refused(action: str = "CreateParameter", **parameters: Any) -> str:
        return (await cloud.refused("oos", action, **{"Type": "String", "Value": "x", **parameters})).code

    await cloud.call(
        "oos",
        "CreateParameter",
        Name="size",
        Type="StringList",
        Value="small,large",
        Constraints='{"AllowedValues": ["small", "large"], "MaxLength": 20}',
    )

    assert await refused(Name="size") == "EntityAlreadyExists.Parameter"
    assert await refused("UpdateParameter", Name="size", Value="small,huge") == "InvalidParameter"
    assert await refused("UpdateParameter", Name="size", Value="small,small,small,large") == "InvalidParameter"
    assert await refused(Name="n", Constraints='{"AllowedPattern": "[0-9]+"}') == "InvalidParameter"
    assert await refused(Name="n", Constraints='{"Surprise": 1}') == "InvalidParameter"
    assert await refused(Name="n", Constraints="no json") == "InvalidParameter"
    assert await refused(Name="n", Value="x" * 4097) == "InvalidParameter"
    assert await refused(Name="n", Type="Secret") == "InvalidParameter"
    for name in ("oos-mine", "ACS", "with space", "n" * 201):
        assert await refused(Name=name) == "InvalidParameter"


async def test_a_secret_is_sealed_and_read_only_on_request(cloud: Memory) -> None:
    await cloud.call("oos", "CreateSecretParameter", Name="db/password", Value=SECRET)
    async with cloud.cloud.database.connection() as connection:
        rows = await connection.fetch("select * from oos_parameter_version")

    closed = await cloud.call("oos", "GetSecretParameter", Name="db/password")
    opened = await cloud.call("oos", "GetSecretParameter", Name="db/password", WithDecryption=True)
    many = await cloud.call("oos", "GetSecretParameters", Names=["db/password"], WithDecryption=True)
    path = await cloud.call("oos", "GetSecretParametersByPath", Path="db", WithDecryption=True)
    versions = await cloud.call("oos", "ListSecretParameterVersions", Name="db/password")

    assert SECRET.encode() not in rows[0]["sealed"]
    assert rows[0]["value"] is None
    assert "Value" not in closed["Parameter"] | versions["ParameterVersions"][0]
    assert opened["Parameter"]["Value"] == SECRET
    assert many["Parameters"][0]["Value"] == path["Parameters"][0]["Value"] == SECRET
    assert opened["Parameter"]["Type"] == "Secret"
    assert (await cloud.refused("oos", "GetParameter", Name="db/password")).code == "EntityNotExists.Parameter"
    await cloud.call("oos", "DeleteSecretParameter", Name="db/password")
    refusal = await cloud.refused("oos", "GetSecretParameter", Name="db/password")
    assert refusal.code == "EntityNotExists.SecretParameter"


@pytest.mark.parametrize(
    ("path", "name", "recursive", "expected"),
    [
        ("/", "a", False, True),
        ("/", "a/b", False, False),
        ("/", "a/b", True, True),
        ("a", "a/b", False, True),
        ("/a/", "/a/b", False, True),
        ("a", "a", True, False),
        ("a", "ab/c", True, False),
    ],
)
def test_a_path_is_made_of_whole_parts(path: str, name: str, recursive: bool, expected: bool) -> None:
    assert is_under(path, name, recursive=recursive) is expected


# ---- references -------------------------------------------------------------------------------------------------------

TEMPLATE = """
FormatVersion: OOS-2019-06-01
Parameters:
  port: {Type: String, Default: '{{ oos:port }}'}
Tasks:
  - Name: look
    Action: ACS::WaitFor
    Properties:
      Service: ecs
      API: DescribeInstances
      Parameters:
        Port: '{{ port }}'
        Zones: '{{ oos:zones }}'
        Password: '{{ oos-secret:password }}'
        Line: {'Fn::Join': ['', ['login=', '{{ oos-secret:password }}']]}
      PropertySelector: .Status
      DesiredValues: [Running]
    Outputs:
      Echo: {Type: String, ValueSelector: .Echo}
Outputs:
  echo: {Type: String, Value: '{{ look.Echo }} {{ oos-secret:password }}'}
"""


def call_of(action: str) -> Call:
    return Call(principal=ROOT, region=REGION, request_id="R", product="oos", action=action, version="2019-06-01")


@pytest.fixture
async def filled(runbooks: Runbooks) -> Runbooks:
    store, call = runbooks.oos.parameter_store, call_of("CreateParameter")
    await store.create(call, NewParameter(name="port", kind="String", value="6379"))
    await store.create(call, NewParameter(name="zones", kind="StringList", value="h,i"))
    await store.create(call, NewParameter(name="password", kind="Secret", value=SECRET))
    return runbooks


async def everything_kept(runbooks: Runbooks) -> str:
    async with runbooks.database.connection() as connection:
        tables = ("oos_execution", "oos_task", "oos_log", "work", "journal", "client_token")
        return str([await connection.fetch(f"select * from {table}") for table in tables])


async def test_references_are_values_to_what_is_called_and_secrets_are_kept_nowhere(filled: Runbooks) -> None:
    filled.cloud.replies["ecs.DescribeInstances"] = [
        {"Status": "Pending", "Echo": ""},
        {"Status": "Running", "Echo": f"you said {SECRET}"},
    ]

    execution_id = await filled.start(TEMPLATE)
    await filled.driver.settle()
    await filled.driver.advance(minutes=2)

    execution = await filled.find(execution_id)
    assert execution.status == "Success"
    asked = {
        "Port": "6379",
        "Zones": ["h", "i"],
        "Password": SECRET,
        "Line": f"login={SECRET}",
    }
    assert [call.parameters for call in filled.cloud.calls] == [asked, asked]
    assert execution.outputs == {"echo": "you said **** ****"}
    request = ListTaskExecutionsRequest(execution_id=execution_id)
    (shown,) = (await list_task_executions(filled.oos, call_of("ListTaskExecutions"), request)).task_executions
    assert '"Password":"****"' in shown.properties
    assert '"Line":"login=****"' in shown.properties
    assert any("****" in line.message for line in await filled.log(execution_id))
    kept = await everything_kept(filled)
    assert "hunter2" not in kept
    assert "staple" not in kept


async def test_references_are_read_with_the_rights_of_the_role(filled: Runbooks) -> None:
    filled.roles.denied.add("oos:GetSecretParameter")

    execution = await filled.run(TEMPLATE)

    assert execution.status == "Failed"
    assert "NoPermission" in execution.status_message
    assert "oos:GetSecretParameter" in execution.status_message
    assert filled.cloud.calls == []


async def test_an_unknown_parameter_fails_the_task_that_needs_it(filled: Runbooks) -> None:
    await filled.oos.parameter_store.delete(call_of("DeleteParameter"), "zones", is_secret=False)

    execution = await filled.run(TEMPLATE)

    assert (execution.status, "EntityNotExists.Parameter" in execution.status_message) == ("Failed", True)


async def test_the_policy_of_a_template_names_what_its_references_need(filled: Runbooks) -> None:
    actions = await filled.oos.actions_of(ACCOUNT, REGION, name=None, version=None, content=TEMPLATE)

    assert list(actions) == ["ecs:DescribeInstances", "oos:GetParameter", "oos:GetSecretParameter"]


async def test_a_default_cannot_hold_a_secret(runbooks: Runbooks) -> None:
    text = TEMPLATE.replace("{{ oos:port }}", "{{ oos-secret:port }}")

    (problem,) = (await runbooks.oos.validate(text)).of("unsupported")

    assert "only tasks and outputs may refer to a secret parameter" in problem.message


def test_all_operations_of_parameter_store_are_served() -> None:
    plain = ("Create{}", "Update{}", "Get{}", "Get{}s", "Get{}sByPath", "List{}s", "List{}Versions", "Delete{}")

    wanted = {form.format(kind) for form in plain for kind in ("Parameter", "SecretParameter")}

    assert wanted <= oos.operations.keys()
