"""Keys as the door sees them, opened."""

from __future__ import annotations

from datetime import datetime

import msgspec

from tidegate.services.operation import Principal


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """An access key and whose it is; a temporary one has a token and ends at ``expires``. Prints without its secrets."""

    access_key_id: str
    secret: str
    principal: Principal
    active: bool = True
    security_token: str | None = None
    expires: datetime | None = None

    def __repr__(self) -> str:
        """Name the key only."""
        return f"Credential({self.access_key_id!r})"


class RootKey(msgspec.Struct, frozen=True, kw_only=True):
    """The account's own key. Prints without its secret."""

    account_id: str
    access_key_id: str
    secret: str

    def __repr__(self) -> str:
        """Name the key only."""
        return f"RootKey({self.access_key_id!r})"


class TemporaryKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that has just been made for a role. Prints without its secrets."""

    access_key_id: str
    secret: str
    token: str
    expires: datetime

    def __repr__(self) -> str:
        """Name the key only."""
        return f"TemporaryKey({self.access_key_id!r})"
