"""Forms that are one call: the fields of a form are the parameters of an operation."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any, Final
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from tidegate.clock import to_minutes
from tidegate.console.page import Form, Page
from tidegate.console.sign_in import safe
from tidegate.errors import CloudError

_PLACE = re.compile(r"\{([A-Za-z.]{1,60})\}")


async def call(page: Page) -> Response:
    """Make the call as whoever is signed in, then go to the form's ``next``, where ``{Name}`` or ``{Outer.Name}`` is the answer's.

    ``said`` is what to tell there. A refusal is shown in the form.
    """
    form = await page.form()
    answer = await page.call(page.path("product"), page.path("action"), **parameters_of(form, page.zone))
    address = _PLACE.sub(lambda place: quote(_found(answer, place[1]), safe=""), form.get("next"))
    return page.go(safe(address), form.get("said"))


def _found(answer: Any, path: str) -> str:
    """Return what an answer has at ``Execution.ExecutionId``."""
    for name in path.split("."):
        answer = answer.get(name) if isinstance(answer, Mapping) else None
    return "" if answer is None else str(answer)


def parameters_of(form: Form, zone: tzinfo = UTC) -> dict[str, Any]:
    """Return the parameters in a form.

    ``Name`` is a text, ``lines:Name`` a list with one element a line, ``list:Name`` one with an element for each field, ``base64:Name`` a text that is sent encoded,
    ``json:Name:key:Type`` one key of an object that is sent as JSON text (of the type ``Choices``: a list with one element
    for each field of this name), ``inside:Name:Key`` one key of an object, ``rows:Name:index:Key``
    one key of an element of a list of objects, ``joined:Name:start`` the end of a text that begins with ``start``,
    ``moment:Name`` a local time in ``zone``, ``policy:…`` the
    type and the name of a policy. Names that begin with a small letter are the form's
    own. Raises CloudError for a value that does not fit its type.
    """
    read = _Parameters(zone)
    for name, value in form.fields:
        kind, _, rest = name.partition(":")
        if not rest:
            if name[:1].isupper() and value != "":
                read.given[name] = value
        elif reader := _READERS.get(kind):
            reader(read, rest, value)
    return read.as_sent()


class _Parameters:
    """Parameters as they are read from a form, field by field."""

    def __init__(self, zone: tzinfo) -> None:
        self.given: dict[str, Any] = {}
        self._zone = zone
        self._rows: dict[str, dict[str, dict[str, str]]] = {}
        self._inside: dict[str, dict[str, str]] = {}

    def lines(self, name: str, value: str) -> None:
        self.given[name] = value.replace(",", "\n").split()

    def list(self, name: str, value: str) -> None:
        self.given.setdefault(name, []).append(value)

    def base64(self, name: str, value: str) -> None:
        if value != "":
            self.given[name] = base64.b64encode(value.encode()).decode()

    def joined(self, rest: str, value: str) -> None:
        name, _, start = rest.partition(":")
        self.given[name] = start + value.strip()

    def json(self, rest: str, value: str) -> None:
        name, key, type_ = rest.split(":", 2)
        given = self.given.setdefault(name, {})
        if type_ == "Choices":
            given.setdefault(key, []).append(value)
        elif value != "":
            given[key] = typed(value, type_, key)

    def policy(self, _: str, value: str) -> None:
        self.given["PolicyType"], _, self.given["PolicyName"] = value.partition(":")

    def rows(self, rest: str, value: str) -> None:
        name, index, key = rest.split(":", 2)
        if value != "":
            self._rows.setdefault(name, {}).setdefault(index, {})[key] = value

    def inside(self, rest: str, value: str) -> None:
        name, _, key = rest.partition(":")
        if value != "":
            self._inside.setdefault(name, {})[key] = value

    def moment(self, name: str, value: str) -> None:
        if value != "":
            self.given[name] = _moment(value, self._zone, name)

    def as_sent(self) -> dict[str, Any]:
        given = self.given | {name: [*listed.values()] for name, listed in self._rows.items()}
        return {
            name: msgspec.json.encode(value).decode() if isinstance(value, Mapping) else value
            for name, value in given.items()
        } | self._inside


_READERS: Final[Mapping[str, Callable[[_Parameters, str, str], None]]] = {
    "lines": _Parameters.lines,
    "list": _Parameters.list,
    "base64": _Parameters.base64,
    "joined": _Parameters.joined,
    "json": _Parameters.json,
    "policy": _Parameters.policy,
    "rows": _Parameters.rows,
    "inside": _Parameters.inside,
    "moment": _Parameters.moment,
}


def _moment(value: str, zone: tzinfo, name: str) -> str:
    """Return a local time of a form as the APIs write it: in UTC, to the minute."""
    try:
        local = datetime.fromisoformat(value)
    except ValueError as error:
        raise CloudError("InvalidParameter", f'"{name}" is not a time.') from error
    return to_minutes(local.replace(tzinfo=zone).astimezone(UTC))


def typed(value: str, type_: str, name: str) -> Any:
    """Return a template parameter's value as its type says. Raises CloudError when it does not fit."""
    try:
        match type_:
            case "Number":
                return msgspec.json.decode(value, type=int | float)
            case "Boolean":
                return value.lower() == "true"
            case "List":
                return _list(value)
            case "Json":
                return msgspec.json.decode(value)
            case _:
                return value
    except (ValueError, msgspec.DecodeError) as error:
        raise CloudError("InvalidParameter", f'"{name}" is not a {type_}.') from error


def _list(value: str) -> Sequence[Any]:
    if value.lstrip().startswith("["):
        items: list[Any] = msgspec.json.decode(value, type=list[Any])
        return items
    return [line.strip() for line in value.splitlines() if line.strip()]
