"""Snapshots, the policies that make them, and images made of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from tidegate.store.ecs.shelf import Shelf

if TYPE_CHECKING:
    from tidegate.store.database import Connection


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of a disk. ``type`` is ``user``, or ``auto`` when a policy made it; sizes are GiB."""

    id: str
    account_id: str
    region: str
    name: str
    description: str
    type: str
    disk_id: str
    disk_type: str
    disk_size: int
    instance_id: str
    retention_days: int
    status: str
    passing: str
    passes_at: datetime
    created_at: datetime


class SnapshotPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When snapshots are made: hours of the day and days of the week (Monday is 1), in UTC+8."""

    id: str
    account_id: str
    region: str
    name: str
    time_points: Sequence[int]
    weekdays: Sequence[int]
    retention_days: int
    done_until: datetime
    created_at: datetime


class ImageDisk(msgspec.Struct, frozen=True, kw_only=True):
    """One disk that instances of an image get."""

    device: str
    type: str
    size: int
    snapshot_id: str


class OwnImage(msgspec.Struct, frozen=True, kw_only=True):
    """An image that an account made. ``base_id`` is the system image that it descends from."""

    id: str
    account_id: str
    region: str
    name: str
    family: str
    version: str
    description: str
    base_id: str
    size: int
    is_copied: bool
    disks: Sequence[ImageDisk]
    shared_with: Sequence[str]
    status: str
    passing: str
    passes_at: datetime
    created_at: datetime


SNAPSHOTS = Shelf(Snapshot, "ecs_snapshot")
POLICIES = Shelf(SnapshotPolicy, "ecs_snapshot_policy")
IMAGES = Shelf(OwnImage, "ecs_image")


async def policy(tx: Connection, policy_id: str) -> SnapshotPolicy | None:
    """Return a policy of any account, locked."""
    return await POLICIES.one(tx, "where id = $1 for update", policy_id)


async def forget_old(tx: Connection, account_id: str, region: str, now: datetime) -> int:
    """Remove what policies made and need not be kept any more; return how many snapshots that were."""
    return await SNAPSHOTS.remove(
        tx,
        "where account_id = $1 and region = $2 and type = 'auto' and retention_days > 0 "
        "and created_at + make_interval(days => retention_days) <= $3",
        account_id,
        region,
        now,
    )
