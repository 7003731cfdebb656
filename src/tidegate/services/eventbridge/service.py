"""EventBridge as a whole: buses, rules and events of users. Every rule is a subscription to the event bus of the cloud."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.eventbridge import refusals
from tidegate.services.eventbridge.targets import Target, receiver_of
from tidegate.services.events.matching import is_pattern
from tidegate.services.operation import Call, invalid_parameter
from tidegate.store import eventbridge as rows
from tidegate.store import events, work
from tidegate.store.database import Database
from tidegate.store.eventbridge import Bus, Rule
from tidegate.store.events import Event, Subscription

if TYPE_CHECKING:
    from tidegate.store.database import Connection

DEFAULT = "default"
#: The kind of work that hands the events of one rule on; its key is ``event-rule/<rule id>``.
RULE = "event-rule"
_NAME = re.compile(r"[A-Za-z0-9_-]{2,127}")
#: targets of a rule; ASSUMPTION
_TARGETS = 5
_BUSES, _RULES, _EVENTS = 10, 100, 16


class EventBridge:
    """The buses and rules of one cloud."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self.database = database
        self.clock = clock
        self._ids = ids

    # ---- buses -----------------------------------------------------------------------------------------------------

    async def create_bus(self, call: Call, name: str, description: str) -> None:
        """Make a bus beside the default one."""
        bus = Bus(
            account_id=call.account_id,
            region=call.region,
            name=name,
            description=description,
            created_at=self.clock.now(),
        )
        if not _NAME.fullmatch(name):
            raise invalid_parameter("EventBusName")
        async with self.database.transaction() as tx:
            if name == DEFAULT or not await rows.add_bus(tx, bus):
                raise refusals.bus_exists(name)
            if len(await rows.buses(tx, call.account_id, call.region)) > _BUSES:
                raise refusals.too_many("event buses", _BUSES)

    async def buses(self, call: Call, prefix: str = "") -> Sequence[Bus]:
        """Return the buses of an account: the default one first."""
        default = Bus(
            account_id=call.account_id,
            region=call.region,
            name=DEFAULT,
            description="",
            created_at=self.clock.now(),
        )
        async with self.database.connection() as db:
            found = [default, *await rows.buses(db, call.account_id, call.region)]
        return [one for one in found if one.name.startswith(prefix)]

    async def delete_bus(self, call: Call, name: str) -> None:
        """Delete a bus that has no rules."""
        async with self.database.transaction() as tx:
            if name == DEFAULT or await rows.rules(tx, call.account_id, call.region, name):
                raise refusals.bus_in_use(name)
            if not await rows.remove_bus(tx, call.account_id, call.region, name):
                raise refusals.bus_unknown(name)

    async def _check_bus(self, db: Connection, call: Call, name: str) -> None:
        if name != DEFAULT and name not in [one.name for one in await rows.buses(db, call.account_id, call.region)]:
            raise refusals.bus_unknown(name)

    # ---- rules -----------------------------------------------------------------------------------------------------

    async def create_rule(
        self, call: Call, bus: str, name: str, *, description: str, pattern: str, status: str, targets: Sequence[Target]
    ) -> Rule:
        """Make a rule; events from now on are compared with it."""
        if not _NAME.fullmatch(name):
            raise invalid_parameter("RuleName")
        rule = Rule(
            id=self._ids.text(20),
            account_id=call.account_id,
            region=call.region,
            bus=bus,
            name=name,
            description=description,
            pattern=_checked(pattern),
            status="DISABLE" if status == "DISABLE" else "ENABLE",
            targets=self._kept(call, targets),
            created_at=self.clock.now(),
        )
        async with self.database.transaction() as tx:
            await self._check_bus(tx, call, bus)
            if not await rows.add_rule(tx, rule):
                raise refusals.rule_exists(name)
            if len(await rows.rules(tx, call.account_id, call.region, bus)) > _RULES:
                raise refusals.too_many("event rules", _RULES)
            await self._apply(tx, rule)
        return rule

    async def change_rule(
        self,
        call: Call,
        bus: str,
        name: str,
        *,
        description: str | None = None,
        pattern: str | None = None,
        status: str | None = None,
        put: Sequence[Target] = (),
        drop: Sequence[str] = (),
    ) -> None:
        """Change a rule: what is absent stays; targets are put over those of the same id."""
        async with self.database.transaction() as tx:
            rule = await self._locked(tx, call, bus, name)
            targets = {str(one["Id"]): one for one in rule.targets if one["Id"] not in drop}
            targets |= {str(one["Id"]): one for one in self._kept(call, put)}
            if len(targets) > _TARGETS:
                raise refusals.too_many("event targets", _TARGETS)
            changed = msgspec.structs.replace(
                rule,
                description=rule.description if description is None else description,
                pattern=rule.pattern if pattern is None else _checked(pattern),
                status="DISABLE" if (status or rule.status) == "DISABLE" else "ENABLE",
                targets=list(targets.values()),
            )
            await rows.write_rule(tx, changed)
            if (changed.pattern, changed.status) != (rule.pattern, rule.status):
                await events.unsubscribe(tx, subscription_key(rule.id))
                await self._apply(tx, changed)

    async def rule(self, call: Call, bus: str, name: str) -> Rule:
        """Return a rule."""
        async with self.database.connection() as db:
            return await self._locked(db, call, bus, name)

    async def rules(self, call: Call, bus: str, prefix: str) -> Sequence[Rule]:
        """Return the rules of a bus by name."""
        async with self.database.connection() as db:
            await self._check_bus(db, call, bus)
            return await rows.rules(db, call.account_id, call.region, bus, prefix=prefix)

    async def delete_rule(self, call: Call, bus: str, name: str) -> None:
        """Delete a rule; what it has not handed on yet is dropped."""
        async with self.database.transaction() as tx:
            rule = await self._locked(tx, call, bus, name)
            await events.unsubscribe(tx, subscription_key(rule.id))
            await rows.remove_rule(tx, rule.id)
            await work.wake(tx, rule_key(rule), now=self.clock.now())

    async def _locked(self, tx: Connection, call: Call, bus: str, name: str) -> Rule:
        rule = await rows.lock_rule(tx, call.account_id, call.region, bus, name)
        if rule is None:
            raise refusals.rule_unknown(name)
        return rule

    async def _apply(self, tx: Connection, rule: Rule) -> None:
        """Subscribe to what the rule wants, and have it driven; a disabled one wants nothing."""
        now = self.clock.now()
        await work.start(tx, rule_key(rule), RULE, now=now)
        if rule.status == "ENABLE":
            pattern = msgspec.json.decode(rule.pattern) | {
                "aliyuneventbusname": [rule.bus],
                "aliyunregionid": [rule.region],
            }
            wanted = Subscription(
                key=subscription_key(rule.id), account_id=rule.account_id, pattern=pattern, work=rule_key(rule)
            )
            await events.subscribe(tx, wanted, now=now)

    def _kept(self, call: Call, targets: Sequence[Target]) -> list[Mapping[str, Any]]:
        for target in targets:
            if receiver_of(target, call.account_id, call.region) is None or not target.id:
                raise refusals.target_invalid(target.id)
        if len(targets) > _TARGETS:
            raise refusals.too_many("event targets", _TARGETS)
        return [msgspec.to_builtins(target) for target in targets]

    # ---- events ----------------------------------------------------------------------------------------------------

    async def put(self, call: Call, bus: str, told: Sequence[Event]) -> None:
        """Tell events of a user on a bus of a user."""
        if bus == DEFAULT:
            raise refusals.event_refused()
        if not 1 <= len(told) <= _EVENTS:
            raise invalid_parameter("EventList")
        async with self.database.transaction() as tx:
            await self._check_bus(tx, call, bus)
            await events.publish(tx, told, now=self.clock.now())

    def new_event_id(self) -> str:
        """Return the id of an event that was given none."""
        return self._ids.uuid().lower()


def rule_key(rule: Rule) -> str:
    """Return the key of the work that hands a rule's events on."""
    return f"{RULE}/{rule.id}"


def subscription_key(rule_id: str) -> str:
    """Return the key of a rule's subscription."""
    return f"rule/{rule_id}"


def _checked(pattern: str) -> str:
    try:
        read = msgspec.json.decode(pattern)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise refusals.pattern_invalid() from error
    if not is_pattern(read):
        raise refusals.pattern_invalid()
    return pattern
