"""What can be set for one cloud: where it listens, where it keeps its state, how fast its world moves."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a cloud is started with. Durations are seconds."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 4599
    #: ``postgresql://…`` of an outside server; None = the one from the wheel, in ``data_dir``
    database: str | None = None
    ephemeral: bool = False
    region: str = "cn-hangzhou"
    #: auto | netns | loopback | memory
    hosts: str = "auto"
    #: auto | nftables | haproxy | aio | memory
    gate: str = "auto"
    #: auto | haproxy | memory: what stands behind SLB
    balancer: str = "auto"
    #: between weight 0 and removal when members leave load balancers; 60 on old pages (ess.md 3.4)
    balancer_pause: float = 0.0
    #: path of the Redis server to run; None = valkey-server or redis-server of the system, else of a wheel
    redis_server: str | None = None
    #: how long a new Redis instance stays ``Creating`` at least (kvstore.md 2)
    redis_creation_delay: float = 0.0
    #: /_tidegate/clock may advance the cloud's time
    adjustable_clock: bool = False
    #: the min/max and desired-capacity check of a group (ess.md 2.3, ASSUMPTION 60)
    group_check_interval: float = 60.0
    #: the health check of members (ess.md 8.1, ASSUMPTION 60)
    health_check_interval: float = 60.0
    #: how often overdue work is looked for; wake-ups are faster, this heals lost ones
    sweep_interval: float = 2.0
    #: a node that has not been heard of for this long loses its work to another
    heartbeat_timeout: float = 12.0
    #: executions of runbooks that run at a time in one account and region; further ones are Queued (oos.md 9); 0 = no limit
    concurrent_executions: int = 100
    #: finished work is forgotten after this long, with its journal; the products' own records stay
    work_retention: float = 7 * 86400.0
    #: how long an instance takes to boot and to stop, beyond what its host really takes
    instance_boot_delay: float = 0.0
    instance_stop_delay: float = 0.0
    #: how long attaching, detaching, associating and the like take; how long a snapshot or an image takes
    attachment_delay: float = 0.0
    snapshot_delay: float = 0.0
    #: instance types (``ecs.g6.large``), types in a zone (``ecs.g6.large@cn-hangzhou-h``), or types as spot instances
    #: (``spot:ecs.g6.large``) that cannot be launched
    sold_out: tuple[str, ...] = ()
    #: end established connections of clients that are taken off a whitelist; the cloud keeps them (kvstore.md 6)
    whitelist_cuts_connections: bool = False
    #: how long a whitelist change keeps the Redis instance ``Changing``; 0 = not at all (kvstore.md 9)
    whitelist_changing_window: float = 0.0
    #: what runbooks may send HTTP requests to: each an address, which allows itself and all below it
    runbook_endpoints: tuple[str, ...] = ()
    #: where calls of runbooks in ROA style go: ``cs=http://127.0.0.1:8080`` for the service CS
    roa_endpoints: tuple[str, ...] = ()
    #: what HTTP subscriptions of MNS may push to: each an address, which allows itself and all below it
    push_endpoints: tuple[str, ...] = ()
