"""ClientToken: a repeated call gets the first call's answer and changes nothing.

Both functions run in the transaction of the change itself, so an answer is remembered exactly when its change is kept.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tidegate.errors import CloudError

if TYPE_CHECKING:
    from tidegate.store.database import Connection

#: how long a token is remembered (wire.md: at least 24 hours, no product promises more)
LIFETIME = timedelta(hours=24)
#: first half of the advisory locks that let repeats in one at a time
_REPEATS = 0x746F6B65


def mismatch() -> CloudError:
    """The refusal of a token that came with other parameters before."""
    return CloudError(
        "IdempotentParameterMismatch",
        "The request uses the same client token as a previous, but non-identical request.",
        400,
    )


async def recall(
    tx: Connection,
    account: str,
    action: str,
    token: str | None,
    fingerprint: str,
    *,
    now: datetime,
    error: CloudError | None = None,
) -> Any | None:
    """Return the answer given to this token before, or None: go on, then ``remember``.

    A second call with the same token waits here until the first has committed or failed. Raises ``error``, by default
    IdempotentParameterMismatch, when the parameters (their ``fingerprint``) are not those of the first call. A call
    without a token, None or empty, is never a repeat.
    """
    if not token:
        return None
    await tx.execute("select pg_advisory_xact_lock($1, hashtext($2))", _REPEATS, f"{account}/{action}/{token}")
    row = await tx.fetchrow(
        "select fingerprint, answer from client_token where account = $1 and action = $2 and token = $3 and at > $4",
        account,
        action,
        token,
        now - LIFETIME,
    )
    if row is None:
        return None
    if row["fingerprint"] != fingerprint:
        raise error or mismatch()
    return row["answer"]


async def remember(
    tx: Connection, account: str, action: str, token: str | None, fingerprint: str, answer: Any, *, now: datetime
) -> None:
    """Keep the answer for repeats of this call. Call after ``recall`` in the same transaction; no token, no effect."""
    if not token:
        return
    await tx.execute(
        "insert into client_token (account, action, token, fingerprint, answer, at) values ($1, $2, $3, $4, $5, $6)"
        " on conflict (account, action, token)"
        " do update set fingerprint = excluded.fingerprint, answer = excluded.answer, at = excluded.at",
        account,
        action,
        token,
        fingerprint,
        answer,
        now,
    )


async def forget(tx: Connection, *, now: datetime) -> None:
    """Delete the tokens that no repeat can use any more."""
    await tx.execute("delete from client_token where at <= $1", now - LIFETIME)
