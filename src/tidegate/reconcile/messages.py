"""Sends what Auto Scaling has to tell queues and topics, until it was taken or is not worth telling any more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from tidegate.errors import CloudError
from tidegate.reconcile.run import Controller, Run, Suspend
from tidegate.services.ess import wording
from tidegate.services.ess.announcer import MESSAGE
from tidegate.services.ess.service import Ess
from tidegate.services.ess.states import ActionStatus
from tidegate.store.ess import actions, activities, messages
from tidegate.store.ess.messages import Message
from tidegate.telemetry.points import reach

#: how long to wait for a queue that is not there. ASSUMPTION; the cloud says only that it tries again
_PAUSE = timedelta(seconds=10)


class MessageController:
    """Drives messages: one work for each."""

    def __init__(self, ess: Ess) -> None:
        self._around = ess.around

    @property
    def controllers(self) -> Mapping[str, Controller]:
        """The kinds of work that this drives."""
        return {MESSAGE: self.send}

    async def send(self, run: Run) -> str:
        """Send one message; a crash between its arrival and our knowing sends it again under the same id."""
        async with self._around.database.connection() as db:
            message = await messages.find(db, run.id)
            action = await actions.find(db, message.token) if message and message.token else None
        if message is None:
            return "gone"
        is_over = message.token is not None and (action is None or action.status != ActionStatus.PENDING)
        if is_over or run.now() >= message.until:
            return await self._end(run, message, "given up")
        try:
            await self._hand_over(message)
        except CloudError as error:
            await self._note(run, message, error)
            raise Suspend(run.now() + _PAUSE) from None
        reach(f"{MESSAGE}.sent")
        return await self._end(run, message, "sent")

    async def _hand_over(self, message: Message) -> None:
        hand_over = self._around.messages.send if message.kind == "queue" else self._around.messages.publish
        await hand_over(message.account_id, message.region, message.name, message.body, message_id=message.id)

    async def _note(self, run: Run, message: Message, error: CloudError) -> None:
        """Write down, once, why the receiver of an activity's message does not get it."""
        if message.activity_id is not None:
            async with run.transaction() as tx:
                line = wording.message_not_sent(message.kind, message.name, error.code)
                await activities.tell(tx, message.activity_id, line)

    async def _end(self, run: Run, message: Message, how: str) -> str:
        async with run.transaction() as tx:
            await messages.remove(tx, message.id)
        return how
