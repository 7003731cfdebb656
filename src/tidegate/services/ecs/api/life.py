"""Operations that start, stop, reboot, release and change instances (ecs.md 4, 11)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tidegate.errors import CloudError
from tidegate.services.ecs import faults, limits
from tidegate.services.ecs.api.describing import OneInstance
from tidegate.services.ecs.api.product import ecs, region_of
from tidegate.services.ecs.instances import Change, check_ids
from tidegate.services.ecs.model import (
    check_names,
    check_password,
    check_user_data,
    decode_user_data,
    refusal,
    release_refusal,
)
from tidegate.services.ecs.service import Ecs
from tidegate.services.ecs.states import Event
from tidegate.services.operation import Answer, Call, Done, Request, invalid_parameter
from tidegate.store.ecs.instances import Instance


class ChangeOne(OneInstance):
    """A change of one instance."""

    dry_run: bool = False
    force_stop: bool = False


class ChangeMany(Request):
    """A change of up to a hundred instances."""

    instance_id: list[str] = msgspec.field(default_factory=list)
    batch_optimization: str = "AllTogether"
    dry_run: bool = False
    force_stop: bool = False


class InstanceResponse(Answer):
    """What became of one instance in a call about many."""

    instance_id: str
    previous_status: str
    current_status: str
    code: str
    message: str


class InstanceResponses(Answer):
    """What became of each instance."""

    instance_response: list[InstanceResponse]


class ChangeManyAnswer(Answer):
    """What became of the instances."""

    instance_responses: InstanceResponses


def _one(_service: Ecs, _call: Call, request: OneInstance) -> Sequence[str]:
    return [f"instance/{request.instance_id}"]


def _many(_service: Ecs, _call: Call, request: ChangeMany | DeleteInstancesRequest) -> Sequence[str]:
    return [f"instance/{one}" for one in request.instance_id]


_STOPPED_MODES = ("KeepCharging", "StopCharging")


def _stopped_mode(mode: str | None) -> str:
    if mode is None:
        return "KeepCharging"
    if mode not in _STOPPED_MODES:
        raise invalid_parameter("StoppedMode")
    return mode


def _by_status(event: Event) -> Callable[[Instance], CloudError | None]:
    return lambda instance: refusal(instance, event)


async def _change_one(
    service: Ecs, call: Call, request: ChangeOne, event: Event, stopped_mode: str | None = None
) -> Done:
    await service.instances.ask(
        call.account_id,
        [request.instance_id],
        event,
        _by_status(event),
        stopped_mode=stopped_mode,
        dry_run=request.dry_run,
    )
    return Done()


async def _change_many(
    service: Ecs, call: Call, request: ChangeMany, event: Event, stopped_mode: str | None = None
) -> ChangeManyAnswer:
    region_of(call)
    check_ids(request.instance_id)
    if request.batch_optimization not in ("AllTogether", "SuccessFirst"):
        raise invalid_parameter("BatchOptimization")
    changes = await service.instances.ask(
        call.account_id,
        list(dict.fromkeys(request.instance_id)),
        event,
        _by_status(event),
        all_or_none=request.batch_optimization == "AllTogether",
        stopped_mode=stopped_mode,
        dry_run=request.dry_run,
    )
    return ChangeManyAnswer(InstanceResponses([_response(one) for one in changes]))


def _response(change: Change) -> InstanceResponse:
    refused = change.refused
    return InstanceResponse(
        instance_id=change.id,
        previous_status=change.before,
        current_status=change.after,
        code="200" if refused is None else refused.code,
        message="Success" if refused is None else refused.message,
    )


@ecs.operation("StartInstance", on=_one)
async def start_instance(service: Ecs, call: Call, request: ChangeOne) -> Done:
    """Start a stopped instance."""
    return await _change_one(service, call, request, Event.START, "Not-applicable")


@ecs.operation("StartInstances", on=_many)
async def start_instances(service: Ecs, call: Call, request: ChangeMany) -> ChangeManyAnswer:
    """Start stopped instances."""
    return await _change_many(service, call, request, Event.START, "Not-applicable")


class StopInstanceRequest(ChangeOne):
    """An instance to be stopped."""

    stopped_mode: str | None = None


class StopInstancesRequest(ChangeMany):
    """Instances to be stopped."""

    stopped_mode: str | None = None


@ecs.operation("StopInstance", on=_one)
async def stop_instance(service: Ecs, call: Call, request: StopInstanceRequest) -> Done:
    """Stop a running instance."""
    return await _change_one(service, call, request, Event.STOP, _stopped_mode(request.stopped_mode))


@ecs.operation("StopInstances", on=_many)
async def stop_instances(service: Ecs, call: Call, request: StopInstancesRequest) -> ChangeManyAnswer:
    """Stop running instances."""
    return await _change_many(service, call, request, Event.STOP, _stopped_mode(request.stopped_mode))


@ecs.operation("RebootInstance", on=_one)
async def reboot_instance(service: Ecs, call: Call, request: ChangeOne) -> Done:
    """Stop a running instance and start it again."""
    return await _change_one(service, call, request, Event.REBOOT)


@ecs.operation("RebootInstances", on=_many)
async def reboot_instances(service: Ecs, call: Call, request: ChangeMany) -> ChangeManyAnswer:
    """Stop running instances and start them again."""
    return await _change_many(service, call, request, Event.REBOOT)


class DeleteInstanceRequest(OneInstance):
    """An instance to be released."""

    force: bool = False
    terminate_subscription: bool = False
    dry_run: bool = False


class DeleteInstancesRequest(Request):
    """Instances to be released."""

    instance_id: list[str] = msgspec.field(default_factory=list)
    force: bool = False
    terminate_subscription: bool = False
    dry_run: bool = False


@ecs.operation("DeleteInstance", on=_one)
async def delete_instance(service: Ecs, call: Call, request: DeleteInstanceRequest) -> Done:
    """Release an instance."""
    return await _release(service, call, [request.instance_id], request)


@ecs.operation("DeleteInstances", on=_many)
async def delete_instances(service: Ecs, call: Call, request: DeleteInstancesRequest) -> Done:
    """Release instances, all or none."""
    region_of(call)
    check_ids(request.instance_id)
    return await _release(service, call, list(dict.fromkeys(request.instance_id)), request)


async def _release(
    service: Ecs, call: Call, ids: Sequence[str], request: DeleteInstanceRequest | DeleteInstancesRequest
) -> Done:
    await service.instances.ask(
        call.account_id,
        ids,
        Event.RELEASE,
        lambda instance: release_refusal(
            instance, force=request.force, terminate_subscription=request.terminate_subscription
        ),
        dry_run=request.dry_run,
    )
    return Done()


class ModifyInstanceAttributeRequest(OneInstance):
    """What of an instance is to change; None leaves it as it is."""

    instance_name: str | None = None
    host_name: str | None = None
    description: str | None = None
    password: str | None = None
    user_data: str | None = None
    security_group_ids: list[str] = msgspec.field(default_factory=list)
    deletion_protection: bool | None = None
    credit_specification: str | None = None


@ecs.operation("ModifyInstanceAttribute", on=_one)
async def modify_instance_attribute(service: Ecs, call: Call, request: ModifyInstanceAttributeRequest) -> Done:
    """Change an instance. Host name and user data are used when its machine is made anew."""
    check_names(request.instance_name, request.host_name, request.description)
    check_password(request.password)
    if len(request.security_group_ids) > limits.SECURITY_GROUPS_PER_INSTANCE:
        raise faults.invalid_parameter("SecurityGroupIds")
    if request.credit_specification not in (None, "Standard", "Unlimited"):
        raise faults.invalid_parameter("CreditSpecification")
    user_data = None if request.user_data is None else decode_user_data(request.user_data)
    check_user_data(user_data or b"")
    wanted: dict[str, Any] = {
        "name": request.instance_name,
        "host_name": request.host_name,
        "description": request.description,
        "user_data": user_data,
        "security_group_ids": request.security_group_ids or None,
        "deletion_protection": request.deletion_protection,
        "credit_specification": request.credit_specification,
    }
    changes = {name: value for name, value in wanted.items() if value is not None}
    await service.instances.modify(call.account_id, request.instance_id, changes)
    return Done()
