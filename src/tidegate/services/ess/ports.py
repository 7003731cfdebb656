"""What Auto Scaling needs of the rest of the cloud: the other products as it calls them, and what is handed in."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.alb.service import Entry as AlbEntry
from tidegate.services.cms.service import Metric, Reading
from tidegate.services.databases.doors import Door
from tidegate.services.ecs.service import InstanceView, LaunchSpec
from tidegate.services.operation import Principal
from tidegate.services.slb.model import Entry
from tidegate.services.slb.service import Health
from tidegate.store.database import Database
from tidegate.store.ecs.networks import VSwitch
from tidegate.store.slb import Balancer

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: the name under which Auto Scaling acts (ram.md 9)
SERVICE = "ess.aliyuncs.com"


class Machines(Protocol):
    """ECS, as ``services.ecs.service.Ecs`` offers it to other products."""

    async def launch(
        self, account_id: str, region: str, spec: LaunchSpec, amount: int, *, client_token: str, watcher: str | None
    ) -> list[str]:
        """Launch instances, all or none; the same token returns the same ids. Raises CloudError."""
        ...

    async def find(self, account_id: str, region: str, ids: Sequence[str]) -> dict[str, InstanceView]:
        """Return what is known of these instances; unknown and released ones are left out."""
        ...

    async def start(self, account_id: str, ids: Sequence[str], *, watcher: str | None) -> None:
        """Start the stopped ones."""
        ...

    async def stop(
        self, account_id: str, ids: Sequence[str], *, stop_charging: bool = False, watcher: str | None
    ) -> None:
        """Stop the running ones."""
        ...

    async def release(self, account_id: str, ids: Sequence[str], *, force: bool, watcher: str | None) -> None:
        """Release these instances; unknown ids and repeats are fine."""
        ...

    def in_stock(self, zone: str) -> list[str]:
        """Return the instance types that are not sold out in a zone."""
        ...

    async def security_groups(self, account_id: str, region: str, ids: Sequence[str]) -> list[str]:
        """Return those of these security groups that exist."""
        ...

    async def watched_by(self, watcher: str) -> list[str]:
        """Return the instances whose settling wakes a work: those that it has launched, started or stopped last."""
        ...

    async def template(
        self, account_id: str, region: str, template_id: str, version: str | None
    ) -> tuple[int, Mapping[str, Any]] | None:
        """Return the number and the fields of a launch template's version; None: no such version.

        Raises InvalidLaunchTemplate.NotFound.
        """
        ...

    async def fields_of(self, account_id: str, region: str, instance_id: str) -> Mapping[str, Any] | None:
        """Return what an instance was made of, as a configuration spells it; None: no such instance."""
        ...

    async def has_image(self, account_id: str, region: str, image_id: str) -> bool:
        """Tell whether instances can be made of an image."""
        ...

    async def vswitch(self, account_id: str, region: str, vswitch_id: str) -> VSwitch:
        """Return one of the account's vSwitches; raises InvalidVSwitchId.NotFound."""
        ...

    async def default_vswitch(self, account_id: str, region: str, zone: str | None = None) -> VSwitch:
        """Return the default vSwitch of the region."""
        ...


class Runbooks(Protocol):
    """OOS, as Auto Scaling calls it."""

    async def template_defaults(self, account_id: str, region: str, name: str) -> Mapping[str, Any] | None:
        """Return each declared parameter of the newest version with its default (UNSET: none); None: no such template."""
        ...

    async def start_execution(
        self,
        principal: Principal,
        region: str,
        *,
        template_name: str,
        parameters: Mapping[str, Any],
        client_token: str | None,
    ) -> str:
        """Start an execution of the newest version and return its id; the same token returns the same id."""
        ...


class Metrics(Protocol):
    """CloudMonitor, as Auto Scaling calls it."""

    async def readings(self, metric: Metric, period: int, since: datetime, until: datetime) -> Sequence[Reading]:
        """Return the periods of a metric with ``since`` ≤ beginning < ``until``; none for one that is not measured."""
        ...

    async def measured_until(self) -> datetime | None:
        """Return until when hosts have been measured."""
        ...


class Messages(Protocol):
    """MNS, as Auto Scaling calls it."""

    async def queue_exists(self, account_id: str, region: str, name: str) -> bool:
        """Whether an account has a queue."""
        ...

    async def topic_exists(self, account_id: str, region: str, name: str) -> bool:
        """Whether an account has a topic."""
        ...

    async def send(self, account_id: str, region: str, queue: str, body: str, *, message_id: str) -> None:
        """Send to a queue; the same id again changes nothing as long as the first message is there. Raises CloudError."""
        ...

    async def publish(self, account_id: str, region: str, topic: str, body: str, *, message_id: str) -> None:
        """Publish to a topic; the same id again reaches nobody twice that has not taken it. Raises CloudError."""
        ...


class Roles(Protocol):
    """RAM, as Auto Scaling calls it."""

    async def ensure_service_linked_role(self, account_id: str, service: str) -> Principal:
        """Return the service acting under its own role, which is made at the first time."""
        ...


class Balancers(Protocol):
    """SLB, as Auto Scaling calls it; changes raise CloudError."""

    async def peek(self, tx: Connection, account_id: str, balancer_id: str) -> tuple[Balancer, Collection[str]] | None:
        """Return a load balancer and the ids of its vServer groups, within a transaction; None: there is none."""
        ...

    async def add_servers(
        self, account_id: str, balancer_id: str, entries: Sequence[Entry], *, watcher: str | None
    ) -> object:
        """Add servers to the default group, or change their weight; the watcher is woken when it is so."""
        ...

    async def set_servers(
        self, account_id: str, balancer_id: str, entries: Sequence[Entry], *, lenient: bool
    ) -> object:
        """Set weights in the default group; a lenient caller does not mind servers that are not there."""
        ...

    async def remove_servers(
        self, account_id: str, balancer_id: str, entries: Sequence[Entry], *, watcher: str | None
    ) -> object:
        """Take servers out of the default group; the watcher is woken when they have finished."""
        ...

    async def edit_group(
        self,
        account_id: str,
        group_id: str,
        *,
        add: Sequence[Entry] = (),
        weigh: Sequence[Entry] = (),
        remove: Sequence[Entry] = (),
        watcher: str | None = None,
        lenient: bool = False,
    ) -> object:
        """Do the same to a vServer group."""
        ...

    async def is_settled(self, account_id: str, balancer_ids: Sequence[str], server_ids: Sequence[str]) -> bool:
        """Tell whether real load balancers are what was last asked, and none of the servers still leaves."""
        ...

    async def health(self, account_id: str, balancer_id: str) -> Sequence[Health]:
        """Return what every listener really knows of each of its servers."""
        ...


class ServerGroups(Protocol):
    """ALB, as Auto Scaling calls it; changes raise CloudError."""

    async def peek(self, tx: Connection, account_id: str, group_id: str) -> object | None:
        """Return a server group within a transaction; None: there is none."""
        ...

    async def add(self, account_id: str, group_id: str, entries: Sequence[AlbEntry]) -> None:
        """Add servers, or change their weight."""
        ...

    async def weigh(self, account_id: str, group_id: str, entries: Sequence[AlbEntry], *, lenient: bool) -> None:
        """Set weights."""
        ...

    async def remove(self, account_id: str, group_id: str, entries: Sequence[AlbEntry]) -> None:
        """Take servers out."""
        ...


class Doors(Protocol):
    """RDS, as Auto Scaling calls it; changes raise CloudError."""

    async def peek(self, tx: Connection, account_id: str, database_id: str) -> Door | None:
        """Return an RDS instance within a transaction; None: there is none."""
        ...

    async def let_in(self, account_id: str, database_id: str, addresses: Sequence[str]) -> None:
        """Add addresses to the default whitelist; those that are there stay."""
        ...

    async def keep_out(self, account_id: str, database_id: str, addresses: Sequence[str]) -> None:
        """Take addresses out of it; those that are not there are fine."""
        ...


@dataclass(frozen=True)
class Surroundings:
    """Everything the parts of Auto Scaling are built on."""

    database: Database
    clock: Clock
    ids: Ids
    machines: Machines
    runbooks: Runbooks
    roles: Roles
    metrics: Metrics
    messages: Messages
    balancers: Balancers
    server_groups: ServerGroups
    doors: Doors
    #: the regions that exist
    regions: Sequence[str]
    #: between weight 0 and removal from load balancers; the newest pages know no pause (ess.md 3.4, A12)
    balancer_pause: timedelta = timedelta()
    #: decides where policies leave a choice
    chance: random.Random = field(default_factory=random.SystemRandom)

    def now(self) -> datetime:
        """The present on the cloud's clock."""
        return self.clock.now()
