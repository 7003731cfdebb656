"""Proves who calls MNS: headers, time, key, signature, token."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from tidegate.clock import Clock
from tidegate.gateway.exchange import Exchange
from tidegate.gateway.identify import MAX_KEY_ID
from tidegate.gateway.ports import Authority, Credential, NonceBook
from tidegate.gateway.verify import WINDOW
from tidegate.services.mns import refusals
from tidegate.wire.mns import SCHEME, VERSION, is_md5_of, signature, string_to_sign
from tidegate.wire.signatures import same


class Prove:
    """Sets ``principal``, or raises CloudError.

    Requests of MNS carry no nonce: within the 15 minutes of its date the same request can come again, as on the cloud.
    ``wall`` is the clock that clients sign by; ``clock`` is the cloud's own, by which temporary keys expire.
    """

    def __init__(self, ram: Authority, nonces: NonceBook, *, wall: Clock, clock: Clock) -> None:
        self._ram = ram
        self._nonces = nonces
        self._wall = wall
        self._clock = clock

    async def __call__(self, exchange: Exchange, resource: str) -> None:
        """Prove a call; ``resource`` is the target as it was sent."""
        key_id, given = _claim(exchange)
        _check_headers(exchange, self._wall.now())
        epoch = await self._nonces.epoch()
        credential = await self._ram.credential(key_id, epoch)
        if credential is None or not credential.active:
            raise refusals.key_unknown()
        to_sign = string_to_sign(exchange.method, resource, exchange.headers)
        if not same(signature(credential.secret, to_sign), given):
            raise refusals.signature_mismatch()
        _check_token(exchange.headers.get("security-token", ""), credential, self._clock.now())
        await self._ram.note_use(key_id)
        exchange.principal = credential.principal


def _claim(exchange: Exchange) -> tuple[str, str]:
    """Read ``MNS <key id>:<signature>``."""
    authorization = exchange.headers.get("authorization", "")
    if not authorization:
        raise refusals.authorization_missing()
    scheme, _, proof = authorization.partition(" ")
    key_id, _, given = proof.strip().partition(":")
    if scheme != SCHEME or not key_id or not given or len(key_id) > MAX_KEY_ID or "\0" in key_id:
        raise refusals.authorization_invalid()
    return key_id, given


def _check_headers(exchange: Exchange, now: datetime) -> None:
    headers = exchange.headers
    version = headers.get("x-mns-version", "")
    if not version:
        raise refusals.version_missing()
    if version != VERSION:
        raise refusals.version_invalid()
    date = headers.get("x-mns-date") or headers.get("date", "")
    if not date:
        raise refusals.date_missing()
    try:
        moment = parsedate_to_datetime(date)
    except ValueError as error:
        raise refusals.date_invalid() from error
    # "-0000" leaves the zone open; like GMT it means UTC here
    if abs((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now) > WINDOW:
        raise refusals.expired()
    digest = headers.get("content-md5", "")
    if digest and not is_md5_of(digest, exchange.body):
        raise refusals.digest_invalid()


def _check_token(given: str, credential: Credential, now: datetime) -> None:
    wanted = credential.security_token
    if not same(wanted or "", given):
        raise refusals.token_invalid()
    if credential.expires is not None and credential.expires <= now:
        raise refusals.token_expired()
