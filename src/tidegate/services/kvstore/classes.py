"""The instance classes on offer. Data, the same for every account."""

from __future__ import annotations

import msgspec


class InstanceClass(msgspec.Struct, frozen=True, kw_only=True):
    """A class. ``capacity`` is MB, ``bandwidth`` MB/s."""

    id: str
    capacity: int
    bandwidth: int
    connections: int = 10_000
    qps: int = 100_000
    #: Redis, or Tair with the Enterprise edition
    kind: str = "Redis"

    @property
    def edition(self) -> str:
        """The edition, as instances show it."""
        return "Enterprise" if self.kind == "Tair" else "Community"


_MASTER = {"small": 1, "mid": 2, "stand": 4, "large": 8, "2xlarge": 16, "4xlarge": 32, "8xlarge": 64}
_SHARD = {"small.2": 1, "mid.2": 2, "large": 4, "xlarge": 8, "2xlarge": 16}
_TAIR = (1, 2, 4, 8, 16, 24, 32, 64)

#: ASSUMPTION: the numbers of ``redis.master.small.default`` and those of public tables of the others; where a class has
#: several generations, the latest.
CLASSES = {
    one.id: one
    for one in (
        *(
            InstanceClass(id=f"redis.master.{size}.default", capacity=gigabytes * 1024, bandwidth=96)
            for size, gigabytes in _MASTER.items()
        ),
        InstanceClass(id="redis.shard.micro.ce", capacity=256, bandwidth=24),
        *(
            InstanceClass(
                id=f"redis.shard.{size}.ce", capacity=gigabytes * 1024, bandwidth=48 if gigabytes == 1 else 96
            )
            for size, gigabytes in _SHARD.items()
        ),
        *(
            InstanceClass(
                id=f"tair.rdb.{gigabytes}g",
                capacity=gigabytes * 1024,
                bandwidth=96,
                connections=30_000,
                qps=300_000,
                kind="Tair",
            )
            for gigabytes in _TAIR
        ),
    )
}


def class_of_capacity(megabytes: int) -> InstanceClass | None:
    """Return the standard class with exactly this capacity."""
    return next((one for one in CLASSES.values() if one.capacity == megabytes), None)
