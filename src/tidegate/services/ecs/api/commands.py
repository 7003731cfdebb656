"""Operations of Cloud Assistant that keep and run commands (ecs.md 6)."""

from __future__ import annotations

from typing import Any

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.ecs import commands, limits
from tidegate.services.ecs.api.product import Paged, check_page, ecs, region_of
from tidegate.services.ecs.commands import Script, check_parameters, check_repeat, encode_content
from tidegate.services.ecs.service import Ecs
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.store.ecs.commands import Command
from tidegate.wire.shapes import JsonText


class Described(Request):
    """What a command is made of."""

    type: str
    command_content: str
    content_encoding: str | None = None
    name: str | None = None
    description: str | None = None
    working_dir: str | None = None
    timeout: int | None = None
    enable_parameter: bool = False


def _script(request: Described, default_encoding: str) -> Script:
    return commands.script(
        kind=request.type,
        content=request.command_content,
        encoding=request.content_encoding or default_encoding,
        name=request.name,
        description=request.description,
        working_dir=request.working_dir,
        timeout=request.timeout,
        enable_parameter=request.enable_parameter,
    )


class CreateCommandAnswer(Answer):
    """The command that was kept."""

    command_id: str


@ecs.operation("CreateCommand", on=lambda _service, _call, _request: ["command/*"])
async def create_command(service: Ecs, call: Call, request: Described) -> CreateCommandAnswer:
    """Keep a command. Its content is Base64 unless said otherwise."""
    script = _script(request, "Base64")
    return CreateCommandAnswer(await service.assistant.create_command(call.account_id, region_of(call), script))


class RunCommandRequest(Described):
    """A command and where to run it at once."""

    instance_id: list[str] = msgspec.field(default_factory=list)
    parameters: JsonText[dict[str, Any]] | None = None
    username: str = ""
    repeat_mode: str | None = None
    frequency: str | None = None
    keep_command: bool = False


class RunCommandAnswer(Answer):
    """The command and its invocation."""

    command_id: str
    invoke_id: str


@ecs.operation("RunCommand", on=lambda _service, _call, request: [f"instance/{one}" for one in request.instance_id])
async def run_command(service: Ecs, call: Call, request: RunCommandRequest) -> RunCommandAnswer:
    """Run a script on instances. Its content is plain text unless said otherwise."""
    check_repeat(request.repeat_mode, request.frequency)
    command_id, invocation_id = await service.assistant.run(
        call.account_id,
        region_of(call),
        _script(request, "PlainText"),
        request.instance_id,
        parameters=check_parameters(request.parameters or {}),
        username=request.username,
        keep=request.keep_command,
    )
    return RunCommandAnswer(command_id, invocation_id)


class InvokeCommandRequest(Request):
    """A kept command and where to run it."""

    command_id: str
    instance_id: list[str] = msgspec.field(default_factory=list)
    parameters: JsonText[dict[str, Any]] | None = None
    username: str = ""
    repeat_mode: str | None = None
    frequency: str | None = None


class InvokeCommandAnswer(Answer):
    """The invocation."""

    invoke_id: str


@ecs.operation(
    "InvokeCommand",
    on=lambda _service, _call, request: [
        f"command/{request.command_id}",
        *(f"instance/{one}" for one in request.instance_id),
    ],
)
async def invoke_command(service: Ecs, call: Call, request: InvokeCommandRequest) -> InvokeCommandAnswer:
    """Run a kept command on instances."""
    check_repeat(request.repeat_mode, request.frequency)
    invocation_id = await service.assistant.invoke(
        call.account_id,
        region_of(call),
        request.command_id,
        request.instance_id,
        parameters=check_parameters(request.parameters or {}),
        username=request.username,
    )
    return InvokeCommandAnswer(invocation_id)


class StopInvocationRequest(Request):
    """An invocation to be stopped, on some instances or on all."""

    invoke_id: str
    instance_id: list[str] = msgspec.field(default_factory=list)


@ecs.operation("StopInvocation", on=lambda _service, _call, request: [f"instance/{one}" for one in request.instance_id])
async def stop_invocation(service: Ecs, call: Call, request: StopInvocationRequest) -> Done:
    """End the scripts of an invocation."""
    await service.assistant.stop(call.account_id, region_of(call), request.invoke_id, request.instance_id or None)
    return Done()


class DeleteCommandRequest(Request):
    """A command to be forgotten."""

    command_id: str


@ecs.operation("DeleteCommand", on=lambda _service, _call, request: [f"command/{request.command_id}"])
async def delete_command(service: Ecs, call: Call, request: DeleteCommandRequest) -> Done:
    """Forget a kept command."""
    await service.assistant.delete_command(call.account_id, region_of(call), request.command_id)
    return Done()


class DescribeCommandsRequest(Paged):
    """Which commands are wanted."""

    command_id: str | None = None
    name: str | None = None
    type: str | None = None
    content_encoding: str = "Base64"


class ParameterNames(Answer):
    """Names of custom parameters."""

    parameter_name: list[str]


class CommandAnswer(Answer):
    """A kept command."""

    command_id: str
    name: str
    description: str
    type: str
    command_content: str
    working_dir: str
    timeout: int
    enable_parameter: bool
    parameter_names: ParameterNames
    creation_time: str
    provider: str = "User"
    version: int = 1


class CommandList(Answer):
    """Commands."""

    command: list[CommandAnswer]


class DescribeCommandsAnswer(Answer):
    """One page of commands."""

    commands: CommandList
    total_count: int
    page_number: int
    page_size: int


@ecs.operation("DescribeCommands", on=lambda _service, _call, _request: ["command/*"])
async def describe_commands(service: Ecs, call: Call, request: DescribeCommandsRequest) -> DescribeCommandsAnswer:
    """List kept commands."""
    check_page(request, limits.STATUS_PAGE_MAX)
    found, total = await service.assistant.commands(
        call.account_id,
        region_of(call),
        command_id=request.command_id,
        name=request.name,
        kind=request.type,
        number=request.page_number,
        size=request.page_size,
    )
    return DescribeCommandsAnswer(
        commands=CommandList([_command(one, request.content_encoding) for one in found]),
        total_count=total,
        page_number=request.page_number,
        page_size=request.page_size,
    )


def _command(command: Command, encoding: str) -> CommandAnswer:
    names = commands.parameter_names(command.content) if command.enable_parameter else []
    return CommandAnswer(
        command_id=command.id,
        name=command.name,
        description=command.description,
        type=command.type,
        command_content=encode_content(command.content, encoding),
        working_dir=command.working_dir,
        timeout=command.timeout,
        enable_parameter=command.enable_parameter,
        parameter_names=ParameterNames(list(dict.fromkeys(names))),
        creation_time=to_seconds(command.created_at),
    )
