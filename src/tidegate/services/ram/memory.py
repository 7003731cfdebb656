"""What one process remembers of RAM between requests, and for how long it may."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

from tidegate.services.ram.credential import Credential
from tidegate.services.ram.policy import NamedPolicy, Policy

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")

_CREDENTIALS = 4096
_IDENTITIES = 4096
_DOCUMENTS = 2048


class Bounded(Generic[KeyT, ValueT]):
    """A mapping that lets go of what came first when it is full."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[KeyT, ValueT] = {}

    def get(self, key: KeyT) -> ValueT | None:
        """Return what is remembered, or None."""
        return self._values.get(key)

    def put(self, key: KeyT, value: ValueT) -> None:
        """Remember ``value``."""
        if key not in self._values and len(self._values) >= self._most:
            del self._values[next(iter(self._values))]
        self._values[key] = value


class Memory:
    """What was read since a RAM epoch began. Never changed backwards: a new epoch gets a new memory.

    Whoever begins to read puts the result into the memory it began with, so that what was read before a change cannot
    be remembered after it.
    """

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.credentials: Bounded[str, Credential] = Bounded(_CREDENTIALS)
        self.policies: Bounded[str, Sequence[NamedPolicy]] = Bounded(_IDENTITIES)


def remember_documents(read: Callable[[str], Policy]) -> Callable[[str], Policy]:
    """Return ``read`` with a memory of the documents it compiled; a text always means the same, whatever the epoch."""
    return lru_cache(maxsize=_DOCUMENTS)(read)
