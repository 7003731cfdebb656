"""An MNS on a real database whose controllers are driven by hand, and ways to ask things of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from support.driving import Driver
from tidegate.clock import AdjustableClock
from tidegate.ids import Ids
from tidegate.reconcile.mns import MnsController
from tidegate.services.mns.requests import Body, QueueAttributes, Subscribe, TopicAttributes
from tidegate.services.mns.service import Mns
from tidegate.services.operation import Call, Principal
from tidegate.store.database import Database
from tidegate.store.mns.messages import Message
from tidegate.store.mns.topics import Push
from tidegate.vault import Vault

ACCOUNT = "1234567890123456"
REGION = "cn-hangzhou"
ENDPOINT = "http://127.0.0.1:9/hook"


class Receiver:
    """Takes the place of HTTP: remembers what was pushed and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.answers = True

    async def push(self, push: Push) -> bool:
        self.got.append(push.message_id)
        return self.answers

    async def close(self) -> None:
        pass


@dataclass
class MnsWorld:
    """MNS and what is around it."""

    database: Database
    clock: AdjustableClock
    mns: Mns
    driver: Driver
    receiver: Receiver = field(default_factory=Receiver)

    @property
    def call(self) -> Call:
        """A call of the account itself."""
        owner = Principal(kind="Account", account_id=ACCOUNT, id=ACCOUNT)
        return Call(principal=owner, region=REGION, request_id="R-1", product="mns", action="", version="2015-06-06")

    async def queue(self, name: str, **attributes: Any) -> None:
        await self.mns.queues.create(self.call, QueueAttributes(queue_name=name, **attributes))

    async def topic(self, name: str, **endpoints: str) -> None:
        """Make a topic with a subscription for each endpoint, by name; ``SIMPLIFIED``."""
        await self.mns.topics.create(self.call, TopicAttributes(topic_name=name))
        for one, endpoint in endpoints.items():
            wanted = Subscribe(
                topic_name=name, subscription_name=one, endpoint=endpoint, notify_content_format="SIMPLIFIED"
            )
            await self.mns.topics.subscribe(self.call, wanted)

    async def send(self, name: str, *bodies: str, **options: Any) -> list[str]:
        """Send texts; returns the ids."""
        sent = await self.mns.messages.send(self.call, name, [Body(message_body=body, **options) for body in bodies])
        return [one.id for one in sent]

    async def receive(self, name: str, number: int = 16, wait: int = 0) -> list[Message]:
        return await self.mns.messages.receive(self.call, name, number, wait)

    async def until_waiting(self, count: int) -> None:
        """Return once so many long polls wait."""
        async with asyncio.timeout(10):
            while self.mns.polls.count < count:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)

    def queue_endpoint(self, name: str) -> str:
        return f"acs:mns:{REGION}:{ACCOUNT}:queues/{name}"


def make_mns(database: Database, clock: AdjustableClock, ids: Ids) -> MnsWorld:
    """Build one; its pushes go to ``receiver``."""
    receiver = Receiver()
    vault = Vault(b"k" * 32)
    mns = Mns(database, clock, ids, vault=vault, door=lambda: "http://127.0.0.1:1", push_endpoints=[ENDPOINT])
    mns.pusher = receiver  # type: ignore[assignment]
    driver = Driver(database, MnsController(mns).controllers, clock)
    return MnsWorld(database, clock, mns, driver, receiver)
