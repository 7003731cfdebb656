"""What an instance is paid for and by: charge type, bandwidth, renewal, type, RAM role. Kept and shown; nothing is charged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from tidegate.clock import to_minutes
from tidegate.errors import CloudError
from tidegate.services.ecs import catalog, faults, limits
from tidegate.services.ecs.eips import CHARGE_TYPES
from tidegate.services.ecs.means import Means, locked_instance
from tidegate.services.ecs.states import Status
from tidegate.services.operation import Call, invalid_parameter
from tidegate.store.ecs import instances as rows
from tidegate.store.ecs.instances import Instance, Options

#: PeriodUnit → days
PERIOD_UNITS = {"Week": 7, "Month": 30, "Year": 365}
RENEWALS = ("AutoRenewal", "Normal", "NotRenewal")
_NEVER = Options().expired_at


def expiry(start: datetime, period: int, unit: str) -> str:
    """Return when a subscription ends: at midnight in China, which is 16:00 UTC."""
    return (start + timedelta(days=period * PERIOD_UNITS[unit] + 1)).strftime("%Y-%m-%dT16:00Z")


class Contracts:
    """Changes contracts of instances."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def charge(self, call: Call, ids: Sequence[str], charge_type: str, period: int, unit: str) -> None:
        """Let instances, running or stopped, be paid in advance or by use, all or none."""
        if charge_type not in ("PostPaid", "PrePaid"):
            raise invalid_parameter("InstanceChargeType")
        check_period(period, unit)
        prepaid = charge_type == "PrePaid"

        def changed(instance: Instance) -> Instance:
            if instance.charge_type == charge_type:
                raise CloudError("InstancesChargeTypeViolation", "The charge type of the instance is the same.", 403)
            end = expiry(self._means.now(), period, unit) if prepaid else _NEVER
            return _replaced(msgspec.structs.replace(instance, charge_type=charge_type), expired_at=end)

        await self._change(call, ids, changed)

    async def bandwidth(
        self, call: Call, instance_id: str, *, outward: int | None, inward: int | None, charge_type: str | None
    ) -> None:
        """Change the public bandwidth of an instance."""
        if charge_type not in (None, *CHARGE_TYPES):
            raise invalid_parameter("NetworkChargeType")
        for name, value in (("InternetMaxBandwidthOut", outward), ("InternetMaxBandwidthIn", inward)):
            if value is not None and not 0 <= value <= limits.BANDWIDTH_MAX:
                raise invalid_parameter(name)

        def changed(instance: Instance) -> Instance:
            given = {"bandwidth_out": outward, "bandwidth_in": inward, "internet_charge_type": charge_type}
            return _replaced(instance, **{name: value for name, value in given.items() if value is not None})

        await self._change(call, [instance_id], changed)

    async def renewal(self, call: Call, ids: Sequence[str], status: str, duration: int, unit: str) -> None:
        """Say whether subscriptions renew themselves; only of instances that are paid in advance."""
        if status not in RENEWALS:
            raise invalid_parameter("RenewalStatus")
        check_period(duration, unit)

        def changed(instance: Instance) -> Instance:
            _require_prepaid(instance)
            return _replaced(instance, renewal_status=status, renewal_duration=duration, renewal_unit=unit)

        await self._change(call, ids, changed)

    async def renew(self, call: Call, instance_id: str, period: int, unit: str) -> None:
        """Make a subscription longer."""
        check_period(period, unit)

        def changed(instance: Instance) -> Instance:
            _require_prepaid(instance)
            end = datetime.fromisoformat(instance.options.expired_at)
            later = end + timedelta(days=period * PERIOD_UNITS[unit])
            return _replaced(instance, expired_at=to_minutes(later))

        await self._change(call, [instance_id], changed)

    async def resize(self, call: Call, instance_id: str, instance_type: str, *, prepaid: bool) -> None:
        """Give a stopped instance another type. ASSUMPTION: its host keeps the memory limit that it was made with."""
        if instance_type not in catalog.INSTANCE_TYPES:
            raise faults.bad("InvalidInstanceType.ValueNotSupported")

        def changed(instance: Instance) -> Instance:
            if (instance.charge_type == "PrePaid") is not prepaid:
                raise faults.denied("ChargeTypeViolation")
            if instance.status != Status.STOPPED:
                raise faults.denied("IncorrectInstanceStatus")
            return msgspec.structs.replace(instance, instance_type=instance_type)

        await self._change(call, [instance_id], changed)

    async def role(self, call: Call, ids: Sequence[str], role: str, *, bound: bool) -> None:
        """Let instances show a RAM role, or not any more."""

        def changed(instance: Instance) -> Instance:
            return _replaced(instance, ram_role_name=role if bound else "")

        await self._change(call, ids, changed)

    async def _change(self, call: Call, ids: Sequence[str], changed: Callable[[Instance], Instance]) -> None:
        """Change instances, all or none."""
        if not ids:
            raise faults.missing_parameter("InstanceIds")
        async with self._means.database.transaction() as tx:
            for instance_id in sorted(set(ids)):
                new = changed(await locked_instance(tx, call, instance_id))
                fields = {name: getattr(new, name) for name in ("charge_type", "instance_type", "options")}
                await rows.change(tx, instance_id, fields)


def check_period(period: int, unit: str) -> None:
    """Raise for a period that no subscription has."""
    if unit not in PERIOD_UNITS:
        raise invalid_parameter("PeriodUnit")
    if not 1 <= period <= limits.PERIOD_MAX:
        raise invalid_parameter("Period")


def _require_prepaid(instance: Instance) -> None:
    if instance.charge_type != "PrePaid":
        raise faults.denied("ChargeTypeViolation")


def _replaced(instance: Instance, **options: object) -> Instance:
    return msgspec.structs.replace(instance, options=msgspec.structs.replace(instance.options, **options))
