"""``ACS::ExecuteAPI``: one operation of a cloud service, all its pages (oos.md 5.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from tidegate.cloud.caller import Caller, PathCall
from tidegate.errors import CloudError
from tidegate.services.oos import limits
from tidegate.services.oos.actions.base import ActionFailedError, Finished, LookAgain, Situation
from tidegate.services.oos.values import is_true, to_json, to_text
from tidegate.telemetry.points import reach
from tidegate.wire.parameters import flatten

#: worth another try: the cloud was busy or out of reach
_PASSING: Final = ("Throttling", "ServiceUnavailable", "Unreachable")
#: AutoPaging stays away when the template pages by itself (oos.md 5.1)
_PAGING: Final = frozenset({"pagenumber", "pagesize", "nexttoken", "maxresults", "marker", "maxitems"})
#: what changes nothing needs no token against repetition
_METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD")
_READING: Final = ("Describe", "List", "Get", "Query", "Check")


async def perform(situation: Situation) -> Finished | LookAgain:
    """Call the operation; busy clouds are asked again later, any other error fails the task."""
    try:
        return Finished(await call(situation))
    except CloudError as error:
        attempt = int(situation.memo.get("attempt", 0))
        if not error.code.startswith(_PASSING) or attempt >= len(limits.CALL_RETRY_PAUSES):
            raise ActionFailedError(str(error)) from error
        pause = limits.CALL_RETRY_PAUSES[attempt]
        situation.log(f"{error}; retry {attempt + 1} in {pause.total_seconds():g} s.")
        return LookAgain(situation.now + pause, {"attempt": attempt + 1})


async def call(situation: Situation) -> Any:
    """Call the operation that the properties describe and return its answer, pages merged. Raises CloudError."""
    if situation.properties.get("URI") is not None:
        return await call_path(situation)
    operation = _read(situation)
    caller = await situation.caller()
    situation.log(f"Calls {operation.service} {operation.api} with {to_json(operation.parameters)}.")
    reach("execution.call.before")
    answer = await operation.call(caller)
    reach("execution.call.acted")
    path = _list_path(answer) if operation.may_page else None
    if path is None or _next_page(answer, 1, len(_at(answer, path))) is None:
        return answer
    elements = await _all_pages(operation, caller, answer, path)
    situation.log(f"{operation.service} {operation.api} answered {len(elements)} elements.")
    return _with(answer, path, elements)


class _Operation(msgspec.Struct, frozen=True):
    """What the properties ask for."""

    service: str
    api: str
    parameters: Mapping[str, Any]
    region: str
    #: makes a repetition after a crash recognisable; None for operations that change nothing
    client_token: str | None
    may_page: bool

    async def call(self, caller: Caller, **page: Any) -> dict[str, Any]:
        """Call it, for one page of its answer."""
        token = {} if self.client_token is None else {"ClientToken": self.client_token}
        return await caller.call(self.service, self.api, {**token, **self.parameters, **page}, region=self.region)


def _read(situation: Situation) -> _Operation:
    properties = situation.properties
    service, api = _name(properties, "Service"), _name(properties, "API")
    parameters = {name: value for name, value in _parameters(properties).items() if value is not None}
    given = {name.lower() for name in parameters}
    wants_pages = properties.get("AutoPaging")
    return _Operation(
        service=service,
        api=api,
        parameters=parameters,
        region=str(parameters.get("RegionId") or situation.region),
        client_token=None if api.startswith(_READING) or "clienttoken" in given else situation.client_token,
        may_page=(wants_pages is None or is_true(wants_pages)) and not given & _PAGING,
    )


async def call_path(situation: Situation) -> Any:
    """Call in ROA style: the properties say method, path, query and body (oos.md 5.1). Raises CloudError."""
    properties = situation.properties
    service, api = _name(properties, "Service"), _name(properties, "API")
    parameters = {name: value for name, value in _parameters(properties).items() if value is not None}
    region = str(parameters.pop("RegionId", None) or situation.region)
    path, _, sub_resource = to_text(properties["URI"]).partition("?")
    body = properties.get("Body")
    request = PathCall(
        method=(to_text(properties.get("Method")) or "GET").upper(),
        path=f"/{path.lstrip('/')}",
        query=dict(parse_qsl(sub_resource, keep_blank_values=True)) | flatten(parameters),
        headers=_headers(properties.get("Headers")),
        body=body if isinstance(body, str) else "" if body is None else to_json(body),
    )
    if request.method not in _METHODS:
        raise ActionFailedError(f"the property Method is one of {', '.join(_METHODS)}")
    situation.log(f"Calls {service} {api}: {request.method} {request.path} with {to_json(request.query)}.")
    caller = await situation.caller()
    reach("execution.call.before")
    answer = await caller.call_path(service, api, request, region=region)
    reach("execution.call.acted")
    return answer


def _headers(given: Any) -> dict[str, str]:
    if not isinstance(given, dict | None):
        raise ActionFailedError("the property Headers must be a map")
    return {name: to_text(value) for name, value in (given or {}).items() if value is not None}


def _name(properties: Mapping[str, Any], key: str) -> str:
    name = properties.get(key)
    if not isinstance(name, str) or not name:
        raise ActionFailedError(f"the property {key} must be a text")
    return name


def _parameters(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    given = properties.get("Parameters")
    if not isinstance(given, dict | None):
        raise ActionFailedError("the property Parameters must be a map")
    return given or {}


async def _all_pages(operation: _Operation, caller: Caller, first: dict[str, Any], path: tuple[str, ...]) -> list[Any]:
    """Return the elements of ``first`` and of every page after it."""
    elements, page = list(_at(first, path)), first
    for number in range(1, limits.PAGES + 1):
        following = _next_page(page, number, len(elements))
        page = await operation.call(caller, **following) if following else {}
        more = _at(page, path)
        if not more:
            return elements
        elements.extend(more)
    raise ActionFailedError(f"{operation.service} {operation.api} has more than {limits.PAGES} pages")


def _next_page(page: Mapping[str, Any], number: int, received: int) -> dict[str, Any] | None:
    """Return the parameters of the page after ``page``, the ``number``-th, or None."""
    if token := page.get("NextToken"):
        return {"NextToken": token}
    total, size = page.get("TotalCount"), page.get("PageSize")
    if isinstance(total, int) and isinstance(size, int) and 0 < received < total:
        return {"PageNumber": number + 1, "PageSize": size}
    return None


def _list_path(answer: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return where the one list of an answer stands: ``Instances.Instance`` or ``Executions``."""
    found = list(_lists(answer))
    return found[0] if len(found) == 1 else None


def _lists(answer: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for key, value in answer.items():
        if isinstance(value, list):
            yield (key,)
        elif isinstance(value, dict):
            yield from ((key, inner) for inner, elements in value.items() if isinstance(elements, list))


def _at(answer: Any, path: tuple[str, ...]) -> list[Any]:
    for key in path:
        answer = answer.get(key) if isinstance(answer, dict) else None
    return answer if isinstance(answer, list) else []


def _with(answer: Mapping[str, Any], path: tuple[str, ...], elements: list[Any]) -> dict[str, Any]:
    key, *rest = path
    return {**answer, key: _with(answer[key], tuple(rest), elements) if rest else elements}
