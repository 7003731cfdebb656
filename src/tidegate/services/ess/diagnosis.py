"""Diagnoses of groups, and statistics of their activities (ess.md 12.9, v22).

Only what can be looked at here is judged: vSwitches, security groups and stock. Bills and balances do not exist in this
cloud, so nothing is said about them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tidegate.errors import CloudError
from tidegate.services.ess import limits, refusals, scope, values
from tidegate.services.ess.advice import Advice
from tidegate.services.ess.paging import checked_page
from tidegate.services.ess.ports import Surroundings
from tidegate.services.ess.requests.advice import DescribeDiagnoseReports, OnReport, Statistics
from tidegate.services.ess.requests.shape import OnGroup
from tidegate.services.ess.sources import source_of
from tidegate.services.operation import Call
from tidegate.store.ess import activities, diagnoses, groups
from tidegate.store.ess.records import Activity, Diagnosis, Finding, Group

_LONGEST = timedelta(days=30)


class Diagnoses:
    """Looks at groups and says what is wrong with them."""

    def __init__(self, around: Surroundings, advice: Advice) -> None:
        self._around = around
        self._advice = advice

    async def create(self, call: Call, request: OnGroup) -> str:
        """Diagnose a group and keep what was found; returns the report."""
        findings = await self.details(call, request)
        async with self._around.database.transaction() as tx:
            group = await scope.changeable_group(tx, call, request.scaling_group_id, request.region_id)
            report = Diagnosis(
                id=self._around.ids.resource("dr", group.region),
                group_id=group.id,
                findings=findings,
                created_at=self._around.now(),
            )
            await diagnoses.table.add(tx, report)
            await diagnoses.keep_newest(tx, group.id, limits.REPORTS_PER_GROUP)
        return report.id

    async def delete(self, call: Call, request: OnReport) -> None:
        """Delete a report."""
        async with self._around.database.transaction() as tx:
            report = await diagnoses.find(tx, request.report_id)
            group = await groups.find(tx, call.account_id, report.group_id) if report else None
            if report is None or group is None or group.region != request.region_id:
                raise refusals.invalid("ReportId")
            await diagnoses.remove(tx, report.id)

    async def describe(self, call: Call, request: DescribeDiagnoseReports) -> tuple[int, list[Diagnosis]]:
        """Return how many reports match and a page of them, newest first."""
        limit, offset = checked_page(request.page_number, request.page_size, limits.PAGE)
        if len(request.report_ids) > limits.NAMED_OBJECTS:
            raise refusals.invalid("ReportIds")
        async with self._around.database.connection() as db:
            group = await scope.group(db, call, request.scaling_group_id, request.region_id)
            return await diagnoses.page(db, group.id, request.report_ids or None, limit=limit, offset=offset)

    async def details(self, call: Call, request: OnGroup) -> list[Finding]:
        """Return what is found now, good or bad."""
        async with self._around.database.connection() as db:
            group = await scope.group(db, call, request.scaling_group_id, request.region_id)
        return [*await self._vswitches(group), *await self._security_groups(group), await self._stock(group)]

    async def _vswitches(self, group: Group) -> list[Finding]:
        findings = []
        for one in group.vswitch_ids:
            try:
                await self._around.machines.vswitch(group.account_id, group.region, one)
            except CloudError:
                findings.append(Finding("VSwitch", "Critical", "VSwitchIdNotFound", one))
            else:
                findings.append(Finding("VSwitch", "Normal", "", one))
        return findings

    async def _security_groups(self, group: Group) -> list[Finding]:
        try:
            source = await source_of(self._around, group)
        except CloudError:
            source = None
        named = values.security_groups_of(source.fields) if source else []
        known = await self._around.machines.security_groups(group.account_id, group.region, named)
        return [
            Finding("SecurityGroup", "Normal", "", one)
            if one in known
            else Finding("SecurityGroup", "Critical", "SecurityGroupNotFound", one)
            for one in named
        ]

    async def _stock(self, group: Group) -> Finding:
        try:
            pools = await self._advice.pools_of(group)
        except CloudError:
            pools = []
        if pools and all(pool.available for pool in pools):
            return Finding("ElasticStrength", "Normal", "", group.id)
        status = "Warn" if any(pool.available for pool in pools) else "Critical"
        return Finding("ElasticStrength", status, "ElasticStrengthAlert", group.id)

    async def statistics(self, call: Call, request: Statistics) -> list[tuple[datetime, list[Activity]]]:
        """Return the activities that ended in a stretch of time, day by day."""
        begin, end = _moment("StartTime", request.start_time), _moment("EndTime", request.end_time)
        if not begin < end <= begin + _LONGEST:
            raise refusals.invalid("EndTime")
        async with self._around.database.connection() as db:
            if request.scaling_group_id is not None:
                await scope.group(db, call, request.scaling_group_id, request.region_id)
            found = await activities.ended_between(
                db, call.account_id, request.region_id, request.scaling_group_id, begin, end
            )
        return _by_day(found)


def _by_day(found: Iterable[Activity]) -> list[tuple[datetime, list[Activity]]]:
    days: dict[datetime, list[Activity]] = {}
    for one in found:
        if one.ended_at is not None:
            day = one.ended_at.replace(hour=0, minute=0, second=0, microsecond=0)
            days.setdefault(day, []).append(one)
    return sorted(days.items(), key=lambda item: item[0])


def _moment(name: str, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise refusals.invalid(name) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
