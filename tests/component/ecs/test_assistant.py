"""Cloud Assistant: commands run inside instances, once, and what is told about them."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import pytest

from support.ecs import ACCOUNT, World, make_world
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.plane.hosts.base import Command, Outcome
from tidegate.reconcile.invocation import InvocationController
from tidegate.store.database import Database

SCRIPT = "echo {{ who }}"


async def run(world: World, *instances: str, **parameters: Any) -> str:
    """Start a script and return the invocation's id."""
    wanted = {"Type": "RunShellScript", "CommandContent": "echo hi", "InstanceId": list(instances), **parameters}
    return str((await world.call("RunCommand", **wanted))["InvokeId"])


async def ended(world: World, invocation: str) -> dict[str, Any]:
    """Let the script end and return the invocation."""
    for _ in range(200):
        await world.settle()
        [shown] = (await world.call("DescribeInvocations", InvokeId=invocation))["Invocations"]["Invocation"]
        if shown["InvocationStatus"] not in ("Pending", "Running", "Stopping"):
            return dict(shown)
        await asyncio.sleep(0.01)
    raise AssertionError("the invocation does not end")


async def results(world: World, invocation: str, **parameters: Any) -> list[dict[str, Any]]:
    answer = await world.call("DescribeInvocationResults", InvokeId=invocation, **parameters)
    return list(answer["Invocation"]["InvocationResults"]["InvocationResult"])


async def test_a_script_runs_in_every_instance_and_its_output_is_kept(world: World) -> None:
    made = await world.launch(2)
    world.hosts.outcome = Outcome(exit_code=0, output=b"hi\n")

    invocation = await run(world, *made, Name="greet", WorkingDir="/srv", Timeout=90)
    shown = await ended(world, invocation)

    assert (shown["InvocationStatus"], shown["InvokeStatus"], shown["CommandName"]) == ("Success", "Finished", "greet")
    assert base64.b64decode(shown["CommandContent"]) == b"echo hi"
    plain = await results(world, invocation, ContentEncoding="PlainText")
    assert [(one["InstanceId"], one["ExitCode"], one["Output"]) for one in plain] == [(one, 0, "hi\n") for one in made]
    assert base64.b64decode((await results(world, invocation))[0]["Output"]) == b"hi\n"
    assert sorted(host for host, _ in world.hosts.scripts) == sorted(made)
    assert {(one.argv[-1], one.directory, one.timeout, one.keep) for _, one in world.hosts.scripts} == {
        ("echo hi", "/srv", 90.0, 24 * 1024)
    }


async def test_a_script_that_a_driver_cannot_make_sense_of_has_failed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(_host_id: str, _command: Command) -> Outcome:
        raise ValueError("a defect of the driver")

    made = await world.launch()
    monkeypatch.setattr(world.hosts, "run", stumble)

    invocation = await run(world, *made)
    await ended(world, invocation)

    [one] = await results(world, invocation)
    assert (one["InvocationStatus"], one["ErrorCode"]) == ("Failed", "ExecutionException")


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Outcome(exit_code=3, output=b""), ("Failed", "Finished", "ExitCodeNonzero", 3)),
        (Outcome(exit_code=None, output=b""), ("Timeout", "Failed", "ExecutionTimeout", None)),
        (Outcome(exit_code=0, output=b"x", dropped=7), ("Success", "Finished", "", 0)),
    ],
)
async def test_an_ending_is_told_in_both_generations_of_words(world: World, outcome: Outcome, expected: Any) -> None:
    made = await world.launch()
    world.hosts.outcome = outcome

    invocation = await run(world, *made)
    await ended(world, invocation)

    [one] = await results(world, invocation)
    told = (one["InvocationStatus"], one["InvokeRecordStatus"], one["ErrorCode"], one.get("ExitCode"))
    assert told == expected
    assert one["Dropped"] == outcome.dropped
    assert bool(one["ErrorInfo"]) == bool(expected[2])


async def test_a_kept_command_is_invoked_with_parameters_and_outlived_by_its_runs(world: World) -> None:
    made = await world.launch()
    content = base64.b64encode(SCRIPT.encode()).decode()
    command = (
        await world.call("CreateCommand", Type="RunShellScript", CommandContent=content, Name="c", EnableParameter=True)
    )["CommandId"]

    invocation = (await world.call("InvokeCommand", CommandId=command, InstanceId=made, Parameters={"Who": "tide"}))[
        "InvokeId"
    ]
    shown = await ended(world, invocation)
    [listed] = (await world.call("DescribeCommands", CommandId=command))["Commands"]["Command"]
    await world.call("DeleteCommand", CommandId=command)

    assert world.hosts.scripts[-1][1].argv[-1] == "echo tide"
    assert shown["Parameters"] == '{"Who":"tide"}'
    assert listed["ParameterNames"] == {"ParameterName": ["who"]}
    assert (await world.call("DescribeCommands"))["TotalCount"] == 0
    assert (await ended(world, invocation))["CommandId"] == command
    with pytest.raises(CloudError, match=r"InvalidCmdId\.NotFound"):
        await world.call("InvokeCommand", CommandId=command, InstanceId=made)


async def test_a_command_of_run_command_is_listed_only_when_kept(world: World) -> None:
    made = await world.launch()

    await run(world, *made, Name="once")
    await run(world, *made, Name="kept", KeepCommand=True)

    listed = (await world.call("DescribeCommands"))["Commands"]["Command"]
    assert [one["Name"] for one in listed] == ["kept"]


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        ({"Type": "RunRubyScript"}, "InvalidCmdType.NotFound", 403),
        ({"Type": "RunBatScript"}, "InvalidInstance.NotMatch", 403),
        ({"InstanceId": ["i-nothing"]}, "InvalidInstance.NotFound", 404),
        ({"InstanceId": []}, "MissingParameter", 400),
        ({"InstanceId": [f"i-{n}" for n in range(51)]}, "InstanceIds.ExceedLimit", 403),
        ({"RepeatMode": "Period"}, "MissingParam.Frequency", 403),
        ({"CommandContent": "?", "ContentEncoding": "Base64"}, "CmdContent.DecodeError", 400),
        ({"CommandContent": None}, "MissingParameter", 400),
        ({"Parameters": '["a"]'}, "InvalidParameter", 400),
    ],
)
async def test_bad_scripts_are_refused(world: World, change: dict[str, Any], code: str, status: int) -> None:
    made = await world.launch()
    good: dict[str, Any] = {"Type": "RunShellScript", "CommandContent": "echo", "InstanceId": made}

    with pytest.raises(CloudError) as refused:
        await world.call("RunCommand", **{**good, **change})

    assert (refused.value.code, refused.value.status) == (code, status)


async def test_an_unknown_invocation_is_an_empty_list_but_cannot_be_stopped(world: World) -> None:
    answer = await world.call("DescribeInvocations", InvokeId="t-nothing")

    assert answer["Invocations"] == {"Invocation": []}
    with pytest.raises(CloudError, match=r"InvalidInvokeId\.NotFound"):
        await world.call("StopInvocation", InvokeId="t-nothing")


@pytest.mark.parametrize(
    ("parameters", "stop", "error"),
    [
        ({}, True, "InstanceNotRunning"),
        ({"Username": "mallory"}, False, "AccountNotExists"),
    ],
)
async def test_why_a_script_could_not_run_is_told(
    world: World, parameters: dict[str, Any], stop: bool, error: str
) -> None:
    made = await world.launch()
    if stop:
        await world.ecs.stop(ACCOUNT, made)
        await world.settle()

    invocation = await run(world, *made, **parameters)
    shown = await ended(world, invocation)

    [one] = shown["InvokeInstances"]["InvokeInstance"]
    assert (one["InvocationStatus"], one["ErrorCode"], shown["InvokeStatus"]) == ("Failed", error, "Failed")


async def test_a_missing_directory_is_told(world: World) -> None:
    made = await world.launch()
    world.hosts.broken.add("run")  # as hosts do for a directory that is not there

    invocation = await run(world, *made, WorkingDir="/nowhere")
    await ended(world, invocation)

    assert (await results(world, invocation))[0]["ErrorCode"] == "DirectoryNotExists"


@pytest.mark.parametrize(
    ("content", "argv", "stdin"),
    [
        ("echo hi", ("sh", "-c", "echo hi"), b""),
        ("#!/usr/bin/python3\nprint()", ("sh", "/usr/bin/python3"), b"#!/usr/bin/python3\nprint()"),
    ],
)
async def test_a_script_goes_to_the_shell_or_through_a_file_to_its_interpreter(
    world: World, content: str, argv: tuple[str, ...], stdin: bytes
) -> None:
    made = await world.launch()

    encoded = base64.b64encode(content.encode()).decode()
    await ended(world, await run(world, *made, CommandContent=encoded, ContentEncoding="Base64"))

    [(_, command)] = world.hosts.scripts
    assert command.argv[-len(argv) :] == argv or (command.argv[0], *command.argv[4:]) == argv
    assert command.stdin == stdin


async def test_a_running_script_is_stopped_on_request(world: World) -> None:
    made = await world.launch()
    world.hosts.hold()
    invocation = await run(world, *made)
    await world.settle()
    [during] = (await world.call("DescribeInvocations", InvokeId=invocation))["Invocations"]["Invocation"]

    await world.call("StopInvocation", InvokeId=invocation)
    shown = await ended(world, invocation)

    assert (during["InvocationStatus"], during["InvokeStatus"]) == ("Running", "Running")
    assert (shown["InvocationStatus"], shown["InvokeStatus"]) == ("Stopped", "Stopped")
    assert (await results(world, invocation))[0]["InvocationStatus"] == "Terminated"


async def test_a_script_that_has_not_begun_is_cancelled(world: World) -> None:
    made = await world.launch()
    invocation = await run(world, *made)

    await world.call("StopInvocation", InvokeId=invocation)
    await world.settle()

    assert (await results(world, invocation))[0]["InvocationStatus"] == "Cancelled"
    assert world.hosts.scripts == []


async def test_a_script_whose_process_died_is_interrupted_and_never_run_again(world: World) -> None:
    made = await world.launch()
    world.hosts.hold()
    invocation = await run(world, *made)
    await world.settle()
    for _ in range(100):
        if world.hosts.calls["run"]:
            break
        await asyncio.sleep(0.01)
    await world.invocations.close()
    successor = InvocationController(world.database, world.hosts, world.clock, Ids(seed=2), patience=15)
    world.driver.node._controllers = {"invocation": successor}

    await world.driver.advance(seconds=5)
    [early] = await results(world, invocation)
    await world.driver.advance(seconds=15)
    [late] = await results(world, invocation)

    assert early["InvocationStatus"] == "Running"
    assert (late["InvocationStatus"], late["ErrorCode"]) == ("Failed", "ExecutionInterrupted")
    assert world.hosts.calls["run"] == 1


async def test_a_second_process_leaves_a_living_ones_script_alone(
    database: Database, clock: AdjustableClock, ids: Ids
) -> None:
    world = make_world(database, clock, ids)
    made = await world.launch()
    world.hosts.hold()
    invocation = await run(world, *made)
    await world.settle()
    other = InvocationController(database, world.hosts, clock, Ids(seed=2), patience=15)
    world.driver.node._controllers = {"invocation": other}
    async with database.transaction() as tx:
        await tx.execute("update work set due_at = now() where kind = 'invocation'")
    await world.settle()
    world.hosts.go_on()

    world.driver.node._controllers = {"invocation": world.invocations}
    shown = await ended(world, invocation)

    assert shown["InvocationStatus"] == "Success"
    assert world.hosts.calls["run"] == 1


async def test_the_assistant_answers_where_the_instance_runs(world: World) -> None:
    running, stopped = await world.launch(2)
    await world.ecs.stop(ACCOUNT, [stopped])
    await world.settle()

    answer = await world.call("DescribeCloudAssistantStatus", InstanceId=[running, stopped, "i-nothing"])

    told = answer["InstanceCloudAssistantStatusSet"]["InstanceCloudAssistantStatus"]
    assert [(one["InstanceId"], one["CloudAssistantStatus"]) for one in told] == [(running, "true"), (stopped, "false")]
    await world.call("InstallCloudAssistant", InstanceId=[running])
    with pytest.raises(CloudError, match=r"InvalidInstance\.NotFound"):
        await world.call("InstallCloudAssistant", InstanceId=["i-nothing"])


async def test_a_script_on_an_instance_released_meanwhile_is_told_so(world: World) -> None:
    made = await world.launch()
    invocation = await run(world, *made)
    await world.ecs.release(ACCOUNT, made)
    world.driver.node._controllers = {k: v for k, v in world.driver.node._controllers.items() if k == "instances"}
    await world.settle()

    world.driver.node._controllers = {"invocation": world.invocations}
    await world.driver.advance(seconds=60)
    await ended(world, invocation)

    assert (await results(world, invocation))[0]["ErrorCode"] == "InstanceReleased"
