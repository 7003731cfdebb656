"""The product itself, and what all its answers carry."""

from __future__ import annotations

import msgspec

from tidegate.services.cms import errors
from tidegate.services.operation import Answer, Product, Request

cms = Product(name="Cms", code="cms", versions=("2019-01-01",), missing=errors.missing, invalid=errors.invalid)


class Said(Answer, kw_only=True):
    """What every answer begins with."""

    code: str = "200"
    success: bool = True


class Taken(Answer):
    """A report was taken in."""

    code: str = "200"
    message: str = "success"


class Paged(Request, kw_only=True):
    """A page of a list."""

    page_number: int = 1
    page_size: int = 30


def checked(request: Paged, most: int = 10_000) -> tuple[int, int]:
    """Return limit and offset of a page; raises ParameterInvalid."""
    if not 1 <= request.page_number <= 1_000_000:
        raise errors.invalid("PageNumber")
    if not 1 <= request.page_size <= most:
        raise errors.invalid("PageSize")
    return request.page_size, (request.page_number - 1) * request.page_size


def json_text(value: object) -> str:
    """Write a value as the JSON text in which this product wraps lists."""
    return msgspec.json.encode(value).decode()
