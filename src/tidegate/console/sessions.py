"""Who is signed in: a cookie sealed by the vault, believed only as long as what it rests on stands."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from datetime import datetime, timedelta

import msgspec

from tidegate.clock import Clock
from tidegate.console.surroundings import Authority
from tidegate.errors import ConfigurationError
from tidegate.services.operation import Principal
from tidegate.services.ram.logins import Outcome
from tidegate.vault import Vault

LIFETIME = timedelta(hours=12)
_OWNER = "console-session"
_DOMAIN = ".onaliyun.com"
#: Sessions that were ended before their time, remembered until then; the oldest is forgotten first.
_MOST_ENDED = 10_000


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One browser. ``principal`` is None before sign-in.

    A RAM user signed in with the access key ``key``, or with the password that was set at ``login``; with ``reset`` it
    may do nothing before it has changed that.
    """

    id: str
    csrf: str
    expires: datetime
    principal: Principal | None = None
    key: str | None = None
    login: datetime | None = None
    reset: bool = False


class Sessions:
    """Opens and ends sessions. A session of an access key ends with the key, one of a password with the password."""

    def __init__(self, vault: Vault, authority: Authority, clock: Clock) -> None:
        self._vault = vault
        self._authority = authority
        self._clock = clock
        self._ended: dict[str, None] = {}

    def begin(
        self,
        principal: Principal | None = None,
        key: str | None = None,
        login: datetime | None = None,
        *,
        reset: bool = False,
    ) -> Session:
        """Return a session that begins now."""
        return Session(
            id=secrets.token_urlsafe(12),
            csrf=secrets.token_urlsafe(18),
            expires=self._clock.now() + LIFETIME,
            principal=principal,
            key=key,
            login=login,
            reset=reset,
        )

    def seal(self, session: Session) -> str:
        """Return the cookie's value."""
        sealed = self._vault.seal(msgspec.json.encode(session).decode(), _OWNER)
        return base64.urlsafe_b64encode(sealed).decode()

    async def open(self, cookie: str) -> Session | None:
        """Return the session of a cookie; None when it is over, was ended or is not ours."""
        try:
            text = self._vault.open(base64.urlsafe_b64decode(cookie), _OWNER)
            session = msgspec.json.decode(text, type=Session)
        except (ConfigurationError, ValueError, binascii.Error):
            return None
        if session.expires <= self._clock.now() or session.id in self._ended:
            return None
        if session.key is not None:
            await self._authority.refresh()
            credential = await self._authority.credential(session.key)
            if credential is None or not credential.active or credential.principal != session.principal:
                return None
        if session.login is not None and session.principal is not None:
            if not await self._authority.logins.stands(session.principal, session.login):
                return None
            await self._authority.refresh()
        return session

    def end(self, session: Session) -> None:
        """Believe its cookie no longer."""
        self._ended[session.id] = None
        if len(self._ended) > _MOST_ENDED:
            del self._ended[next(iter(self._ended))]

    async def by_key(self, access_key_id: str, secret: str) -> Session | None:
        """Return a session of the RAM user with this access key; None when the pair is wrong."""
        await self._authority.refresh()
        credential = await self._authority.credential(access_key_id)
        expected = credential.secret if credential is not None else secrets.token_hex(15)
        same = hmac.compare_digest(expected.encode(), secret.encode("utf-8", "surrogatepass"))
        if credential is None or not same or not credential.active or credential.security_token is not None:
            return None
        return self.begin(credential.principal, access_key_id)

    async def by_password(self, name: str, password: str) -> tuple[Outcome, Session | None]:
        """Return how the attempt of a RAM user ended, and a session for it when it ended well.

        The name may have what the cloud's own sign-in asks for after an ``@``: the account's id or alias.
        """
        account = await self._authority.account_id()
        name, _, domain = name.partition("@")
        if domain:
            alias = await self._authority.account.alias(account)
            if domain.removesuffix(_DOMAIN) not in (account, alias):
                name = ""
        login = await self._authority.logins.sign_in(account, name, password)
        if login.principal is None:
            return login.outcome, None
        return login.outcome, self.begin(login.principal, login=login.changed, reset=login.outcome == "reset")

    async def of_account(self) -> Session:
        """Return a session of the account itself, for whoever holds a one-time link."""
        account = await self._authority.account_id()
        return self.begin(Principal(kind="Account", account_id=account, id=account))
