"""Loops: how many items may be under way, when a loop has failed, and what its outputs are (oos.md 6). Pure."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, Final

import msgspec

from tidegate.services.oos import limits
from tidegate.services.oos.functions import FUNCTIONS
from tidegate.services.oos.states import FINAL_TASK, TaskStatus
from tidegate.services.oos.values import ExpressionError, from_json, to_json

_AMOUNT: Final = re.compile(r"(\d{1,9})(%?)")
_PAUSES: Final = ("Automatic", "FirstBatchPause", "EveryBatchPause")
#: items of one batch that may be under way unless ConcurrencyInBatches says otherwise
_CONCURRENCY_IN_BATCH: Final = 20


class RateControl(msgspec.Struct, frozen=True):
    """How fast a loop goes: batches that cover all items, each with its budget. Concurrency mode is one batch."""

    sizes: tuple[int, ...]
    concurrency: tuple[int, ...]
    max_errors: int
    pause: str = "Automatic"

    def pauses_before(self, batch: int) -> int:
        """Return how often somebody must have let the loop go on before ``batch``, counted from 0, begins."""
        match self.pause:
            case "EveryBatchPause":
                return batch
            case "FirstBatchPause":
                return min(batch, 1)
        return 0


class Begin(msgspec.Struct, frozen=True):
    """Begin the items at these ``places``, counted from 0; they belong to ``batch``, counted from 1."""

    places: Sequence[int]
    batch: int


class Wait(msgspec.Struct, frozen=True):
    """Items are under way, and no other may begin."""


class Pause(msgspec.Struct, frozen=True):
    """A batch has ended and somebody must let the loop go on. ``batch`` is the one that ended, from 1."""

    batch: int


class Ended(msgspec.Struct, frozen=True):
    """All is done, or too much has failed."""

    has_failed: bool


def next_items(rate: RateControl, begun: Mapping[int, str], *, approvals: int = 0) -> Begin | Wait | Pause | Ended:
    """Return what a loop does next. ``begun`` holds the status of every item that has begun, by its place from 0.

    Items begin in their order; when a loop is retried, those to be run again are places that have not begun.
    """
    under_way = sum(status not in FINAL_TASK for status in begun.values())
    has_failed = sum(status == TaskStatus.FAILED for status in begun.values()) > rate.max_errors
    if has_failed or TaskStatus.CANCELLED in begun.values():
        return Wait() if under_way else Ended(has_failed)
    left = [place for place in range(sum(rate.sizes)) if place not in begun]
    if not left:
        return Wait() if under_way else Ended(has_failed=False)
    ends = list(accumulate(rate.sizes))
    batch = next(number for number, end in enumerate(ends) if left[0] < end)
    waiting = [place for place in left if place < ends[batch]]
    if len(waiting) == rate.sizes[batch]:  # a batch begins when the one before has ended
        if under_way:
            return Wait()
        if approvals < rate.pauses_before(batch):
            return Pause(batch)
    room = rate.concurrency[batch] - under_way
    return Begin(waiting[:room], batch + 1) if room > 0 else Wait()


def read_items(value: Any) -> list[Any]:
    """Read ``Items``: a list, or the JSON text of one. Raises ExpressionError."""
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = from_json(value)
    if not isinstance(value, list):
        raise ExpressionError(f"the Items of a Loop must be a list, not {to_json(value)[:80]}")
    if len(value) > limits.LOOP_ITEMS:
        raise ExpressionError(f"a Loop has {limits.LOOP_ITEMS} items at most, not {len(value)}")
    return value


def one_by_one(rate: RateControl) -> RateControl:
    """Return the same with one item under way at a time, as in Debug mode (oos.md 6.3)."""
    return msgspec.structs.replace(rate, concurrency=(1,) * len(rate.concurrency))


def read_rate(given: Any, count: int, loop_mode: str = "Automatic") -> RateControl:
    """Read ``RateControl`` for ``count`` items. Raises ExpressionError.

    ``loop_mode`` of StartExecution is stronger than the loop's own pauses unless it is Automatic (oos.md 6.3).
    """
    if isinstance(given, str):
        try:
            given = from_json(given)
        except ValueError:
            raise ExpressionError("RateControl is not a map") from None
    if not isinstance(given, dict | None):
        raise ExpressionError("RateControl is not a map")
    # What is empty was not given: forms send every field.
    given = {key: value for key, value in (given or {}).items() if value not in (None, "")}
    max_errors = _amount(given.get("MaxErrors", 0), count, "MaxErrors", round_up=False)
    concurrency = given.get("Concurrency", 1)
    mode = _word(given, "Mode", "Batch" if isinstance(concurrency, list) else "Concurrency", ("Concurrency", "Batch"))
    if mode == "Concurrency" and not isinstance(concurrency, list):
        return RateControl((count,) if count else (), (_at_least_one(concurrency, count, "Concurrency"),), max_errors)
    # a list as Concurrency is what Fn::CalculateBatch gives (oos.md 6.2, ASSUMPTION)
    sizes = _sizes(concurrency if isinstance(concurrency, list) else given.get("Batch"), count)
    pause = _word(given, "BatchPauseOption", "Automatic", _PAUSES)
    return RateControl(
        sizes,
        _budgets(given.get("ConcurrencyInBatches"), sizes),
        max_errors,
        pause if loop_mode == "Automatic" else loop_mode,
    )


def _word(given: Mapping[str, Any], key: str, default: str, allowed: Sequence[str]) -> str:
    value = given.get(key)
    text = value.strip().strip(",").lower() if isinstance(value, str) else value  # one public default has commas
    if not text:
        return default
    for word in allowed:
        if text == word.lower():
            return word
    raise ExpressionError(f"{key} must be one of {', '.join(allowed)}")


def _amount(value: Any, count: int, name: str, *, round_up: bool) -> int:
    """Read a number or a percentage of ``count`` (oos.md 6.2)."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = value.strip().rstrip(",") if isinstance(value, str) else to_json(value)
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise ExpressionError(f"{name} must be a number or a percentage, not {text[:40]}")
    number = int(match[1])
    if not match[2]:
        return number
    return -(-number * count // 100) if round_up else number * count // 100


def _at_least_one(value: Any, count: int, name: str) -> int:
    return max(1, _amount(1 if value is None else value, count, name, round_up=True))


def _sizes(batch: Any, count: int) -> tuple[int, ...]:
    """Return the sizes of the batches; the last one given is repeated until all items are in one."""
    if not isinstance(batch, list) or (not batch and count):
        raise ExpressionError("Batch must be a list of numbers or percentages")
    sizes: list[int] = []
    wanted = [_at_least_one(size, count, "Batch") for size in batch]
    while (left := count - sum(sizes)) > 0:
        sizes.append(min(wanted[min(len(sizes), len(wanted) - 1)], left))
    return tuple(sizes)


def _budgets(given: Any, sizes: Sequence[int]) -> tuple[int, ...]:
    if not given:
        return (_CONCURRENCY_IN_BATCH,) * len(sizes)
    listed = given if isinstance(given, list) else [given]
    return tuple(
        _at_least_one(listed[min(batch, len(listed) - 1)], size, "ConcurrencyInBatches")
        for batch, size in enumerate(sizes)
    )


def aggregate(function: str, values: list[Any]) -> Any:
    """Make one value of those of all items, in the order of the items (oos.md 6.4). Raises ExpressionError."""
    if function.lower() == "fn::listjoin":
        return values
    known = [value for value in values if value is not None]
    return FUNCTIONS[function.lower()].call(known) if known or function.lower() == "fn::sum" else None
