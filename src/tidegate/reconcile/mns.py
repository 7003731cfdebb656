"""Pushes what topics could not give at once, and forgets what has outlived its retention."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from tidegate.reconcile.run import Controller, Run, Suspend
from tidegate.services.mns.endpoints import queue_of
from tidegate.services.mns.publishing import PUSH, next_try
from tidegate.services.mns.service import Mns
from tidegate.store import work
from tidegate.store.mns import messages, topics
from tidegate.store.mns.topics import Push

#: the work that forgets; its kind is the same word
RETENTION = "mns/retention"
_OFTEN = timedelta(minutes=5)


class MnsController:
    """Drives pushes and retention."""

    def __init__(self, mns: Mns) -> None:
        self._mns = mns
        self._around = mns.around

    @property
    def controllers(self) -> Mapping[str, Controller]:
        """The kinds of work that this drives."""
        return {PUSH: self.push, RETENTION: self.forget}

    async def begin(self) -> None:
        """Have retention kept; called whenever a cloud starts."""
        async with self._around.database.transaction() as tx:
            await work.drive(tx, RETENTION, RETENTION, now=self._around.now())

    async def push(self, run: Run) -> str:
        """Give one message to one subscriber, trying again by its strategy; ends when it has it, or is given up."""
        failed = 0
        while True:
            async with self._around.database.connection() as db:
                push = await topics.find_push(db, int(run.id))
            if push is None:
                return "gone"
            tried = await run.step(f"try:{failed + 1}", partial(self._try, run, push))
            if tried["taken"]:
                return await self._end(run, push, "taken")
            failed += 1
            at = next_try(push.subscription.notify_strategy, failed, datetime.fromisoformat(tried["at"]))
            if at is None or at >= push.expires_at:
                return await self._end(run, push, "given up")
            if run.now() < at:
                raise Suspend(at)

    async def forget(self, run: Run) -> None:
        """Delete messages that nobody received in time. Never ends."""
        async with self._around.database.connection() as db:
            while await messages.forget(db, run.now()):
                pass
            await topics.forget(db, run.now())
        raise Suspend(run.now() + _OFTEN)

    async def _try(self, run: Run, push: Push) -> dict[str, Any]:
        if queue_of(push.subscription.endpoint, push.topic.account_id, push.topic.region) is None:
            taken = await self._mns.pusher.push(push)
        else:
            taken = await self._put(run, push)
        return {"taken": taken, "at": run.now().isoformat()}

    async def _put(self, run: Run, push: Push) -> bool:
        """The queue was not there before; it may be now."""
        async with run.transaction() as tx:
            queue_id = await self._mns.publishing.give_again(tx, push)
        if queue_id is not None:
            self._mns.polls.ring([queue_id])
        return queue_id is not None

    async def _end(self, run: Run, push: Push, how: str) -> str:
        async with run.transaction() as tx:
            await topics.done(tx, push.id)
        return how
