"""EventBridge: the operations (2020-04-01) for buses, rules with queues and topics as targets, and events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from tidegate.services.eventbridge import refusals
from tidegate.services.eventbridge.service import EventBridge
from tidegate.services.eventbridge.targets import Target
from tidegate.services.events.matching import is_pattern, matches
from tidegate.services.operation import Answer, Call, Product, Request
from tidegate.store.eventbridge import Bus, Rule
from tidegate.store.events import Event
from tidegate.wire.parameters import JsonText

eventbridge = Product(name="eventbridge", code="eventbridge", versions=("2020-04-01",))

_LIMIT = 100


def on_bus(_service: EventBridge, _call: Call, request: Any) -> list[str]:
    """The bus."""
    return [f"eventbus/{request.event_bus_name}"]


def on_rule(_service: EventBridge, _call: Call, request: Any) -> list[str]:
    """The rule of a bus."""
    return [f"eventbus/{request.event_bus_name}/rule/{request.rule_name}"]


# ---- requests --------------------------------------------------------------------------------------------------------


class OnBus(Request, kw_only=True):
    """A bus."""

    event_bus_name: str


class CreateEventBus(OnBus, kw_only=True):
    """CreateEventBus."""

    description: str = ""


class ListEventBuses(Request, kw_only=True):
    """ListEventBuses."""

    name_prefix: str = ""
    limit: int = 10
    next_token: int = 0


class OnRule(OnBus, kw_only=True):
    """A rule."""

    rule_name: str


class CreateRule(OnRule, kw_only=True):
    """CreateRule."""

    filter_pattern: str
    description: str = ""
    status: str = "ENABLE"
    event_targets: JsonText[list[Target]] | None = None


class UpdateRule(OnRule, kw_only=True):
    """UpdateRule."""

    filter_pattern: str | None = None
    description: str | None = None
    status: str | None = None


class ListRules(OnBus, kw_only=True):
    """ListRules."""

    rule_name_prefix: str = ""
    limit: int = 10
    next_token: int = 0


class PutTargets(OnRule, kw_only=True):
    """PutTargets."""

    targets: JsonText[list[Target]]


class DeleteTargets(OnRule, kw_only=True):
    """DeleteTargets."""

    target_ids: JsonText[list[str]]


class Told(Request, kw_only=True):
    """An event of a user."""

    id: str | None = None
    source: str
    type: str
    subject: str = ""
    time: str | None = None
    data: Any = None


class PutEvents(OnBus, kw_only=True):
    """PutEvents."""

    event_list: JsonText[list[Told]]


class TestEventPattern(Request, kw_only=True):
    """TestEventPattern."""

    event: str
    event_pattern: str


# ---- answers ---------------------------------------------------------------------------------------------------------


class Outcome(Answer, kw_only=True):
    """What every answer begins with, and what it is about."""

    code: str = "Success"
    message: str = "Success"
    success: bool = True
    data: Any = msgspec.UNSET


class BusView(Answer, kw_only=True):
    """A bus."""

    event_bus_name: str
    event_bus_arn: str = msgspec.field(name="EventBusARN")
    description: str
    create_timestamp: int


class Buses(Answer, kw_only=True):
    """A page of buses."""

    event_buses: list[BusView]
    next_token: str | msgspec.UnsetType
    total: int


class RuleView(Answer, kw_only=True):
    """A rule."""

    event_bus_name: str
    rule_name: str
    rule_arn: str = msgspec.field(name="RuleARN")
    description: str
    filter_pattern: str
    status: str
    created_timestamp: int
    targets: list[Any]


class Rules(Answer, kw_only=True):
    """A page of rules."""

    rules: list[RuleView]
    next_token: str | msgspec.UnsetType
    total: int


class TargetList(Answer, kw_only=True):
    """The targets of a rule."""

    targets: list[Any]
    total: int


class MadeBus(Answer):
    """The bus that was made."""

    event_bus_arn: str = msgspec.field(name="EventBusARN")


class MadeRule(Answer):
    """The rule that was made."""

    rule_arn: str = msgspec.field(name="RuleARN")


class Errors(Answer, kw_only=True):
    """Nothing went wrong."""

    error_entries_count: int = 0
    error_entries: list[Any] = msgspec.field(default_factory=list)


class Entry(Answer):
    """An event that was taken."""

    event_id: str


class Entries(Answer, kw_only=True):
    """The events that were taken."""

    failed_entry_count: int = 0
    entry_list: list[Entry]


class Result(Answer):
    """Whether the event is wanted."""

    result: bool


def _bus(call: Call, bus: Bus) -> BusView:
    return BusView(
        event_bus_name=bus.name,
        event_bus_arn=eventbridge.arn(call, f"eventbus/{bus.name}"),
        description=bus.description,
        create_timestamp=_milliseconds(bus.created_at),
    )


def _rule_arn(call: Call, bus: str, name: str) -> str:
    return eventbridge.arn(call, f"eventbus/{bus}/rule/{name}")


def _rule(call: Call, rule: Rule) -> RuleView:
    return RuleView(
        event_bus_name=rule.bus,
        rule_name=rule.name,
        rule_arn=_rule_arn(call, rule.bus, rule.name),
        description=rule.description,
        filter_pattern=rule.pattern,
        status=rule.status,
        created_timestamp=_milliseconds(rule.created_at),
        targets=list(rule.targets),
    )


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _next(start: int, limit: int, total: int) -> str | msgspec.UnsetType:
    return str(start + limit) if start + limit < total else msgspec.UNSET


def _check_page(limit: int, start: int) -> None:
    if not 1 <= limit <= _LIMIT:
        raise eventbridge.invalid("Limit")
    if start < 0:
        raise eventbridge.invalid("NextToken")


# ---- buses -----------------------------------------------------------------------------------------------------------


@eventbridge.operation("CreateEventBus", on=on_bus)
async def create_event_bus(service: EventBridge, call: Call, request: CreateEventBus) -> Outcome:
    """Make a bus for events of one's own."""
    await service.create_bus(call, request.event_bus_name, request.description)
    return Outcome(data=MadeBus(eventbridge.arn(call, f"eventbus/{request.event_bus_name}")))


@eventbridge.operation("GetEventBus", on=on_bus)
async def get_event_bus(service: EventBridge, call: Call, request: OnBus) -> Outcome:
    """Show a bus."""
    found = [one for one in await service.buses(call) if one.name == request.event_bus_name]
    if not found:
        raise refusals.bus_unknown(request.event_bus_name)
    return Outcome(data=_bus(call, found[0]))


@eventbridge.operation("ListEventBuses")
async def list_event_buses(service: EventBridge, call: Call, request: ListEventBuses) -> Outcome:
    """List buses."""
    _check_page(request.limit, request.next_token)
    found = await service.buses(call, request.name_prefix)
    part = found[request.next_token : request.next_token + request.limit]
    token = _next(request.next_token, request.limit, len(found))
    return Outcome(data=Buses(event_buses=[_bus(call, one) for one in part], next_token=token, total=len(found)))


@eventbridge.operation("DeleteEventBus", on=on_bus)
async def delete_event_bus(service: EventBridge, call: Call, request: OnBus) -> Outcome:
    """Delete a bus that has no rules."""
    await service.delete_bus(call, request.event_bus_name)
    return Outcome()


# ---- rules -----------------------------------------------------------------------------------------------------------


@eventbridge.operation("CreateRule", on=on_rule)
async def create_rule(service: EventBridge, call: Call, request: CreateRule) -> Outcome:
    """Have events of a bus handed on."""
    rule = await service.create_rule(
        call,
        request.event_bus_name,
        request.rule_name,
        description=request.description,
        pattern=request.filter_pattern,
        status=request.status,
        targets=request.event_targets or [],
    )
    return Outcome(data=MadeRule(_rule_arn(call, rule.bus, rule.name)))


@eventbridge.operation("GetRule", on=on_rule)
async def get_rule(service: EventBridge, call: Call, request: OnRule) -> Outcome:
    """Show a rule."""
    return Outcome(data=_rule(call, await service.rule(call, request.event_bus_name, request.rule_name)))


@eventbridge.operation("ListRules", on=on_bus)
async def list_rules(service: EventBridge, call: Call, request: ListRules) -> Outcome:
    """List the rules of a bus."""
    _check_page(request.limit, request.next_token)
    found = await service.rules(call, request.event_bus_name, request.rule_name_prefix)
    part = found[request.next_token : request.next_token + request.limit]
    token = _next(request.next_token, request.limit, len(found))
    return Outcome(data=Rules(rules=[_rule(call, one) for one in part], next_token=token, total=len(found)))


@eventbridge.operation("UpdateRule", on=on_rule)
async def update_rule(service: EventBridge, call: Call, request: UpdateRule) -> Outcome:
    """Change a rule; what is absent stays."""
    await service.change_rule(
        call,
        request.event_bus_name,
        request.rule_name,
        description=request.description,
        pattern=request.filter_pattern,
        status=request.status,
    )
    return Outcome(data=Errors())


@eventbridge.operation("EnableRule", on=on_rule)
async def enable_rule(service: EventBridge, call: Call, request: OnRule) -> Outcome:
    """Hand events on again."""
    await service.change_rule(call, request.event_bus_name, request.rule_name, status="ENABLE")
    return Outcome()


@eventbridge.operation("DisableRule", on=on_rule)
async def disable_rule(service: EventBridge, call: Call, request: OnRule) -> Outcome:
    """Hand no events on for now."""
    await service.change_rule(call, request.event_bus_name, request.rule_name, status="DISABLE")
    return Outcome()


@eventbridge.operation("DeleteRule", on=on_rule)
async def delete_rule(service: EventBridge, call: Call, request: OnRule) -> Outcome:
    """Delete a rule."""
    await service.delete_rule(call, request.event_bus_name, request.rule_name)
    return Outcome()


@eventbridge.operation("PutTargets", on=on_rule)
async def put_targets(service: EventBridge, call: Call, request: PutTargets) -> Outcome:
    """Add targets to a rule, in place of those of the same ids."""
    await service.change_rule(call, request.event_bus_name, request.rule_name, put=request.targets)
    return Outcome(data=Errors())


@eventbridge.operation("DeleteTargets", on=on_rule)
async def delete_targets(service: EventBridge, call: Call, request: DeleteTargets) -> Outcome:
    """Take targets off a rule."""
    await service.change_rule(call, request.event_bus_name, request.rule_name, drop=request.target_ids)
    return Outcome(data=Errors())


@eventbridge.operation("ListTargets", on=on_rule)
async def list_targets(service: EventBridge, call: Call, request: OnRule) -> Outcome:
    """List the targets of a rule."""
    rule = await service.rule(call, request.event_bus_name, request.rule_name)
    return Outcome(data=TargetList(targets=list(rule.targets), total=len(rule.targets)))


# ---- events ----------------------------------------------------------------------------------------------------------


@eventbridge.operation("PutEvents", on=on_bus)
async def put_events(service: EventBridge, call: Call, request: PutEvents) -> Outcome:
    """Tell events of one's own."""
    now = service.clock.now()
    told = [
        Event(
            # Two users may use the same id.
            id=f"{call.account_id}/{one.id}" if one.id else service.new_event_id(),
            account_id=call.account_id,
            region=call.region,
            bus=request.event_bus_name,
            source=one.source,
            type=one.type,
            subject=one.subject,
            data=_data(one.data),
            at=now,
        )
        for one in request.event_list
    ]
    await service.put(call, request.event_bus_name, told)
    return Outcome(data=Entries(entry_list=[Entry(one.id.rpartition("/")[2]) for one in told]))


@eventbridge.operation("TestEventPattern")
async def check_event_pattern(_service: EventBridge, _call: Call, request: TestEventPattern) -> Outcome:
    """Tell whether an event matches a pattern."""
    event, pattern = _json(request.event), _json(request.event_pattern)
    if not isinstance(event, dict) or not is_pattern(pattern):
        raise refusals.pattern_invalid()
    return Outcome(data=Result(matches(pattern, event)))


def _data(value: Any) -> dict[str, Any]:
    """Return the data of an event: an object, or the text of one."""
    read = _json(value) if isinstance(value, str) else value
    return read if isinstance(read, dict) else {"value": read}


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError):
        return text
