"""``ACS::WaitFor`` and ``ACS::CheckFor``: call until a selected value is one of those desired (oos.md 5.3 and 5.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec

from tidegate.errors import CloudError
from tidegate.services.oos.actions.base import ActionFailedError, Finished, LookAgain, Situation
from tidegate.services.oos.actions.execute_api import call
from tidegate.services.oos.functions.base import need_integer
from tidegate.services.oos.selectors import complete_program, describe
from tidegate.services.oos.values import ExpressionError, are_equal, from_json

_DEFAULT_RETRIES: Final[Mapping[str, int]] = {
    "ACS::WaitFor": 10,
    "ACS::CheckFor": 0,
    "ACS::ExecuteHttpRequest": 10,
}
_DELAY_TYPES: Final = ("Exponential", "Constant", "Linear")


class Polling(msgspec.Struct, frozen=True):
    """How often and at what distance to try again; seconds."""

    retries: int
    delay_type: str = "Exponential"
    delay: int = 2
    back_off: int = 2
    longest: int = 1800

    def pause(self, retry: int) -> timedelta:
        """Return the pause before retry 1, 2, …"""
        match self.delay_type:
            case "Constant":
                seconds = self.delay
            case "Linear":
                seconds = self.delay + self.back_off * retry
            case _:
                seconds = 2 ** min(retry, 30)
        return timedelta(seconds=min(seconds, self.longest))


def read_polling(given: Mapping[str, Any], action: str) -> Polling:
    """Read the attributes of a task; raises ActionFailedError when one is out of its range."""

    def integer(name: str, default: int, low: int, high: int) -> int:
        try:
            value = need_integer(given[name]) if given.get(name) is not None else default
        except ExpressionError as error:
            raise ActionFailedError(f"{name} must be a number: {error}") from error
        if not low <= value <= high:
            raise ActionFailedError(f"{name} must be between {low} and {high}")
        return value

    delay_type = given.get("DelayType") or "Exponential"
    if delay_type not in _DELAY_TYPES:
        raise ActionFailedError(f"DelayType must be one of {', '.join(_DELAY_TYPES)}")
    return Polling(
        retries=integer("Retries", _DEFAULT_RETRIES[action], 0, 300),
        delay_type=delay_type,
        delay=integer("Delay", 2, 1, 3600),
        back_off=integer("BackOff", 2, 1, 3600),
        longest=integer("MaxRetryInterval", 1800, 1, 1800),
    )


async def perform(situation: Situation) -> Finished | LookAgain:
    """Call and compare; a mismatch with retries left is looked at again later."""
    polling = read_polling(situation.polling, situation.task.action)
    wanted = _Wanted.read(situation.properties)
    error: CloudError | None = None
    try:
        answer = await call(situation)
    except CloudError as refused:
        # Selectors see errors too: templates wait until "busy" is over (oos.md 5.3).
        error, answer = refused, {"Code": refused.code, "Message": refused.message}
    values = await _select(situation, answer)
    if values is not None and wanted.is_met(values):
        return Finished(answer)
    message = str(error) if error is not None else wanted.complaint(values)
    if values is not None and wanted.must_stop(values):
        raise ActionFailedError(message, answer)
    attempt = int(situation.memo.get("attempt", 0))
    if attempt >= polling.retries:
        raise ActionFailedError(message, answer)
    pause = polling.pause(attempt + 1)
    situation.log(f"{message} Retry {attempt + 1} of {polling.retries} in {pause.total_seconds():g} s.")
    return LookAgain(situation.now + pause, {"attempt": attempt + 1})


async def _select(situation: Situation, answer: Any) -> list[Any] | None:
    """Return all selected values, at least one; None when the selector does not fit the answer."""
    selector = situation.properties.get("PropertySelector")
    if not isinstance(selector, str):
        return [selector]
    try:
        return await situation.scope.programs.run_jq(complete_program(selector), answer) or [None]
    except ExpressionError as error:
        situation.log(f"The PropertySelector does not fit the answer: {error}.")
        return None


class _Wanted(msgspec.Struct, frozen=True):
    """The values that end the waiting, well or badly; None: not given."""

    desired: list[Any] | None
    not_desired: list[Any] | None
    stop: list[Any]

    @classmethod
    def read(cls, properties: Mapping[str, Any]) -> _Wanted:
        not_desired = _values(properties, "NotDesiredValues")
        return cls(
            desired=_values(properties, "DesiredValues"),
            not_desired=not_desired or None,  # an empty list means "not given" (oos.md 5.3)
            stop=_values(properties, "StopRetryValues") or [],
        )

    def is_met(self, values: list[Any]) -> bool:
        """All values are desired and none is undesired (oos.md 5.3)."""
        return all(
            (self.desired is None or _is_among(value, self.desired))
            and (self.not_desired is None or not _is_among(value, self.not_desired))
            for value in values
        )

    def must_stop(self, values: list[Any]) -> bool:
        return any(_is_among(value, self.stop) for value in values)

    def complaint(self, values: list[Any] | None) -> str:
        selected = "nothing" if values is None else ", ".join(map(describe, values))
        parts = [f"one of {describe(self.desired)}"] if self.desired is not None else []
        parts += [f"none of {describe(self.not_desired)}"] if self.not_desired is not None else []
        return f"The selected value is {selected}, desired is {' and '.join(parts)}."


def _is_among(value: Any, wanted: list[Any]) -> bool:
    return any(are_equal(value, other) for other in wanted)


def _values(properties: Mapping[str, Any], name: str) -> list[Any] | None:
    value = properties.get(name)
    if isinstance(value, str):
        try:
            parsed = from_json(value)
        except ValueError:
            return [value]
        return parsed if isinstance(parsed, list) else [value]
    return value if isinstance(value, list | None) else [value]
