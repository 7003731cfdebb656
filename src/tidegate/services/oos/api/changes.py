"""Operations that reach into executions under way: triggers are fired by hand, descriptions and parameters change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidegate.services.oos.api.product import execution_resource, oos
from tidegate.services.oos.executions import read_parameters
from tidegate.services.oos.service import Oos
from tidegate.services.oos.updating import Change
from tidegate.services.operation import Call, Done, Request
from tidegate.wire.shapes import JsonText


class TriggerExecutionRequest(Request):
    """Which trigger, and the message it gets: JSON text."""

    execution_id: str
    type: str
    content: str | None = None


class UpdateExecutionRequest(Request):
    """What is to be different of an execution."""

    execution_id: str
    description: str | None = None
    parameters: str | None = None
    tags: JsonText[dict[str, str]] | None = None
    resource_group_id: str | None = None


def _one(_service: Any, _call: Call, request: TriggerExecutionRequest | UpdateExecutionRequest) -> Sequence[str]:
    return execution_resource(request.execution_id)


@oos.operation("TriggerExecution", on=_one)
async def trigger_execution(service: Oos, call: Call, request: TriggerExecutionRequest) -> Done:
    """Fire the trigger of an execution once, with a message."""
    await service.triggering.trigger(call, request.execution_id, request.type, request.content)
    return Done()


@oos.operation("UpdateExecution", on=_one)
async def update_execution(service: Oos, call: Call, request: UpdateExecutionRequest) -> Done:
    """Change what may still change."""
    change = Change(
        description=request.description,
        parameters=None if request.parameters is None else read_parameters(request.parameters),
        tags=request.tags,
        resource_group_id=request.resource_group_id,
    )
    await service.updating.update(call, request.execution_id, change)
    return Done()
