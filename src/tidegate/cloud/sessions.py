"""The keys a client signs with: those of its profile, or temporary ones of the role it acts under."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from tidegate.clock import Clock
from tidegate.cloud.credentials import Keys, Profile, Role

#: Temporary keys are replaced this long before they end.
_EARLY = timedelta(minutes=5)

Assume = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


class KeySource:
    """Gives the keys of the moment. ``assume`` calls AssumeRole with the profile's own keys."""

    def __init__(self, profile: Profile, clock: Clock, assume: Assume) -> None:
        self._profile = profile
        self._clock = clock
        self._assume = assume
        self._turn = asyncio.Lock()
        self._session: tuple[Keys, datetime] | None = None

    async def present(self) -> Keys:
        """Return keys that are good for the next call. Raises what AssumeRole raises."""
        role = self._profile.role
        if role is None:
            return self._profile.keys
        async with self._turn:
            if self._session is None or self._session[1] - _EARLY <= self._clock.now():
                self._session = await self._begin(role)
            return self._session[0]

    async def _begin(self, role: Role) -> tuple[Keys, datetime]:
        answer = await self._assume(
            {"RoleArn": role.arn, "RoleSessionName": role.session, "DurationSeconds": role.seconds}
        )
        given = answer["Credentials"]
        keys = Keys(
            access_key_id=given["AccessKeyId"],
            access_key_secret=given["AccessKeySecret"],
            security_token=given["SecurityToken"],
        )
        return keys, datetime.fromisoformat(given["Expiration"])
