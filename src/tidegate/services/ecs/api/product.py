"""The products ECS and VPC, and what their operations have in common."""

from __future__ import annotations

from collections.abc import Sequence

from tidegate.errors import CloudError
from tidegate.services.ecs import catalog, faults, limits
from tidegate.services.operation import Answer, Call, Product, Request, invalid_parameter

#: Parameters whose bad values have an error of their own.
_OWN_ERRORS = {
    "InstanceIds": "InvalidInstanceIds.Malformed",
    "MinAmount": "InvalidMinAmount.Malformed",
}


def _invalid(name: str) -> CloudError:
    code = _OWN_ERRORS.get(name)
    return invalid_parameter(name) if code is None else faults.bad(code)


ecs = Product(name="Ecs", code="ecs", versions=("2014-05-26",), invalid=_invalid)
vpc = Product(name="Vpc", code="vpc", versions=("2016-04-28",))


class TagPair(Answer):
    """A tag as most answers spell it."""

    tag_key: str
    tag_value: str


class TagPairs(Answer):
    """The tags of something."""

    tag: Sequence[TagPair] = ()


class Paged(Request):
    """A request for one numbered page."""

    page_number: int = 1
    page_size: int = limits.PAGE_DEFAULT


def check_page(request: Paged, most: int = limits.PAGE_MAX) -> None:
    """Raise for a page that does not exist."""
    if request.page_number < 1:
        raise invalid_parameter("PageNumber")
    if not 1 <= request.page_size <= most:
        raise invalid_parameter("PageSize")


def region_of(call: Call) -> str:
    """Return the region of a call; raises InvalidRegionId.NotFound."""
    if call.region not in catalog.REGIONS:
        raise faults.not_found("InvalidRegionId")
    return call.region


def comma_separated(text: str | None) -> list[str] | None:
    """Return the parts of ``a,b``; None when nothing was given."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]
