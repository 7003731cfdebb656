"""How the waits of an activity end (ess.md 3.7 to 3.10), with the worked timelines of 3.14."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tidegate.services.ess.states import ActionStatus, Result, Transition
from tidegate.services.ess.waits import Wait, Waits, changes, end, prolonged, settle

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def hook(token: str, seconds: int, default: Result = Result.CONTINUE, position: int = 0) -> Wait:
    return Wait(token=token, deadline=at(seconds), default_result=default, position=position)


def complete(waits: Waits, token: str, result: Result, when: datetime) -> Waits:
    return end(settle(waits, when), token, ActionStatus.COMPLETED, result, when)


def statuses(waits: Waits) -> dict[str, tuple[ActionStatus, Result | None]]:
    return {wait.token: (wait.status, wait.result) for wait in waits.waits}


def test_one_hook_ends_with_the_result_it_is_given() -> None:
    waits = complete(Waits(Transition.SCALE_OUT, (hook("a", 300),)), "a", Result.CONTINUE, at(5))

    assert waits.outcome is Result.CONTINUE
    assert statuses(waits) == {"a": (ActionStatus.COMPLETED, Result.CONTINUE)}


def test_a_deadline_applies_the_default_result() -> None:
    before = Waits(Transition.SCALE_OUT, (hook("a", 300, Result.ABANDON),))

    assert settle(before, at(299.9)) == before
    after = settle(before, at(300))
    assert after.outcome is Result.ABANDON
    assert statuses(after) == {"a": (ActionStatus.TIMEOUT, Result.ABANDON)}
    assert after.waits[0].ended_at == at(300)


def test_scale_in_ends_every_wait_with_the_first_result_that_is_not_continue() -> None:
    # Timeline D: h1 (CONTINUE, 600), h2 (ROLLBACK, 60).
    waits = Waits(Transition.SCALE_IN, (hook("h1", 600), hook("h2", 60, Result.ROLLBACK, 1)))

    after = settle(waits, at(60))

    assert after.outcome is Result.ROLLBACK
    assert statuses(after) == {
        "h1": (ActionStatus.COMPLETED, Result.ROLLBACK),
        "h2": (ActionStatus.TIMEOUT, Result.ROLLBACK),
    }


def test_scale_out_waits_for_all_and_the_last_one_decides() -> None:
    # Timeline E: ABANDON at 10, CONTINUE at 20 → join.
    waits = Waits(Transition.SCALE_OUT, (hook("h1", 600), hook("h2", 600, position=1)))

    waits = complete(waits, "h1", Result.ABANDON, at(10))
    assert waits.outcome is None
    waits = complete(waits, "h2", Result.CONTINUE, at(20))
    assert waits.outcome is Result.CONTINUE


def test_scale_out_that_is_abandoned_last_is_abandoned() -> None:
    waits = Waits(Transition.SCALE_OUT, (hook("h1", 600), hook("h2", 600, position=1)))

    waits = complete(complete(waits, "h1", Result.CONTINUE, at(10)), "h2", Result.ABANDON, at(20))

    assert waits.outcome is Result.ABANDON


def test_of_two_deadlines_at_the_same_instant_the_younger_hook_decides() -> None:
    waits = Waits(Transition.SCALE_OUT, (hook("young", 60, Result.ABANDON, 2), hook("old", 60, Result.CONTINUE, 1)))

    assert settle(waits, at(60)).outcome is Result.ABANDON


def test_a_late_timer_changes_nothing() -> None:
    # h1 abandoned at 60 by its deadline; h2 cannot be completed at 70 although no timer has fired yet.
    waits = Waits(Transition.SCALE_IN, (hook("h1", 60, Result.ABANDON), hook("h2", 600, position=1)))

    settled = settle(waits, at(70))

    assert settled.outcome is Result.ABANDON
    assert settled.find("h2") == Wait(
        token="h2",
        deadline=at(600),
        default_result=Result.CONTINUE,
        position=1,
        status=ActionStatus.COMPLETED,
        result=Result.ABANDON,
        ended_at=at(60),
    )


def test_heartbeats_count_from_now_and_stop_at_six_hours() -> None:
    # Timeline F.
    assert prolonged(T0, at(20), 3600) == at(3620)
    assert prolonged(T0, at(3600), 21600) is None
    assert prolonged(T0, at(3600), 18000) == at(21600)


events = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(Result), st.integers(0, 400)), max_size=8)


@given(
    st.sampled_from(Transition),
    st.lists(st.tuples(st.integers(1, 300), st.sampled_from(Result)), min_size=1, max_size=4),
    events,
)
def test_settling_step_by_step_or_at_once_is_the_same(
    transition: Transition, hooks: list[tuple[int, Result]], completions: list[tuple[int, Result, int]]
) -> None:
    start = Waits(transition, tuple(hook(str(i), s, r, i) for i, (s, r) in enumerate(hooks)))

    def played(ticks: bool) -> Waits:
        waits, last = start, 0
        for index, result, when in sorted(completions, key=lambda event: event[2]):
            if ticks:
                for second in range(last, when + 1):
                    waits = settle(waits, at(second))
            waits = settle(waits, at(when))
            found = waits.find(str(index))
            if found and found.is_pending:
                waits = end(waits, str(index), ActionStatus.COMPLETED, result, at(when))
            last = when
        return settle(waits, at(1000))

    lazily, eagerly = played(False), played(True)

    assert lazily == eagerly
    assert lazily.outcome is not None
    assert not any(wait.is_pending for wait in lazily.waits)
    assert {wait.token for wait in changes(start, lazily)} == {wait.token for wait in start.waits}
    last = max(wait.ended_at for wait in lazily.waits if wait.ended_at)
    assert lazily.outcome in {wait.result for wait in lazily.waits if wait.ended_at == last}
