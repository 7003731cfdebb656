"""The products ECS and VPC, and what their operations have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from tidegate.errors import CloudError
from tidegate.services.ecs import catalog, faults, limits
from tidegate.services.operation import Answer, Call, Handler, Product, Request, Resources, invalid_parameter

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


def both(name: str, on: Resources) -> Callable[[Handler], Handler]:
    """Register an operation with ECS and with VPC."""

    def register(handler: Handler) -> Handler:
        return vpc.operation(name, on=on)(ecs.operation(name, on=on)(handler))

    return register


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


def tag_pairs(tags: Mapping[str, str]) -> TagPairs:
    """Return tags as most answers spell them."""
    return TagPairs([TagPair(key, value) for key, value in tags.items()])


class Filter(Request):
    """A condition on times."""

    key: str = ""
    value: str = ""


def creation_window(
    filters: Iterable[Filter], first: str = "CreationStartTime", last: str = "CreationEndTime"
) -> tuple[datetime | None, datetime | None]:
    """Return from when to when things were made; conditions on anything else match everything (ASSUMPTION)."""
    moments: dict[str, datetime] = {}
    for one in filters:
        if one.key not in (first, last):
            continue
        try:
            moments[one.key] = datetime.fromisoformat(one.value.replace("Z", "+00:00"))
        except ValueError as error:
            raise invalid_parameter("Filter.N.Value") from error
    return moments.get(first), moments.get(last)


class OperationLocks(Answer):
    """Why something is locked; nothing ever is."""

    lock_reason: Sequence[str] = ()
