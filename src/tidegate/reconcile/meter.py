"""Measures the hosts, every fifteen seconds if they are not too many: one work for the whole cloud, whichever node has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from tidegate.errors import PlaneError
from tidegate.plane.hosts.base import Hosts, Usage
from tidegate.reconcile.run import Controller, Run, Suspend
from tidegate.services.cms import metering, times
from tidegate.services.cms.metering import Size
from tidegate.services.cms.service import MEASURED_EVERY, Monitor
from tidegate.services.ecs import catalog
from tidegate.services.ess.states import SERVING
from tidegate.store import work
from tidegate.store.database import Database
from tidegate.store.ecs import instances
from tidegate.store.ess import members
from tidegate.telemetry import get_logger

METER = "meter"
KEY = "meter/hosts"
#: more hosts than these are measured once a minute, as the cloud's own basic monitoring does
_MANY, _MANY_MEASURED_EVERY = 2_000, 60
#: how often samples that have grown old are joined
_TIDIED_EVERY = timedelta(minutes=5)

_log = get_logger("meter")


class MeterController:
    """Drives the meter."""

    def __init__(self, database: Database, hosts: Hosts, monitor: Monitor) -> None:
        self._database = database
        self._hosts = hosts
        self._monitor = monitor
        self._book = metering.Book()
        self._tidy_at: datetime | None = None
        self._complaint = ""
        #: whose samples the last round has written
        self._written: frozenset[str] = frozenset()

    @property
    def controllers(self) -> Mapping[str, Controller]:
        """The kinds of work that this drives."""
        return {METER: self.measure}

    async def begin(self) -> None:
        """Have the hosts measured from now on, if they are not already."""
        async with self._database.transaction() as tx:
            await work.drive(tx, KEY, METER, now=self._monitor.clock.now())

    async def measure(self, run: Run) -> None:
        """Measure all hosts once, and wait for the next time."""
        usages, now = await self._usages(), run.now()
        every = MEASURED_EVERY if len(usages) <= _MANY else _MANY_MEASURED_EVERY
        async with run.transaction() as tx:
            ids = [usage.id for usage in usages]
            found = await instances.kinds(tx, ids) if ids else []
            sizes = {host: _size(instance_type) for host, _, instance_type in found}
            values = self._book.enter(usages, sizes)
            groups: dict[str, list[str]] = defaultdict(list)
            for host, group in await members.in_states(tx, list(values), list(SERVING)) if values else ():
                groups[group].append(host)
            owners = {host: account for host, account, _ in found}
            written = await self._monitor.record(tx, now, values, owners, groups, every=every, known=self._written)
            if is_tidied := self._tidy_at is None or now >= self._tidy_at:
                await self._monitor.tidy(tx, now)
        self._written = written
        if is_tidied:
            self._tidy_at = now + _TIDIED_EVERY
        raise Suspend(times.start_of(now, every) + timedelta(seconds=every))

    async def _usages(self) -> Sequence[Usage]:
        """Measure the hosts; none when their plane does not answer, which is said once and not every time."""
        try:
            usages = await self._hosts.measure()
        except PlaneError as error:
            if self._complaint != str(error):
                self._complaint = str(error)
                _log.warning("the hosts are not measured: %s", error)
            return ()
        self._complaint = ""
        return usages


def _size(instance_type: str) -> Size:
    known = catalog.INSTANCE_TYPES[instance_type]
    return Size(cpus=known.cpu, memory=known.memory_mib << 20)
