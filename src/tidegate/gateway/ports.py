"""What the door asks of others: who has this key, may they do this, has this nonce been seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from tidegate.services.operation import Principal


class Credential(Protocol):
    """An access key and whose it is. Temporary keys have a ``security_token`` and an ``expires``."""

    @property
    def access_key_id(self) -> str:
        """The key's id."""
        ...

    @property
    def secret(self) -> str:
        """What it signs with."""
        ...

    @property
    def principal(self) -> Principal:
        """Whose it is."""
        ...

    @property
    def active(self) -> bool:
        """Whether it was not disabled."""
        ...

    @property
    def security_token(self) -> str | None:
        """What must accompany a temporary key."""
        ...

    @property
    def expires(self) -> datetime | None:
        """When a temporary key ends."""
        ...


class Decision(Protocol):
    """Whether one action on one resource is allowed; ``detail`` is the AccessDeniedDetail of a denial (ram.md 12)."""

    @property
    def allowed(self) -> bool:
        """Whether it may be done."""
        ...

    @property
    def resource(self) -> str:
        """What it is about."""
        ...

    @property
    def detail(self) -> Mapping[str, str]:
        """Why not: the AccessDeniedDetail."""
        ...


class Authority(Protocol):
    """Knows keys and permissions: the part of RAM that the door needs."""

    async def credential(self, access_key_id: str, epoch: int | None = None) -> Credential | None:
        """Return the key, or None when nobody has it.

        ``epoch`` is the present count of RAM changes: everything older that was remembered is forgotten first. Without
        it the answer may be as old as the last epoch seen, but a key's secret never changes.
        """
        ...

    async def refresh(self, epoch: int | None = None) -> None:
        """Forget what is older than ``epoch``; without one, it is read first."""
        ...

    async def note_use(self, access_key_id: str) -> None:
        """Remember that a key has just signed a call, for GetAccessKeyLastUsed."""
        ...

    async def decide_all(
        self, principal: Principal, action: str, resources: Sequence[str], context: Mapping[str, str]
    ) -> Decision:
        """Decide about one action (``ecs:DescribeInstances``) on each resource ARN, as of the last epoch seen.

        Returns the first denial, or an allowance when there is none.
        """
        ...


class NonceBook(Protocol):
    """Remembers which nonces were used, across processes and restarts."""

    async def spend(self, access_key_id: str, nonce: str, now: datetime) -> int | None:
        """Use up a nonce and return the present RAM epoch; None when it was used before."""
        ...

    async def epoch(self) -> int:
        """Return the present RAM epoch."""
        ...
