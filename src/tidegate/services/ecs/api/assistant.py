"""Operations of Cloud Assistant (ecs.md 6)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.ecs import commands, faults, limits
from tidegate.services.ecs.api.product import Paged, check_page, ecs, region_of
from tidegate.services.ecs.assistant import Report
from tidegate.services.ecs.commands import Script, check_parameters, check_repeat
from tidegate.services.ecs.instances import check_ids
from tidegate.services.ecs.service import Ecs
from tidegate.services.ecs.states import Status
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.store.ecs.commands import Command, Run
from tidegate.wire.shapes import JsonText

#: What the assistant inside an instance says of itself.
_ASSISTANT_VERSION = "2.2.3.999"


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
        command_content=_encoded(command.content, encoding),
        working_dir=command.working_dir,
        timeout=command.timeout,
        enable_parameter=command.enable_parameter,
        parameter_names=ParameterNames(list(dict.fromkeys(names))),
        creation_time=to_seconds(command.created_at),
    )


def _encoded(content: bytes, encoding: str) -> str:
    """Return content as PlainText or as Base64; other words for the encoding are an error."""
    match encoding.lower():
        case "plaintext":
            return content.decode(errors="replace")
        case "base64":
            return base64.b64encode(content).decode()
        case _:
            raise faults.invalid_parameter("ContentEncoding")


class DescribeInvocationsRequest(Paged):
    """Which invocations are wanted."""

    invoke_id: str | None = None
    command_id: str | None = None
    command_name: str | None = None
    command_type: str | None = None
    instance_id: str | None = None
    include_output: bool = False
    content_encoding: str = "Base64"


class InvokeInstance(Answer):
    """An invocation on one instance."""

    instance_id: str
    invocation_status: str
    instance_invoke_status: str
    output: str
    error_code: str
    error_info: str
    repeats: int
    dropped: int
    creation_time: str
    start_time: str
    finish_time: str
    stop_time: str
    update_time: str
    exit_code: int | msgspec.UnsetType = msgspec.UNSET
    timed: bool = False


class InvokeInstances(Answer):
    """An invocation on each of its instances."""

    invoke_instance: list[InvokeInstance]


class InvocationAnswer(Answer):
    """An invocation."""

    invoke_id: str
    command_id: str
    command_name: str
    command_type: str
    command_description: str
    command_content: str
    creation_time: str
    invocation_status: str
    invoke_status: str
    parameters: str
    username: str
    working_dir: str
    timeout: int
    invoke_instances: InvokeInstances
    frequency: str = ""
    timed: bool = False
    repeat_mode: str = "Once"


class InvocationList(Answer):
    """Invocations."""

    invocation: list[InvocationAnswer]


class DescribeInvocationsAnswer(Answer):
    """One page of invocations."""

    invocations: InvocationList
    total_count: int
    page_number: int
    page_size: int


@ecs.operation("DescribeInvocations", on=lambda _service, _call, _request: ["instance/*"])
async def describe_invocations(
    service: Ecs, call: Call, request: DescribeInvocationsRequest
) -> DescribeInvocationsAnswer:
    """List invocations. Nothing is found for ids that are not known."""
    check_page(request, limits.STATUS_PAGE_MAX)
    found, total = await service.assistant.reports(
        call.account_id,
        region_of(call),
        invocation_id=request.invoke_id,
        command_id=request.command_id,
        name=request.command_name,
        kind=request.command_type,
        instance_ids=None if request.instance_id is None else [request.instance_id],
        number=request.page_number,
        size=request.page_size,
    )
    return DescribeInvocationsAnswer(
        invocations=InvocationList([_invocation(one, request) for one in found]),
        total_count=total,
        page_number=request.page_number,
        page_size=request.page_size,
    )


def _invocation(report: Report, request: DescribeInvocationsRequest) -> InvocationAnswer:
    one = report.invocation
    return InvocationAnswer(
        invoke_id=one.id,
        command_id=one.command_id,
        command_name=one.name,
        command_type=one.type,
        command_description=one.description,
        command_content=_encoded(one.content, request.content_encoding),
        creation_time=to_seconds(one.created_at),
        invocation_status=commands.overall([run.status for run in report.runs]),
        invoke_status=commands.delivery([(run.status, run.error_code) for run in report.runs]),
        parameters=msgspec.json.encode(one.parameters).decode(),
        username=one.username or "root",
        working_dir=one.working_dir,
        timeout=one.timeout,
        invoke_instances=InvokeInstances([_invoke_instance(run, one.created_at, request) for run in report.runs]),
    )


def _invoke_instance(run: Run, created_at: datetime, request: DescribeInvocationsRequest) -> InvokeInstance:
    return InvokeInstance(
        instance_id=run.instance_id,
        invocation_status=run.status,
        instance_invoke_status=commands.record(run.status, run.error_code),
        output=_encoded(run.output, request.content_encoding) if request.include_output else "",
        error_code=run.error_code,
        error_info=run.error_info,
        repeats=_repeats(run),
        dropped=run.dropped,
        creation_time=to_seconds(created_at),
        start_time=_moment(run.started_at),
        finish_time=_moment(run.finished_at),
        stop_time=_moment(run.stopped_at),
        update_time=_moment(run.updated_at),
        exit_code=msgspec.UNSET if run.exit_code is None else run.exit_code,
    )


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else to_seconds(moment)


def _repeats(run: Run) -> int:
    return 0 if run.started_at is None else 1


class DescribeInvocationResultsRequest(Paged):
    """Whose results are wanted."""

    invoke_id: str | None = None
    command_id: str | None = None
    instance_id: str | None = None
    content_encoding: str = "Base64"


class InvocationResult(Answer):
    """What a script printed on one instance, and how it ended."""

    invoke_id: str
    command_id: str
    instance_id: str
    invocation_status: str
    invoke_record_status: str
    output: str
    dropped: int
    error_code: str
    error_info: str
    start_time: str
    finished_time: str
    stop_time: str
    repeats: int
    username: str
    exit_code: int | msgspec.UnsetType = msgspec.UNSET


class InvocationResults(Answer):
    """Results."""

    invocation_result: list[InvocationResult]


class InvocationPage(Answer):
    """One page of results; the paging fields really are in here."""

    invocation_results: InvocationResults
    total_count: int
    page_number: int
    page_size: int


class DescribeInvocationResultsAnswer(Answer):
    """Results of invocations."""

    invocation: InvocationPage


@ecs.operation("DescribeInvocationResults", on=lambda _service, _call, _request: ["instance/*"])
async def describe_invocation_results(
    service: Ecs, call: Call, request: DescribeInvocationResultsRequest
) -> DescribeInvocationResultsAnswer:
    """List what scripts printed, run by run."""
    check_page(request, limits.STATUS_PAGE_MAX)
    reports, _ = await service.assistant.reports(
        call.account_id,
        region_of(call),
        invocation_id=request.invoke_id,
        command_id=request.command_id,
        instance_ids=None if request.instance_id is None else [request.instance_id],
        size=limits.PAGE_MAX,
    )
    results = [
        _result(report, run, request.content_encoding)
        for report in reports
        for run in report.runs
        if request.instance_id in (None, run.instance_id)
    ]
    first = (request.page_number - 1) * request.page_size
    return DescribeInvocationResultsAnswer(
        InvocationPage(
            invocation_results=InvocationResults(results[first : first + request.page_size]),
            total_count=len(results),
            page_number=request.page_number,
            page_size=request.page_size,
        )
    )


def _result(report: Report, run: Run, encoding: str) -> InvocationResult:
    return InvocationResult(
        invoke_id=run.invocation_id,
        command_id=report.invocation.command_id,
        instance_id=run.instance_id,
        invocation_status=run.status,
        invoke_record_status=commands.record(run.status, run.error_code),
        output=_encoded(run.output, encoding),
        dropped=run.dropped,
        error_code=run.error_code,
        error_info=run.error_info,
        start_time=_moment(run.started_at),
        finished_time=_moment(run.finished_at),
        stop_time=_moment(run.stopped_at),
        repeats=_repeats(run),
        username=report.invocation.username or "root",
        exit_code=msgspec.UNSET if run.exit_code is None else run.exit_code,
    )


class AboutAssistants(Request):
    """Whose assistant is meant."""

    instance_id: list[str] = msgspec.field(default_factory=list)


class AssistantStatus(Answer):
    """Whether the assistant of an instance works; ``true`` and ``false`` really are texts."""

    instance_id: str
    cloud_assistant_status: str
    cloud_assistant_version: str
    last_heartbeat_time: str
    os_type: str
    support_session_manager: bool = False


class AssistantStatusSet(Answer):
    """Assistants."""

    instance_cloud_assistant_status: list[AssistantStatus]


class DescribeCloudAssistantStatusAnswer(Answer):
    """The assistants of instances."""

    instance_cloud_assistant_status_set: AssistantStatusSet
    total_count: int


@ecs.operation("DescribeCloudAssistantStatus", on=lambda _service, _call, _request: ["instance/*"])
async def describe_cloud_assistant_status(
    service: Ecs, call: Call, request: AboutAssistants
) -> DescribeCloudAssistantStatusAnswer:
    """Say on which instances scripts can run: on all that are running."""
    check_ids(request.instance_id)
    known = await service.instances.known(call.account_id, region_of(call), request.instance_id)
    now = to_seconds(service.now())
    found = [
        AssistantStatus(
            instance_id=one.id,
            cloud_assistant_status="true" if one.status == Status.RUNNING else "false",
            cloud_assistant_version=_ASSISTANT_VERSION,
            last_heartbeat_time=now if one.status == Status.RUNNING else "",
            os_type="Linux",
        )
        for instance_id in request.instance_id
        if (one := known.get(instance_id)) is not None
    ]
    return DescribeCloudAssistantStatusAnswer(AssistantStatusSet(found), len(found))


def _instances(_service: Ecs, _call: Call, request: AboutAssistants) -> Sequence[str]:
    return [f"instance/{one}" for one in request.instance_id]


@ecs.operation("InstallCloudAssistant", on=_instances)
async def install_cloud_assistant(service: Ecs, call: Call, request: AboutAssistants) -> Done:
    """Do nothing: every instance has the assistant."""
    check_ids(request.instance_id)
    known = await service.instances.known(call.account_id, region_of(call), request.instance_id)
    if set(request.instance_id) - known.keys():
        raise faults.not_found("InvalidInstance")
    return Done()
