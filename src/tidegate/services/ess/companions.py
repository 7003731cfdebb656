"""Load balancers, server groups and databases of scaling groups: may they be used, and keeping them in step (ess.md 3.4).

Nothing here runs within a transaction of Auto Scaling but the looks before one is decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tidegate.errors import CloudError
from tidegate.services.alb.service import Entry as AlbEntry
from tidegate.services.ess import limits, refusals
from tidegate.services.ess.ports import Surroundings
from tidegate.services.slb.model import Entry
from tidegate.store.ess.records import Binding, Group, Member
from tidegate.store.slb import Balancer

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: Refusals of load balancers that pass: the call is made again (ecs.md 13).
BUSY = frozenset(
    {"BackendServer.configuring", "ServiceIsConfiguring", "OperationBusy", "SystemBusy", "ServiceIsStopping"}
)
_GONE = frozenset({"InvalidLoadBalancerId.NotFound", "InvalidVServerGroupId.NotFound", "ResourceNotFound.ServerGroup"})
_BALANCED = frozenset({"LoadBalancer", "LoadBalancerConfig", "VServerGroup", "AlbServerGroup", "ServerGroup"})


def balanced(bindings: Iterable[Binding]) -> list[Binding]:
    """Return the load balancers and server groups among bindings."""
    return [one for one in bindings if one.kind in _BALANCED]


def databases(bindings: Iterable[Binding]) -> list[Binding]:
    """Return the databases among bindings."""
    return [one for one in bindings if one.kind == "DBInstance"]


def merged(group: Group, bindings: Sequence[Binding]) -> list[Binding]:
    """Return bindings without repeats, of which the last counts. Raises the refusal of more than a group may have."""
    there = {one.key: one for one in bindings}
    found = list(there.values())

    def count(*kinds: str) -> int:
        return len({one.id for one in found if one.kind in kinds})

    if count("LoadBalancer", "LoadBalancerConfig") > limits.LOAD_BALANCERS_PER_GROUP:
        raise refusals.load_balancer_quota(group.name)
    for kinds in (("VServerGroup",), ("AlbServerGroup", "ServerGroup")):
        if count(*kinds) > limits.SERVER_GROUPS_PER_GROUP:
            raise refusals.server_group_quota(kinds[0])
    if count("DBInstance") > limits.DATABASES_PER_GROUP:
        raise refusals.database_quota()
    return found


class Companions:
    """What stands beside the members of scaling groups."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    # ---- may they be used ------------------------------------------------------------------------------------------

    async def objection(self, tx: Connection, group: Group, joining: int = 0) -> CloudError | None:
        """Return why an activity of the group may not start for the sake of what stands beside it; None: it may."""
        try:
            for binding in group.bindings:
                await self.check(tx, group, binding, joining)
        except CloudError as error:
            return error
        return None

    async def check(self, tx: Connection, group: Group, binding: Binding, joining: int = 0) -> None:
        """Raise when something cannot stand beside a group, or cannot be used now."""
        if binding.kind == "DBInstance":
            await self._check_database(tx, group, binding, joining)
        elif binding.kind in ("AlbServerGroup", "ServerGroup"):
            if (
                binding.type not in ("", "ALB")
                or await self._around.server_groups.peek(tx, group.account_id, binding.id) is None
            ):
                raise refusals.server_group_not_found(binding.id)
        else:
            await self._check_balancer(tx, group, binding)

    async def _check_balancer(self, tx: Connection, group: Group, binding: Binding) -> None:
        found = await self._around.balancers.peek(tx, group.account_id, binding.balancer_id)
        if found is None:
            raise refusals.load_balancer_not_found()
        balancer, group_ids = found
        if balancer.region != group.region:
            raise refusals.load_balancer_region()
        if balancer.vpc_id and balancer.vpc_id != group.vpc_id:
            raise refusals.load_balancer_vpc()
        if binding.kind == "VServerGroup" and binding.id not in group_ids:
            raise refusals.vserver_group_not_found(binding.id)
        if balancer.status != "active":
            raise refusals.load_balancer_status()
        if not _is_checked(balancer):
            raise refusals.load_balancer_health_check()

    async def _check_database(self, tx: Connection, group: Group, binding: Binding, joining: int) -> None:
        door = await self._around.doors.peek(tx, group.account_id, binding.id)
        if door is None:
            raise refusals.database_not_found(binding.id)
        if door.region != group.region:
            raise refusals.database_region(binding.id)
        if door.status != "Running":
            raise refusals.database_status(binding.id)
        if door.room < joining:
            raise refusals.database_full(binding.id)

    # ---- keeping them in step --------------------------------------------------------------------------------------

    async def let_in(self, group: Group, bindings: Sequence[Binding], members: Sequence[Member]) -> None:
        """Have databases let members in. Raises CloudError."""
        for binding in databases(bindings):
            await self._around.doors.let_in(group.account_id, binding.id, [one.address for one in members])

    async def keep_out(self, group: Group, bindings: Sequence[Binding], members: Sequence[Member]) -> None:
        """Have databases keep members out again."""
        for binding in databases(bindings):
            await self._around.doors.keep_out(group.account_id, binding.id, [one.address for one in members])

    async def join(
        self, group: Group, bindings: Sequence[Binding], members: Sequence[Member], *, watcher: str | None
    ) -> None:
        """Have load balancers send to members. Raises CloudError."""
        for binding in balanced(bindings):
            await self._send(group, binding, members, watcher=watcher)

    async def weigh_nothing(self, group: Group, bindings: Sequence[Binding], members: Sequence[Member]) -> None:
        """Have load balancers send nothing new to members; those they do not have are fine."""
        for binding in balanced(bindings):
            await self._weigh(group, binding, members, weight=0)

    async def weigh_again(self, group: Group, bindings: Sequence[Binding], members: Sequence[Member]) -> None:
        """Give members the weight they had."""
        for binding in balanced(bindings):
            await self._weigh(group, binding, members, weight=None)

    async def leave(
        self, group: Group, bindings: Sequence[Binding], members: Sequence[Member], *, watcher: str | None
    ) -> None:
        """Take members out of load balancers, which let them finish where their listeners say so."""
        for binding in balanced(bindings):
            try:
                await self._take_out(group, binding, members, watcher)
            except CloudError as error:
                if error.code not in _GONE:
                    raise

    async def is_settled(self, group: Group, bindings: Sequence[Binding], members: Sequence[Member]) -> bool:
        """Tell whether the real load balancers have taken the last changes, and nobody of the members still finishes."""
        balancer_ids = sorted({one.balancer_id for one in balanced(bindings) if one.balancer_id})
        server_ids = [one.instance_id for one in members]
        return await self._around.balancers.is_settled(group.account_id, balancer_ids, server_ids)

    async def unwell(self, group: Group) -> set[str]:
        """Return the instances that some load balancer of the group finds not to serve (ess.md 8.1)."""
        found: set[str] = set()
        for balancer_id in {one.balancer_id for one in balanced(group.bindings) if one.balancer_id}:
            try:
                health = await self._around.balancers.health(group.account_id, balancer_id)
            except CloudError:
                continue  # it is gone: nobody's verdict
            found |= {one.server.id for one in health if one.status == "abnormal"}
        return found

    async def _send(self, group: Group, binding: Binding, members: Sequence[Member], *, watcher: str | None) -> None:
        account, balancers = group.account_id, self._around.balancers
        match binding.kind:
            case "VServerGroup":
                await balancers.edit_group(account, binding.id, add=_entries(binding, members), watcher=watcher)
            case "AlbServerGroup" | "ServerGroup":
                await self._around.server_groups.add(account, binding.id, _alb_entries(binding, members))
            case _:
                await balancers.add_servers(account, binding.id, _entries(binding, members), watcher=watcher)

    async def _weigh(self, group: Group, binding: Binding, members: Sequence[Member], *, weight: int | None) -> None:
        account, balancers = group.account_id, self._around.balancers
        try:
            match binding.kind:
                case "VServerGroup":
                    entries = _entries(binding, members, weight)
                    await balancers.edit_group(account, binding.id, weigh=entries, lenient=True)
                case "AlbServerGroup" | "ServerGroup":
                    entries_of_alb = _alb_entries(binding, members, weight)
                    await self._around.server_groups.weigh(account, binding.id, entries_of_alb, lenient=True)
                case _:
                    await balancers.set_servers(account, binding.id, _entries(binding, members, weight), lenient=True)
        except CloudError as error:
            if error.code not in _GONE:
                raise

    async def _take_out(self, group: Group, binding: Binding, members: Sequence[Member], watcher: str | None) -> None:
        account, balancers = group.account_id, self._around.balancers
        match binding.kind:
            case "VServerGroup":
                await balancers.edit_group(account, binding.id, remove=_entries(binding, members), watcher=watcher)
            case "AlbServerGroup" | "ServerGroup":
                await self._around.server_groups.remove(account, binding.id, _alb_entries(binding, members))
            case _:
                await balancers.remove_servers(account, binding.id, _entries(binding, members), watcher=watcher)


def _is_checked(balancer: Balancer) -> bool:
    """A load balancer needs a listener, and each of them a health check (ess.md 2.2, ecs.md 13)."""
    return bool(balancer.listeners) and all(one.settings["HealthCheck"] == "on" for one in balancer.listeners)


def _weight(binding: Binding, member: Member) -> int:
    return member.weight if binding.weight is None else binding.weight


def _entries(binding: Binding, members: Sequence[Member], weight: int | None = None) -> list[Entry]:
    return [
        Entry(
            id=one.instance_id,
            port=binding.port or None,
            weight=_weight(binding, one) if weight is None else weight,
        )
        for one in members
    ]


def _alb_entries(binding: Binding, members: Sequence[Member], weight: int | None = None) -> list[AlbEntry]:
    return [
        AlbEntry(id=one.instance_id, port=binding.port, weight=_weight(binding, one) if weight is None else weight)
        for one in members
    ]
