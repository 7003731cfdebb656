"""Pages and tokens (ess.md 13.2)."""

from __future__ import annotations

from tidegate.errors import CloudError
from tidegate.services.ess import refusals


def checked_page(number: int, size: int, largest: int, *, error: CloudError | None = None) -> tuple[int, int]:
    """Return limit and offset of a page; raises InvalidParameter (or ``error``) outside the bounds (ASSUMPTION)."""
    if not 1 <= number <= 1_000_000:
        raise error or refusals.invalid("PageNumber")
    if not 1 <= size <= largest:
        raise error or refusals.invalid("PageSize")
    return size, (number - 1) * size


def offset_of(token: str | None) -> int:
    """Return where a page with this NextToken begins; raises InvalidParameter."""
    if not token:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) <= 9):
        raise refusals.invalid("NextToken")
    return int(token)


def token_after(offset: int, shown: int, total: int) -> str:
    """Return the NextToken of the page after this one, empty when nothing is left."""
    return str(offset + shown) if offset + shown < total else ""
