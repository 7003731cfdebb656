"""Operations of Cloud Assistant that report: invocations, their results, the assistants themselves (ecs.md 6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.ecs import commands, faults, limits
from tidegate.services.ecs.api.product import Paged, check_page, ecs, region_of
from tidegate.services.ecs.assistant import Report
from tidegate.services.ecs.commands import encode_content
from tidegate.services.ecs.instances import check_ids
from tidegate.services.ecs.service import Ecs
from tidegate.services.ecs.states import Status
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.store.ecs.commands import Run

#: What the assistant inside an instance says of itself.
_ASSISTANT_VERSION = "2.2.3.999"


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
        command_content=encode_content(one.content, request.content_encoding),
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
        output=encode_content(run.output, request.content_encoding) if request.include_output else "",
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
        output=encode_content(run.output, encoding),
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
