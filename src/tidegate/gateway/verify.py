"""Proves who is calling: key, time window, signature, nonce, token, in this order (wire.md 15.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from tidegate.clock import Clock
from tidegate.gateway.exchange import Claim, Exchange, known
from tidegate.gateway.ports import Authority, Credential, NonceBook
from tidegate.wire import faults
from tidegate.wire.signatures import same

#: How far a time stamp may be off, either way (wire.md 8).
WINDOW = timedelta(minutes=15)

_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)
#: ASSUMPTION: what a security token may look like at all; the cloud says only "long and opaque" (ram.md 1).
_TOKEN = re.compile(r"[A-Za-z0-9+/=_.~-]{16,8192}")


class Verify:
    """Sets ``principal``, or raises CloudError. Nothing is recorded before the signature is proven.

    ``wall`` is the clock that clients sign by; ``clock`` is the cloud's own, by which temporary keys expire.
    """

    def __init__(self, ram: Authority, nonces: NonceBook, *, wall: Clock, clock: Clock) -> None:
        self._ram = ram
        self._nonces = nonces
        self._wall = wall
        self._clock = clock

    async def __call__(self, exchange: Exchange) -> None:
        """Prove the claim of a call."""
        claim: Claim = known(exchange.claim)
        credential = await self._credential(claim.access_key_id)
        now = self._wall.now()
        _check_time(claim.timestamp, now)
        if not same(claim.sign(credential.secret, claim.string_to_sign), claim.signature):
            raise faults.signature_mismatch(claim.string_to_sign)
        epoch = await self._nonces.spend(claim.access_key_id, claim.nonce, now)
        if epoch is None:
            raise faults.nonce_used()
        # What was remembered about the key was enough to prove the signature; now that the epoch is known, see
        # whether the key still stands.
        credential = _standing(await self._ram.credential(claim.access_key_id, epoch))
        _check_token(claim.security_token, credential, self._clock.now())
        await self._ram.note_use(claim.access_key_id)
        exchange.principal = credential.principal

    async def _credential(self, access_key_id: str) -> Credential:
        """Return the key; one that is refused from memory is looked at once more."""
        credential = await self._ram.credential(access_key_id)
        if credential is None or not credential.active:
            credential = await self._ram.credential(access_key_id, await self._nonces.epoch())
        return _standing(credential)


def _standing(credential: Credential | None) -> Credential:
    if credential is None:
        raise faults.key_not_found()
    if not credential.active:
        raise faults.key_inactive()
    return credential


def _check_time(timestamp: str, now: datetime) -> None:
    if not _TIMESTAMP.fullmatch(timestamp):
        raise faults.timestamp_format()
    try:
        moment = datetime.fromisoformat(timestamp).astimezone(UTC)
    except ValueError as error:
        raise faults.timestamp_format() from error
    if abs(moment - now) > WINDOW:
        raise faults.timestamp_expired()


def _check_token(given: str, credential: Credential, now: datetime) -> None:
    if credential.security_token is None:
        if given:
            raise faults.token_mismatch()
        return
    if not given:
        raise faults.missing("SecurityToken")
    if not same(credential.security_token, given):
        raise faults.token_mismatch() if _TOKEN.fullmatch(given) else faults.token_malformed()
    if credential.expires is not None and credential.expires <= now:
        raise faults.token_expired()
