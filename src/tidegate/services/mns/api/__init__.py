"""The operations of MNS."""

from tidegate.services.mns.api import messages, queues, topics
from tidegate.services.mns.api.open import mns_open
from tidegate.services.mns.api.product import mns

__all__ = ["messages", "mns", "mns_open", "queues", "topics"]
