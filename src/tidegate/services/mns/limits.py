"""Quotas, bounds and defaults of MNS, as its CreateQueue, SendMessage and limits pages state them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from tidegate.store.mns.queues import Attributes

NAME: Final = 120
TAG: Final = 16
QUEUES: Final = 1_000
TOPICS: Final = 1_000
SUBSCRIPTIONS: Final = 100
#: messages in one batch call, and receipts in one
BATCH: Final = 16
#: bytes of all bodies of a batch
BATCH_BYTES: Final = 65_536
PAGE: Final = 1_000
PRIORITIES: Final = (1, 16)
DEFAULT_PRIORITY: Final = 8
#: seconds a received message may be hidden for
VISIBILITY: Final = (1, 43_200)
WAIT: Final = (0, 30)
#: user properties of a message
PROPERTIES: Final = 16
#: lowest and highest value of each attribute of a queue
BOUNDS: Final = {
    "delay_seconds": (0, 604_800),
    "maximum_message_size": (1_024, 65_536),
    "message_retention_period": (60, 604_800),
    "visibility_timeout": VISIBILITY,
    "polling_wait_seconds": WAIT,
}
DEFAULTS: Final = Attributes(
    delay_seconds=0,
    maximum_message_size=65_536,
    message_retention_period=345_600,
    visibility_timeout=30,
    polling_wait_seconds=0,
    logging_enabled=False,
)
#: how long a topic tries to reach its subscribers
TOPIC_RETENTION: Final = timedelta(days=1)

#: Long polls of one process, and of one queue in it; ASSUMPTION on the numbers (the cloud sets them by load). Whoever is
#: above gets MessageNotExist at once, as on the cloud.
POLLS: Final = 2_000
POLLS_OF_A_QUEUE: Final = 1_000
