"""Everything the console is built on, handed in by assembly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tidegate.clock import Clock
from tidegate.cloud.caller import Caller
from tidegate.plane.gate.base import Visitor
from tidegate.services.operation import Principal
from tidegate.services.ram.accounts import Account
from tidegate.services.ram.credential import Credential
from tidegate.services.ram.decision import Decision
from tidegate.services.ram.logins import Logins
from tidegate.store.database import Database
from tidegate.vault import Vault


class Authority(Protocol):
    """RAM, as the console needs it: signing in, and the simulator."""

    @property
    def account(self) -> Account:
        """The account, for its alias."""
        ...

    @property
    def logins(self) -> Logins:
        """The passwords of users."""
        ...

    async def account_id(self) -> str:
        """Return the id of the account."""
        ...

    async def refresh(self, epoch: int | None = None) -> None:
        """Forget what is out of date."""
        ...

    async def credential(self, access_key_id: str, epoch: int | None = None) -> Credential | None:
        """Return the key, or None when nobody has it."""
        ...

    async def decide(
        self, principal: Principal, action: str, resource: str, context: Mapping[str, str] | None = None
    ) -> Decision:
        """Decide about one action on one resource."""
        ...


class Door(Protocol):
    """The gates of Redis instances, as the console needs them."""

    async def attempts(self, server_id: str) -> Sequence[Visitor]:
        """Return who tried to connect lately. Raises PlaneError."""
        ...


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the pages stand on. The cloud itself is reached through ``call_as`` only."""

    call_as: Callable[[Principal], Caller]
    authority: Authority
    vault: Vault
    #: the cloud's clock; links and sessions go by the wall's, which does not jump when the cloud's is moved
    clock: Clock
    wall: Clock
    database: Database
    door: Door
    region: str
    #: where one-time links are kept
    folder: Path
