"""Which calls are tried again, and after how long (wire.md 10)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tidegate.errors import TidegateError

MAX_TRIES = 4
#: Seconds before the second try; doubled for each further one.
_FIRST_PAUSE = 0.1
_FIRST_PAUSE_WHEN_THROTTLED = 0.5
_LONGEST_PAUSE = 5.0

#: Operations that change nothing may be repeated, whatever happened to the first try.
_READING = ("Describe", "List", "Get", "Query", "Check", "Validate", "Search", "Preview")
#: With one of these a repeat is recognised by the cloud.
_TOKENS = ("ClientToken", "Token")


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A try that did not succeed. ``sent`` tells whether the cloud may have acted on it."""

    error: TidegateError
    code: str = ""
    status: int = 0
    sent: bool = True
    retry_after: float | None = None


def pause_before_next(failure: Failure, action: str, query: Mapping[str, str], tries: int) -> float | None:
    """Return the seconds to wait before the next try; None when there must not be one."""
    if tries >= MAX_TRIES:
        return None
    if failure.code.startswith("Throttling"):
        pause = _FIRST_PAUSE_WHEN_THROTTLED
    elif not failure.sent or (_is_passing(failure) and _is_repeatable(action, query)):
        pause = _FIRST_PAUSE
    else:
        return None
    return min(_LONGEST_PAUSE, failure.retry_after or pause * 2 ** (tries - 1))


def _is_passing(failure: Failure) -> bool:
    """No answer at all, or one of a server in trouble."""
    return failure.status == 0 or failure.status >= 500


def _is_repeatable(action: str, query: Mapping[str, str]) -> bool:
    return action.startswith(_READING) or any(query.get(name) for name in _TOKENS)
