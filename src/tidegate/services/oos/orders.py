"""What is asked to be run, and the record that an execution of it begins with (oos.md 1.4, 5.10, 5.11, 8.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from tidegate.clock import Clock
from tidegate.errors import CloudError
from tidegate.services.oos import errors, limits
from tidegate.services.oos.actions.base import Child
from tidegate.services.oos.expressions import Scope
from tidegate.services.oos.facts import pseudo_parameters
from tidegate.services.oos.model import DEFAULT_ROLE, Template
from tidegate.services.oos.parameter_store import Read
from tidegate.services.oos.parameters import resolve
from tidegate.services.oos.sandbox import Programs
from tidegate.services.oos.states import ExecutionStatus
from tidegate.services.oos.templates import TemplateView, author_of
from tidegate.services.oos.validation import Validated
from tidegate.services.oos.values import ExpressionError, to_json, to_text
from tidegate.services.operation import Principal, invalid_parameter
from tidegate.store.oos.records import ExecutionRecord


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks to be run."""

    principal: Principal
    region: str
    template_name: str | None = None
    template_version: str | None = None
    template_content: str | None = None
    parameters: Mapping[str, Any] = {}
    mode: str = "Automatic"
    loop_mode: str = "Automatic"
    safety_check: str = "Skip"
    parent_execution_id: str | None = None
    description: str | None = None
    tags: Mapping[str, str] = {}
    resource_group_id: str | None = None
    client_token: str | None = None
    fingerprint: str = ""
    #: names of parameters that are treated as if they were NoEcho
    hidden: Sequence[str] = ()


#: oos.md 7.2; StepByStep is what the console calls manual: every task waits for an Approve (ASSUMPTION)
MODES: Final = ("Automatic", "FailurePause", "StepByStep", "Debug")
_ALSO_CALLED: Final = {"Manual": "StepByStep"}


def read_modes(order: Order) -> Order:
    """Return the order with the modes as they are called here; raises CloudError for others (oos.md 7.2, 7.3)."""
    order = msgspec.structs.replace(order, mode=_ALSO_CALLED.get(order.mode, order.mode))
    known = (
        ("Mode", order.mode, MODES),
        ("LoopMode", order.loop_mode, ("Automatic", "FirstBatchPause", "EveryBatchPause")),
        ("SafetyCheck", order.safety_check, ("Skip", "ConfirmEveryHighRiskAction")),
    )
    for name, value, allowed in known:
        if value not in allowed:
            raise invalid_parameter(name)
    if len(order.tags) > limits.TAGS:
        raise invalid_parameter("Tags")
    return order


def runnable(validated: Validated) -> Template:
    """Return a template that an execution can be made of; raises CloudError."""
    template = validated.require_runnable()
    if template.kind != "Automation":
        raise errors.unsupported(f"running a template of the type {template.kind}")
    return template


async def role_of(template: Template, scope: Scope) -> str:
    """Return the name of the role to act under; empty: the caller's own rights (oos.md 1.4)."""
    if template.ram_role is None:
        return DEFAULT_ROLE
    try:
        role = await template.ram_role.evaluate(scope)
    except ExpressionError as error:
        raise CloudError("InvalidTemplate", f"RamRole cannot be evaluated: {error}") from error
    return to_text(role).strip()


def opening_scope(order: Order, execution_id: str, *, clock: Clock, programs: Programs, read: Read) -> Scope:
    """Return what names stand for while the parameters of an execution are resolved."""
    return Scope(
        parameters={},
        outputs={},
        pseudo=pseudo_parameters(
            account_id=order.principal.account_id,
            region=order.region,
            execution_id=execution_id,
            user=author_of(order.principal),
            clock=clock,
        ),
        programs=programs,
        store=read,
    )


def first_record(
    order: Order,
    execution_id: str,
    template: Template,
    view: TemplateView | None,
    *,
    parameters: Mapping[str, Any],
    role: str,
    now: datetime,
) -> ExecutionRecord:
    """Return the record that an execution begins with. ``view`` is where its template comes from, unless by its text."""
    return ExecutionRecord(
        id=execution_id,
        account_id=order.principal.account_id,
        region=order.region,
        template_name=view.name if view else None,
        template_id=view.id if view else None,
        template_version=f"v{view.version}" if view else None,
        share_type=view.share_type if view else "Private",
        hash=view.hash if view else "",
        status=ExecutionStatus.STARTED,
        mode=order.mode,
        loop_mode=order.loop_mode,
        safety_check=order.safety_check,
        category=(template.trigger or "ACS::Other").removeprefix("ACS::"),
        executed_by=author_of(order.principal),
        principal=msgspec.to_builtins(order.principal),
        ram_role=role,
        parameters=parameters,
        secrets=tuple(dict.fromkeys([*template.secrets, *(name for name in order.hidden if name in parameters)])),
        description=order.description,
        tags=order.tags,
        resource_group_id=order.resource_group_id,
        created_at=now,
        started_at=now,
        updated_at=now,
    )


def child_order(parent: ExecutionRecord, child_id: str, child: Child) -> Order:
    """Return what a task of ``parent`` asks to be run; raises CloudError when that is too deep."""
    if child_id.count(".t") > limits.NESTING:
        raise CloudError("InvalidTemplate", f"Templates run each other more than {limits.NESTING} levels deep.")
    return Order(
        principal=msgspec.convert(parent.principal, Principal),
        region=parent.region,
        template_name=child.template_name,
        template_version=child.template_version,
        template_content=child.template_content,
        parameters=child.parameters,
        hidden=child.hidden,
        mode=parent.mode,
        loop_mode=parent.loop_mode,
        safety_check=parent.safety_check,
    )


async def child_record(
    parent: ExecutionRecord,
    child_id: str,
    order: Order,
    template: Template,
    view: TemplateView | None,
    scope: Scope,
    now: datetime,
) -> ExecutionRecord:
    """Return the record of a child: the rights and the role are its parent's. Raises CloudError.

    Parameters that the template does not declare are left out (oos.md 2.4).
    """
    if template.trigger is not None:
        raise CloudError("InvalidTemplate", "A template with a trigger cannot be run by another.")
    declared = {
        name: _as_text(value) if template.parameters[name].type == "String" else value
        for name, value in order.parameters.items()
        if name in template.parameters
    }
    parameters = await resolve(template, declared, scope)
    record = first_record(order, child_id, template, view, parameters=parameters, role=parent.ram_role, now=now)
    return msgspec.structs.replace(record, parent_id=parent.id, executed_by=parent.executed_by)


def _as_text(value: Any) -> Any:
    """Write a list or a map as JSON text: ACS-OSS-PutBucketReferer hands its list to a String, which reads it there."""
    return to_json(value) if isinstance(value, list | dict) else value


def part_record(parent: ExecutionRecord, child_id: str, child: Child, now: datetime) -> ExecutionRecord:
    """Return the record of a child that runs a part of its parent's template, with the same parameters."""
    if child_id.count(".t") > limits.NESTING:
        raise CloudError("InvalidTemplate", f"Templates run each other more than {limits.NESTING} levels deep.")
    return _offspring(parent, child_id, child.part or {}, now)


def firing_record(parent: ExecutionRecord, number: int, origin: Mapping[str, Any], now: datetime) -> ExecutionRecord:
    """Return the record of what the trigger of ``parent`` starts for the ``number``-th time, with the same parameters."""
    return _offspring(parent, f"{parent.id}.{number}", origin, now)


def _offspring(parent: ExecutionRecord, child_id: str, origin: Mapping[str, Any], now: datetime) -> ExecutionRecord:
    return msgspec.structs.replace(
        parent,
        id=child_id,
        parent_id=parent.id,
        status=ExecutionStatus.STARTED,
        status_message="",
        waiting="",
        origin=origin,
        created_at=now,
        started_at=now,
        updated_at=now,
    )
