"""MNS as a whole: what its API calls, and what other products send by."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tidegate.clock import Clock
from tidegate.ids import Ids
from tidegate.services.mns import refusals
from tidegate.services.mns.around import Around
from tidegate.services.mns.messages import Messages
from tidegate.services.mns.polls import Polls
from tidegate.services.mns.publishing import Publishing
from tidegate.services.mns.pushing import Pusher
from tidegate.services.mns.queues import Queues
from tidegate.services.mns.requests import Body
from tidegate.services.mns.signing import Signer
from tidegate.services.mns.topics import Topics
from tidegate.store.database import Database
from tidegate.store.mns import messages, queues, topics
from tidegate.vault import Vault


class Mns:
    """The queues and topics of one cloud.

    ``push_endpoints``: the only addresses HTTP subscriptions may push to. ``door`` tells where this cloud is reached.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        *,
        vault: Vault,
        door: Callable[[], str],
        push_endpoints: Sequence[str] = (),
    ) -> None:
        self.polls = Polls(database)
        self.around = Around(
            database=database, clock=clock, ids=ids, polls=self.polls, push_endpoints=push_endpoints, door=door
        )
        self.signer = Signer(database, vault)
        self.pusher = Pusher(self.around, self.signer)
        self.queues = Queues(self.around)
        self.messages = Messages(self.around)
        self.topics = Topics(self.around)
        self.publishing = Publishing(self.around, self.messages)

    async def close(self) -> None:
        """Send whoever waits for a message away."""
        await self.polls.close()

    # ---- for other products ----------------------------------------------------------------------------------------

    async def queue_exists(self, account_id: str, region: str, name: str) -> bool:
        """Whether an account has a queue."""
        async with self.around.database.connection() as db:
            return await queues.find(db, account_id, region, name) is not None

    async def topic_exists(self, account_id: str, region: str, name: str) -> bool:
        """Whether an account has a topic."""
        async with self.around.database.connection() as db:
            return await topics.find(db, account_id, region, name) is not None

    async def send(self, account_id: str, region: str, queue: str, body: str, *, message_id: str) -> None:
        """Send to a queue; the same id again changes nothing as long as the first message is there.

        Raises CloudError: QueueNotExist, or InvalidArgument for a body that is too large.
        """
        async with self.around.database.connection() as db:
            found = await queues.find(db, account_id, region, queue)
            if found is None:
                raise refusals.queue_unknown()
            await messages.put(db, [self.messages.draft(found, Body(message_body=body), message_id)])
        self.polls.ring([found.id])

    async def publish(self, account_id: str, region: str, topic: str, body: str, *, message_id: str) -> None:
        """Publish to a topic; raises CloudError: TopicNotExist, or InvalidArgument for a body that is too large."""
        await self.publishing.publish((account_id, region, topic), body, "", message_id)
