"""Steps of scaling rules: what makes a set of them sound, and which one an offset falls into (ess.md 5.3)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from tidegate.errors import CloudError
from tidegate.services.ess import limits, refusals
from tidegate.services.ess.capacity import ADJUSTMENT_RANGES
from tidegate.store.ess.records import Step


def check(steps: Sequence[Step], adjustment_type: str) -> None:
    """Raise for steps that leave holes, overlap, or hold values out of range."""
    if not steps:
        raise refusals.missing("StepAdjustment")
    if len(steps) > limits.STEPS_PER_RULE:
        raise refusals.too_many_steps(str(limits.STEPS_PER_RULE))
    low, high = ADJUSTMENT_RANGES[adjustment_type]
    for number, step in enumerate(steps, 1):
        _check_step(number, step)
        if not low <= step.adjustment <= high:
            raise refusals.invalid("ScalingAdjustment")
    error = _misfit(steps)
    if error is not None:
        raise error


def is_permitted(value: float) -> bool:
    """Tell whether a bound, a metric or a threshold is in range; NaN is not."""
    return -limits.LARGEST_METRIC <= value <= limits.LARGEST_METRIC


def _check_step(number: int, step: Step) -> None:
    if step.lower is None and step.upper is None:
        raise refusals.unbounded_step()
    for name, bound in (("MetricIntervalLowerBound", step.lower), ("MetricIntervalUpperBound", step.upper)):
        if bound is not None and not is_permitted(bound):
            raise refusals.step_out_of_range(name)
    if step.lower is not None and step.upper is not None and step.lower >= step.upper:
        raise refusals.step_upside_down(str(number))


def _misfit(steps: Sequence[Step]) -> CloudError | None:
    lowers, uppers = [step.lower for step in steps], [step.upper for step in steps]
    if uppers.count(None) > 1:
        return refusals.several_open_tops()
    if lowers.count(None) > 1:
        return refusals.several_open_bottoms()
    infinity = float("inf")
    ordered = sorted(
        (-infinity if step.lower is None else step.lower, infinity if step.upper is None else step.upper)
        for step in steps
    )
    for (_, upper), (lower, _) in pairwise(ordered):
        if upper != lower:
            return refusals.steps_overlap() if upper > lower else refusals.gap_between_steps()
    if None not in lowers and any(lower is not None and lower < 0 for lower in lowers):
        return refusals.no_open_bottom()
    if None not in uppers and any(upper is not None and upper > 0 for upper in uppers):
        return refusals.no_open_top()
    return None


def matching(steps: Sequence[Step], metric: float, threshold: float) -> Step | None:
    """Return the step that ``metric`` − ``threshold`` falls into, as written in decimals: 80.1 − 80 is 0.1.

    A step holds its lower bound and not its upper one; below 0 it is the other way round (ASSUMPTION), so that the
    bound nearer to the threshold always belongs to the step.
    """
    offset = _exact(metric) - _exact(threshold)
    above = next((step for step in steps if _is_from(step, offset)), None)
    below = next((step for step in steps if _is_up_to(step, offset)), None)
    return (above or below) if offset >= 0 else below


def _is_from(step: Step, offset: Decimal) -> bool:
    return (step.lower is None or _exact(step.lower) <= offset) and (step.upper is None or offset < _exact(step.upper))


def _is_up_to(step: Step, offset: Decimal) -> bool:
    return (step.lower is None or _exact(step.lower) < offset) and (step.upper is None or offset <= _exact(step.upper))


def _exact(number: float) -> Decimal:
    return Decimal(repr(number))
