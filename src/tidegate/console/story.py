"""What a scaling activity set in motion, told as rows on one axis of time. Pure: from records to rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from tidegate.store.chronicle import ActionTimes, ActivityTimes, Arrival, Change, Presence, Span
from tidegate.store.ram.decisions import DecisionRow

Kind = Literal["trigger", "activity", "instance", "hook", "execution", "call", "decision", "whitelist", "connection"]
_FAILED = frozenset(
    {"Failed", "Timeout", "Rejected", "Warning", "Cancelled", "ABANDON", "ImplicitDeny", "ExplicitDeny"}
)
#: A gate remembers when somebody came in to some milliseconds.
_BLUR = timedelta(milliseconds=50)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One row. ``end`` is None while it goes on; an instant has ``end == start``. ``what`` is told in words by the page."""

    kind: Kind
    what: str
    subject: str
    depth: int
    start: datetime
    end: datetime | None
    status: str = ""
    note: str = ""

    @property
    def bad(self) -> bool:
        """Whether it did not come out well."""
        return self.status in _FAILED


class Chapter(msgspec.Struct, frozen=True, kw_only=True):
    """An execution as its reader may see it: ``tasks`` are those of ListTaskExecutions."""

    execution: Mapping[str, Any]
    span: Span
    tasks: Sequence[Mapping[str, Any]]
    spans: Mapping[str, Span]
    changes: Sequence[Change]
    decisions: Sequence[DecisionRow] = ()
    arrivals: Sequence[Arrival] = ()


class Bar(msgspec.Struct, frozen=True):
    """Where a row lies on an axis of 1000."""

    x: float
    width: float


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """Rows in their order, and the axis they share. ``activity`` is None for an execution that no hook started."""

    activity: Mapping[str, Any] | None
    rows: Sequence[Event]
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """How long the axis is."""
        return (self.end - self.start).total_seconds()

    @property
    def took(self) -> float:
        """How long it took, or has taken so far: until all was done, not until somebody made use of it."""
        ends = [row.end or self.end for row in self.rows if row.kind != "connection"]
        return (max(ends) - self.start).total_seconds()

    def offset(self, event: Event) -> float:
        """Return how many seconds into the story an event begins."""
        return (event.start - self.start).total_seconds()

    def bar(self, event: Event) -> Bar:
        """Place an event on the axis."""
        whole = max(self.seconds, 0.001)
        left = min(self.offset(event) / whole * 1000, 994)
        length = ((event.end or self.end) - event.start).total_seconds() / whole * 1000
        return Bar(round(max(left, 0), 1), round(max(min(length, 1000 - left), 6), 1))


def of_activity(
    activity: Mapping[str, Any],
    times: ActivityTimes,
    actions: Sequence[ActionTimes],
    chapters: Mapping[str, Chapter],
    presences: Mapping[str, Presence],
    now: datetime,
) -> Story:
    """Tell one scaling activity with all it set in motion."""
    rows = [
        Event(
            kind="trigger",
            what="trigger",
            subject="",
            depth=0,
            start=times.started_at,
            end=times.started_at,
            note=activity["Cause"],
        ),
        Event(
            kind="activity",
            what="activity",
            subject=times.id,
            depth=0,
            start=times.started_at,
            end=times.ended_at,
            status=activity["StatusCode"],
        ),
        *_by_time(
            [
                *_instances(times, presences),
                *_waits(actions, chapters),
                *([_came(one)] for chapter in chapters.values() for one in chapter.arrivals),
            ]
        ),
    ]
    return _bound(activity, rows, now)


def of_execution(chapter: Chapter, now: datetime) -> Story:
    """Tell an execution that no hook started."""
    return _bound(None, [*_execution(chapter, 0), *map(_came, chapter.arrivals)], now)


def arrivals_after(
    changes: Sequence[Change], history: Sequence[Change], arrivals: Sequence[Arrival]
) -> Sequence[Arrival]:
    """Return, for each address that ``changes`` added, when it first came in before it was taken off again."""
    found = []
    for change in changes:
        for address in change.added:
            gone = [one.at for one in history if one.at > change.at and address in one.removed]
            came = [
                one
                for one in arrivals
                if (one.instance_id, one.address) == (change.instance_id, address)
                and change.at - _BLUR <= one.at <= min(gone, default=one.at)
            ]
            found += [min(came, key=lambda one: one.at)] if came else []
    return found


def _bound(activity: Mapping[str, Any] | None, rows: Sequence[Event], now: datetime) -> Story:
    start = min(row.start for row in rows)
    end = max(row.end or now for row in rows if row.kind != "connection")
    # Somebody who first connects an hour later must not press all the rest into one corner.
    furthest = end + (end - start)
    end = max([end, *(min(row.start, furthest) for row in rows if row.kind == "connection")])
    return Story(activity=activity, rows=rows, start=start, end=max(end, start + timedelta(milliseconds=1)))


def _by_time(groups: Iterable[Sequence[Event]]) -> Iterator[Event]:
    """Yield groups of rows, each kept together, in the order in which they begin."""
    for group in sorted(groups, key=lambda rows: rows[0].start):
        yield from group


def _instances(times: ActivityTimes, presences: Mapping[str, Presence]) -> Iterator[Sequence[Event]]:
    for instance in times.created_ids:
        seen = presences.get(instance)
        if seen is not None:
            yield [_instant("created", instance, seen.created_at, until=seen.started_at)]
    for instance in dict.fromkeys([*times.created_ids, *times.instance_ids]):
        seen = presences.get(instance)
        if seen is None or seen.joined_at is None or seen.joined_at < times.started_at:
            continue
        if times.ended_at is None or seen.joined_at <= times.ended_at:
            yield [_instant("in service", instance, seen.joined_at)]
    if times.ended_at is not None:
        for instance in times.destroyed_ids:
            yield [_instant("released", instance, times.ended_at)]


def _instant(what: str, instance: str, at: datetime, until: datetime | None = None) -> Event:
    return Event(kind="instance", what=what, subject=instance, depth=1, start=at, end=until or at)


def _waits(actions: Sequence[ActionTimes], chapters: Mapping[str, Chapter]) -> Iterator[Sequence[Event]]:
    for action in actions:
        wait = Event(
            kind="hook",
            what="wait",
            subject=action.hook_name,
            depth=1,
            start=action.started_at,
            end=action.ended_at,
            status=action.result if action.status == "Completed" and action.result else action.status,
            note=", ".join(action.instance_ids),
        )
        chapter = chapters.get(action.execution_id or "")
        yield [wait, *(_execution(chapter, 2) if chapter else ())]


def _execution(chapter: Chapter, depth: int) -> Iterator[Event]:
    execution = chapter.execution
    yield Event(
        kind="execution",
        what="execution",
        subject=execution["ExecutionId"],
        depth=depth,
        start=chapter.span.started_at,
        end=chapter.span.ended_at,
        status=execution["Status"],
        note=execution["StatusMessage"] or execution.get("TemplateName") or "",
    )
    left, undecided = list(chapter.changes), list(chapter.decisions)
    for task in chapter.tasks:
        span = chapter.spans.get(task["TaskExecutionId"])
        if span is None:
            continue
        yield Event(
            kind="call",
            what=_called(task),
            subject=task["TaskName"],
            depth=min(depth + 1, 3),
            start=span.started_at,
            end=span.ended_at,
            status=task["Status"],
            note=task["StatusMessage"],
        )
        for decision in [one for one in undecided if _belongs(one, task, span)]:
            undecided.remove(decision)
            yield _decided(decision, min(depth + 2, 4))
        for change in [one for one in left if span.started_at <= one.at <= (span.ended_at or one.at)]:
            left.remove(change)
            yield _changed(change, min(depth + 2, 4))


def _belongs(decision: DecisionRow, task: Mapping[str, Any], span: Span) -> bool:
    """Tell whether a task's call was what was decided about: in its time, and of its name when it has one."""
    _, _, api = _called(task).rpartition(" ")
    named = decision.action.rpartition(":")[2] == api or "::" in api
    return named and span.started_at <= decision.at <= (span.ended_at or decision.at)


def _decided(decision: DecisionRow, depth: int) -> Event:
    statement = "" if decision.statement is None else str(decision.statement + 1)
    return Event(
        kind="decision",
        what=statement,
        subject=f"{decision.policy_type}/{decision.policy}" if decision.policy else "",
        depth=depth,
        start=decision.at,
        end=decision.at,
        status=decision.kind,
        note=f"{decision.action} · {decision.resource}",
    )


def _came(arrival: Arrival) -> Event:
    return Event(
        kind="connection",
        what="connection",
        subject=arrival.instance_id,
        depth=1,
        start=arrival.at,
        end=arrival.at,
        note=arrival.address,
    )


def _changed(change: Change, depth: int) -> Event:
    signs = [*(f"+ {address}" for address in change.added), *(f"− {address}" for address in change.removed)]
    return Event(
        kind="whitelist",
        what="whitelist",
        subject=change.instance_id,
        depth=depth,
        start=change.at,
        end=change.applied_at,
        note=f"{change.group_name}: {', '.join(signs)}",
    )


def _called(task: Mapping[str, Any]) -> str:
    try:
        properties = msgspec.json.decode(task.get("Properties") or "{}", type=dict[str, Any])
    except msgspec.DecodeError:
        properties = {}
    service, api = properties.get("Service"), properties.get("API")
    return f"{service} {api}" if service and api else str(task["TaskAction"])
