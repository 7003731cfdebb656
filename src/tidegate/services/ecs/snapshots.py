"""Snapshots of disks, and the policies that say when they are made.

A snapshot is a record with the progress of a copy: what a disk holds is not copied. Policies make theirs by the cloud's
clock, and remove them when they have been kept long enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import msgspec

from tidegate.services.ecs import faults, limits, naming
from tidegate.services.ecs.means import Answered, Means
from tidegate.services.operation import Call
from tidegate.store import work
from tidegate.store.ecs import snapshots as rows
from tidegate.store.ecs import tags as tag_rows
from tidegate.store.ecs.attachments import DISKS, Disk, change_disk
from tidegate.store.ecs.shelf import Wanted, shown
from tidegate.store.ecs.snapshots import IMAGES, POLICIES, SNAPSHOTS, Snapshot, SnapshotPolicy

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: The kind of work that looks after one snapshot policy; its key is ``snapshot-policy/<id>``.
KIND = "snapshot-policy"
_CHINA = timezone(timedelta(hours=8))


class Snapshots:
    """The snapshots and snapshot policies of every account."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def create(
        self,
        call: Call,
        disk_id: str,
        *,
        name: str,
        description: str,
        retention_days: int,
        tags: Mapping[str, str],
    ) -> str:
        """Begin a snapshot of a disk that is bound to an instance, or was; returns its id."""
        if name and (not naming.is_name(name) or name.startswith("auto")):
            raise faults.bad("InvalidSnapshotName.Malformed")

        async def act(tx: Connection) -> Answered:
            disk = (await DISKS.find(tx, call.account_id, call.region, [disk_id])).get(disk_id)
            if disk is None:
                raise faults.not_found("InvalidDiskId")
            [made] = await self.add(tx, call.account_id, call.region, [disk], name, description, retention_days)
            await tag_rows.put(tx, call.account_id, call.region, "snapshot", ids=[made.id], tags=tags)
            return {"id": made.id}

        return str((await self._means.once(call, act))["id"])

    async def add(
        self,
        tx: Connection,
        account_id: str,
        region: str,
        disks: Sequence[Disk],
        name: str = "",
        description: str = "",
        retention_days: int = 0,
        *,
        kind: str = "user",
    ) -> list[Snapshot]:
        """Write a snapshot of each disk."""
        if await SNAPSHOTS.held(tx, account_id, region) + len(disks) > limits.SNAPSHOTS:
            raise faults.denied("QuotaExceeded")
        made = [
            Snapshot(
                id=self._means.ids.resource("s", region),
                account_id=account_id,
                region=region,
                name=name,
                description=description,
                type=kind,
                disk_id=disk.id,
                disk_type=disk.type,
                disk_size=disk.size,
                instance_id=disk.instance_id,
                retention_days=retention_days,
                status="accomplished",
                passing="progressing",
                passes_at=self._means.copied_at(),
                created_at=self._means.now(),
            )
            for disk in disks
        ]
        await SNAPSHOTS.add(tx, *made)
        return made

    async def page(
        self, wanted: Wanted, *, number: int, size: int
    ) -> tuple[list[Snapshot], int, Mapping[str, Mapping[str, str]], Mapping[str, str]]:
        """Return one page of snapshots, how many there are, their tags, and what each is used for."""
        async with self._means.database.connection() as db:
            found, total = await SNAPSHOTS.page(db, wanted, self._means.now(), number=number, size=size)
            ids = [one.id for one in found]
            tags = await tag_rows.of_resources(db, "snapshot", ids)
            usage = await _usage(db, wanted.account_id, ids)
        return found, total, tags, usage

    def status(self, snapshot: Snapshot) -> str:
        """Return the status that callers see."""
        return shown(snapshot, self._means.now())

    async def delete(self, call: Call, snapshot_id: str, *, force: bool) -> None:
        """Remove a snapshot. One that an image was made of only by ``force``; the image stays."""
        async with self._means.database.transaction() as tx:
            if snapshot_id not in await SNAPSHOTS.lock(tx, call.account_id, call.region, [snapshot_id]):
                raise faults.not_found("InvalidSnapshotId")
            if not force and "image" in (await _usage(tx, call.account_id, [snapshot_id])).get(snapshot_id, ""):
                raise faults.denied("SnapshotCreatedImage")
            await SNAPSHOTS.remove(tx, "where id = $1", snapshot_id)
            await tag_rows.remove(tx, "snapshot", [snapshot_id], None)

    # ---- policies --------------------------------------------------------------------------------------------------

    async def create_policy(
        self, call: Call, *, name: str, time_points: Sequence[int], weekdays: Sequence[int], retention_days: int
    ) -> str:
        """Make a policy; returns its id."""
        _check_times(time_points, weekdays)

        async def act(tx: Connection) -> Answered:
            if await POLICIES.held(tx, call.account_id, call.region) >= limits.POLICIES:
                raise faults.denied("QuotaExceeded")
            made = SnapshotPolicy(
                id=self._means.ids.resource("sp", call.region),
                account_id=call.account_id,
                region=call.region,
                name=name,
                time_points=sorted(set(time_points)),
                weekdays=sorted(set(weekdays)),
                retention_days=retention_days,
                done_until=self._means.now(),
                created_at=self._means.now(),
            )
            await POLICIES.add(tx, made)
            await work.start(tx, work_key(made.id), KIND, now=self._means.now())
            return {"id": made.id}

        return str((await self._means.once(call, act))["id"])

    async def policies(self, wanted: Wanted) -> tuple[list[SnapshotPolicy], Mapping[str, int]]:
        """Return the policies wanted, and how many disks each one has."""
        async with self._means.database.connection() as db:
            found = await POLICIES.all(db, wanted, self._means.now())
            held = {
                one.id: await DISKS.seen.count(
                    db, "where account_id = $1 and region = $2 and policy_id = $3", one.account_id, one.region, one.id
                )
                for one in found
            }
        return found, held

    async def modify_policy(self, call: Call, policy_id: str, changes: Mapping[str, Any]) -> None:
        """Change a policy."""
        _check_times(changes.get("time_points", (0,)), changes.get("weekdays", (1,)))
        async with self._means.database.transaction() as tx:
            policy = await self._policy(tx, call, policy_id)
            await POLICIES.write(tx, msgspec.structs.replace(policy, **changes))
            await work.wake(tx, work_key(policy.id), now=self._means.now())

    async def delete_policy(self, call: Call, policy_id: str) -> None:
        """Remove a policy; its disks have none any more."""
        async with self._means.database.transaction() as tx:
            policy = await self._policy(tx, call, policy_id)
            await self._assign(tx, await _disks_of(tx, policy), "")
            await POLICIES.remove(tx, "where id = $1", policy.id)
            await work.wake(tx, work_key(policy.id), now=self._means.now())

    async def fire(self, tx: Connection, policy_id: str) -> datetime | None:
        """Make the snapshots that are due by a policy; return when the next ones are, None when there is no policy.

        ASSUMPTION: of the moments that were missed while nobody looked, one is made up for.
        """
        policy, now = await rows.policy(tx, policy_id), self._means.now()
        if policy is None:
            return None
        if (due := next_moment(policy, policy.done_until)) <= now:
            disks = [one for one in await _disks_of(tx, policy) if one.instance_id]
            name = f"auto2.0_{due.astimezone(_CHINA):%Y%m%d}_{policy.id}"
            await self.add(tx, policy.account_id, policy.region, disks, name, "", policy.retention_days, kind="auto")
            await rows.forget_old(tx, policy.account_id, policy.region, now)
            policy = msgspec.structs.replace(policy, done_until=now)
            await POLICIES.write(tx, policy)
        return next_moment(policy, policy.done_until)

    async def apply_policy(self, call: Call, policy_id: str, disk_ids: Sequence[str]) -> None:
        """Let a policy, and no other, care for disks."""
        async with self._means.database.transaction() as tx:
            policy = await self._policy(tx, call, policy_id)
            await self._assign(tx, await self._known_disks(tx, call, disk_ids), policy.id)

    async def cancel_policies(self, call: Call, disk_ids: Sequence[str]) -> None:
        """Let no policy care for disks."""
        async with self._means.database.transaction() as tx:
            await self._assign(tx, await self._known_disks(tx, call, disk_ids), "")

    async def _known_disks(self, tx: Connection, call: Call, disk_ids: Sequence[str]) -> list[Disk]:
        known = await DISKS.find(tx, call.account_id, call.region, disk_ids)
        if not disk_ids or set(disk_ids) - known.keys():
            raise faults.not_found("InvalidDiskId")
        return list(known.values())

    async def _assign(self, tx: Connection, disks: Sequence[Disk], policy_id: str) -> None:
        for disk in disks:
            await change_disk(tx, disk, policy_id=policy_id)

    async def _policy(self, tx: Connection, call: Call, policy_id: str) -> SnapshotPolicy:
        found = (await POLICIES.lock(tx, call.account_id, call.region, [policy_id])).get(policy_id)
        if found is None:
            raise faults.not_found("InvalidAutoSnapshotPolicyId")
        return found


def work_key(policy_id: str) -> str:
    """Return the key of the work that looks after a policy."""
    return f"{KIND}/{policy_id}"


def next_moment(policy: SnapshotPolicy, after: datetime) -> datetime:
    """Return the first moment after ``after`` at which a policy makes snapshots."""
    local = after.astimezone(_CHINA)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    moments = (
        midnight + timedelta(days=day, hours=hour)
        for day in range(8)
        if (local.isoweekday() - 1 + day) % 7 + 1 in policy.weekdays
        for hour in policy.time_points
    )
    return next(moment for moment in moments if moment > local).astimezone(UTC)


def progress(begun: datetime, ready: datetime, now: datetime) -> str:
    """Return how much of a copy is done, as the cloud writes it: ``40%``."""
    if now >= ready:
        return "100%"
    return f"{int(100 * max(0.0, (now - begun) / (ready - begun)))}%"


def _check_times(time_points: Sequence[int], weekdays: Sequence[int]) -> None:
    if not time_points or not all(0 <= one <= 23 for one in time_points):
        raise faults.bad("InvalidTimePoints.Malformed")
    if not weekdays or not all(1 <= one <= 7 for one in weekdays):
        raise faults.bad("InvalidRepeatWeekdays.Malformed")


async def _disks_of(tx: Connection, policy: SnapshotPolicy) -> list[Disk]:
    return await DISKS.seen.every(
        tx, "where account_id = $1 and region = $2 and policy_id = $3", policy.account_id, policy.region, policy.id
    )


async def _usage(db: Connection, account_id: str, ids: Sequence[str]) -> dict[str, str]:
    """Return what snapshots are used for: ``image``, ``disk``, ``image_disk``; those without use are left out."""
    images = {
        disk.snapshot_id for one in await IMAGES.every(db, "where account_id = $1", account_id) for disk in one.disks
    }
    disks = {one.snapshot_id for one in await DISKS.every(db, "where snapshot_id = any($1)", list(ids))}
    usage = {one: "_".join(["image"] * (one in images) + ["disk"] * (one in disks)) for one in ids}
    return {one: word for one, word in usage.items() if word}
