"""The queue that carries wake-ups between processes: pgqueuer, on the same database.

A job only says "look at this". It holds no state, may come twice, late, or never.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

if TYPE_CHECKING:
    from pgqueuer.core.qm import QueueManager
    from pgqueuer.domain.models import Job

    from tidegate.store.database import Connection

#: jobs claimed in one statement, and jobs one node works on at a time
_BATCH = 20
_AT_ONCE = 40

#: called with the key of a work and the number of the job that says to look at it
Handle = Callable[[str, int], Awaitable[None]]


async def enqueue(connection: Connection, jobs: Sequence[tuple[str, timedelta, str]]) -> None:
    """Put jobs: key of the work, delay, mark. A job whose mark is in the queue already is not put again."""
    await connection.execute(
        "select enqueue($1, $2, $3)",
        [key for key, _, _ in jobs],
        [max(delay, timedelta()) for _, delay, _ in jobs],
        [mark for _, _, mark in jobs],
    )


class Consumer:
    """Claims jobs on one connection and hands them out until stopped or the connection breaks."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record], *, node: int, heartbeat_timeout: float) -> None:
        self._connection = connection
        self._node = node
        self._heartbeat_timeout = timedelta(seconds=heartbeat_timeout)
        self._manager: QueueManager | None = None
        self._stopped = False

    async def run(self, handle: Handle) -> None:
        """Hand out jobs; ``handle`` must not raise. Returns after ``stop``, when the last one has been handled."""
        # The library takes a third of a second to import: not before it is needed, and not on the loop.
        self._manager = manager = await asyncio.to_thread(_make_manager, self._connection, self._node)
        if self._stopped:
            return

        async def advance(job: Job) -> None:
            await handle((job.payload or b"").decode(), int(job.id))

        manager.entrypoint("advance", accepts_context=False)(advance)
        await manager.run(
            batch_size=_BATCH,
            max_concurrent_tasks=_AT_ONCE,
            heartbeat_timeout=self._heartbeat_timeout,
            log_aggregation_interval=timedelta(),
            shutdown_on_listener_failure=True,
        )

    def stop(self) -> None:
        """Claim no more jobs."""
        self._stopped = True
        if self._manager is not None:
            self._manager.shutdown.set()


def _make_manager(connection: asyncpg.Connection[asyncpg.Record], node: int) -> QueueManager:
    from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver  # noqa: PLC0415
    from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder  # noqa: PLC0415
    from pgqueuer.adapters.persistence.queries import Queries  # noqa: PLC0415
    from pgqueuer.core.qm import QueueManager  # noqa: PLC0415
    from pgqueuer.domain.types import QueueManagerId  # noqa: PLC0415

    from tidegate.store import queue_schema  # noqa: PLC0415

    names = queue_schema.settings()
    queries = Queries(AsyncpgDriver(connection), qbe=QueryBuilderEnvironment(names), qbq=QueryQueueBuilder(names))
    manager = QueueManager(queries, channel=names.channel)
    # The jobs of a dead node are told by its number: leases.free_orphans.
    manager.queue_manager_id = QueueManagerId(UUID(int=node))
    return manager
