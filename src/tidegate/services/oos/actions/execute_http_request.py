"""``ACS::ExecuteHttpRequest``: one request to an address that the settings allow, checked or repeated by rules (oos.md 5.12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from tidegate.cloud.outside import OutsideError, Reply, Request
from tidegate.services.oos.actions.base import ActionFailedError, Finished, LookAgain, Situation
from tidegate.services.oos.actions.poll import read_polling
from tidegate.services.oos.actions.webhook import headers_of
from tidegate.services.oos.selectors import complete_program, describe
from tidegate.services.oos.values import ExpressionError, are_equal, from_json, to_json, to_text
from tidegate.telemetry.points import reach
from tidegate.wire.addresses import without_query

_METHODS: Final = ("POST", "GET")
_OPERATORS: Final = ("Equals", "In", "NotIn")


class _Rule(msgspec.Struct, frozen=True, rename="pascal"):
    """What the answer must look like."""

    property_selector: str
    operator: str
    value: Any = None

    def holds(self, found: Any) -> bool:
        if self.operator == "Equals":
            return are_equal(found, self.value)
        among = any(are_equal(found, one) for one in self.value) if isinstance(self.value, list) else False
        return among == (self.operator == "In")


async def perform(situation: Situation) -> Finished | LookAgain:
    """Send the request; ``CheckFor`` decides at once, ``WaitFor`` repeats until its rules hold."""
    properties = situation.properties
    check, wait = _rules(properties, "CheckFor"), _rules(properties, "WaitFor")
    polling = read_polling(_plain(properties.get("WaitFor")) or {}, situation.task.action)
    answer: Any = None
    try:
        answer = await _answer(situation)
        complaint = await _complaint(situation, answer, [*check, *wait])
    except ActionFailedError as error:
        complaint = str(error)
    if complaint is None:
        return Finished(answer)
    attempt = int(situation.memo.get("attempt", 0))
    if not wait or attempt >= polling.retries:
        raise ActionFailedError(complaint, answer)
    pause = polling.pause(attempt + 1)
    situation.log(f"{complaint} Retry {attempt + 1} of {polling.retries} in {pause.total_seconds():g} s.")
    return LookAgain(situation.now + pause, {"attempt": attempt + 1})


async def _answer(situation: Situation) -> Any:
    """Return the answer: what its JSON holds, else its text. A status of 400 and more is a failure (ASSUMPTION)."""
    request = _request(situation)
    shown = without_query(request.url)
    situation.log(f"Sends {request.method} to {shown}.")
    reach("execution.call.before")
    try:
        reply = await situation.outside.send(request)
    except OutsideError as error:
        raise ActionFailedError(str(error)) from error
    reach("execution.call.acted")
    if reply.status >= 400:
        raise ActionFailedError(f"{shown} answered with the status {reply.status}.")
    return _read(reply)


def _request(situation: Situation) -> Request:
    properties = situation.properties
    method = (to_text(properties.get("Method")) or "POST").upper()
    if method not in _METHODS:
        raise ActionFailedError("Method is POST or GET")
    url = properties.get("URL")
    if not isinstance(url, str) or not url:
        raise ActionFailedError("the property URL must be a text")
    query = _plain(properties.get("Query"))
    if not isinstance(query, dict | None):
        raise ActionFailedError("Query must be a map")
    if query:
        joined = urlencode({name: to_text(value) for name, value in query.items() if value is not None})
        url = f"{url}{'&' if '?' in url else '?'}{joined}"
    headers = {"accept": "application/json", "idempotency-key": situation.client_token}
    body = properties.get("Body") if method == "POST" else None
    content = b"" if body is None else (body if isinstance(body, str) else to_json(body)).encode()
    if content:
        headers["content-type"] = "application/json"
    return Request(method=method, url=url, headers=headers | headers_of(properties.get("Headers")), body=content)


def _read(reply: Reply) -> Any:
    text = reply.body.decode("utf-8", "replace")
    try:
        return from_json(text)
    except ValueError:
        return text


def _rules(properties: Mapping[str, Any], name: str) -> Sequence[_Rule]:
    given = _plain(properties.get(name))
    if given is None:
        return ()
    try:
        rules = msgspec.convert(given["Rules"], list[_Rule])
    except (msgspec.ValidationError, KeyError, TypeError):
        raise ActionFailedError(f"{name} must hold Rules, each with PropertySelector, Operator and Value") from None
    for rule in rules:
        if rule.operator not in _OPERATORS:
            raise ActionFailedError(f"the Operator of a rule is one of {', '.join(_OPERATORS)}")
    return rules


async def _complaint(situation: Situation, answer: Any, rules: Sequence[_Rule]) -> str | None:
    """Return which rule does not hold; None: all do."""
    for rule in rules:
        try:
            results = await situation.scope.programs.run_jq(complete_program(rule.property_selector), answer)
        except ExpressionError as error:
            return f"The PropertySelector does not fit the answer: {error}."
        found = results[0] if results else None
        if not rule.holds(found):
            return f"The selected value is {describe(found)}, desired is {rule.operator} {describe(rule.value)}."
    return None


def _plain(value: Any) -> Any:
    """Read what was given as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return from_json(value)
    except ValueError:
        raise ActionFailedError(f"not JSON: {value[:40]}") from None
