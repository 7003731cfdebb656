"""The states of Auto Scaling as tables: groups, members, activities, lifecycle actions.

A table says what may follow what; nothing else sets a state. ``None`` as a target means that the row goes.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar


class GroupState(StrEnum):
    """LifecycleState of a scaling group (ess.md 2.1)."""

    INACTIVE = "Inactive"
    ACTIVE = "Active"
    DELETING = "Deleting"


class GroupEvent(StrEnum):
    """What happens to a scaling group as a whole."""

    ENABLE = "enable"
    DISABLE = "disable"
    DELETE = "delete"


GROUP: Mapping[GroupState, Mapping[GroupEvent, GroupState]] = {
    GroupState.INACTIVE: {GroupEvent.ENABLE: GroupState.ACTIVE, GroupEvent.DELETE: GroupState.DELETING},
    GroupState.ACTIVE: {GroupEvent.DISABLE: GroupState.INACTIVE, GroupEvent.DELETE: GroupState.DELETING},
    # A forced deletion that is asked for again is the same deletion.
    GroupState.DELETING: {GroupEvent.DELETE: GroupState.DELETING},
}


class MemberState(StrEnum):
    """LifecycleState of an instance in a group (ess.md 3.1)."""

    PENDING = "Pending"
    PENDING_WAIT = "Pending:Wait"
    IN_SERVICE = "InService"
    PROTECTED = "Protected"
    STANDBY = "Standby"
    STOPPED = "Stopped"
    REMOVING = "Removing"
    REMOVING_WAIT = "Removing:Wait"


class MemberEvent(StrEnum):
    """What happens to an instance in a group."""

    HOLD = "hold"  # lifecycle hooks begin
    RESUME = "resume"  # all waits are over, go on
    JOIN = "join"
    LEAVE = "leave"  # chosen for removal
    RESTORE = "restore"  # the removal is given up (ROLLBACK, or it cannot be stopped)
    DROP = "drop"  # out of the group
    PARK = "park"  # economical stop of a recycle group
    UNPARK = "unpark"  # started again by a scale-out
    PROTECT = "protect"
    UNPROTECT = "unprotect"
    ENTER_STANDBY = "enter standby"
    EXIT_STANDBY = "exit standby"


MEMBER: Mapping[MemberState, Mapping[MemberEvent, MemberState | None]] = {
    MemberState.PENDING: {
        MemberEvent.HOLD: MemberState.PENDING_WAIT,
        MemberEvent.JOIN: MemberState.IN_SERVICE,
        MemberEvent.DROP: None,
    },
    MemberState.PENDING_WAIT: {
        MemberEvent.RESUME: MemberState.PENDING,
        MemberEvent.DROP: None,
    },
    MemberState.IN_SERVICE: {
        MemberEvent.LEAVE: MemberState.REMOVING,
        MemberEvent.PROTECT: MemberState.PROTECTED,
        MemberEvent.ENTER_STANDBY: MemberState.STANDBY,
    },
    MemberState.PROTECTED: {
        # RemoveInstances and DetachInstances are allowed on protected members (ess.md 8.2).
        MemberEvent.LEAVE: MemberState.REMOVING,
        MemberEvent.PROTECT: MemberState.PROTECTED,
        MemberEvent.UNPROTECT: MemberState.IN_SERVICE,
    },
    MemberState.STANDBY: {
        MemberEvent.LEAVE: MemberState.REMOVING,
        MemberEvent.EXIT_STANDBY: MemberState.IN_SERVICE,
    },
    MemberState.STOPPED: {
        MemberEvent.UNPARK: MemberState.PENDING,
        MemberEvent.LEAVE: MemberState.REMOVING,
        MemberEvent.DROP: None,
    },
    MemberState.REMOVING: {
        MemberEvent.HOLD: MemberState.REMOVING_WAIT,
        MemberEvent.RESTORE: MemberState.IN_SERVICE,
        MemberEvent.PARK: MemberState.STOPPED,
        MemberEvent.DROP: None,
    },
    MemberState.REMOVING_WAIT: {
        MemberEvent.RESUME: MemberState.REMOVING,
        MemberEvent.RESTORE: MemberState.IN_SERVICE,
    },
}

#: Counted by TotalCapacity: everything but Stopped (ess.md 15, A17).
COUNTED = frozenset(MemberState) - {MemberState.STOPPED}
#: "Steady" members, the base of rules in a group with desired capacity (ess.md 2.4).
#: who does the group's work, and whom its metrics are about
SERVING = frozenset({MemberState.IN_SERVICE, MemberState.PROTECTED})
STEADY = frozenset({MemberState.IN_SERVICE, MemberState.PROTECTED, MemberState.STANDBY})


class ActivityStatus(StrEnum):
    """StatusCode of a scaling activity (ess.md 6.1)."""

    IN_PROGRESS = "InProgress"
    SUCCESSFUL = "Successful"
    WARNING = "Warning"
    FAILED = "Failed"
    REJECTED = "Rejected"


class ActionStatus(StrEnum):
    """LifecycleActionStatus of one wait (ess.md 3.7)."""

    PENDING = "Pending"
    TIMEOUT = "Timeout"
    COMPLETED = "Completed"


class Result(StrEnum):
    """What a lifecycle hook or its runbook decides (ess.md 3.8)."""

    CONTINUE = "CONTINUE"
    ABANDON = "ABANDON"
    ROLLBACK = "ROLLBACK"


class Transition(StrEnum):
    """The direction a lifecycle hook watches."""

    SCALE_OUT = "SCALE_OUT"
    SCALE_IN = "SCALE_IN"


class RefreshState(StrEnum):
    """Status of an instance refresh (ess.md 12.9)."""

    PENDING = "Pending"
    IN_PROGRESS = "InProgress"
    PAUSED = "Paused"
    CHECKPOINT_PAUSE = "CheckpointPause"
    FAILED = "Failed"
    SUCCESSFUL = "Successful"
    CANCELLING = "Cancelling"
    CANCELLED = "Cancelled"
    ROLLBACK_IN_PROGRESS = "RollbackInProgress"
    ROLLBACK_SUCCESSFUL = "RollbackSuccessful"
    ROLLBACK_FAILED = "RollbackFailed"


class RefreshEvent(StrEnum):
    """What happens to an instance refresh."""

    BEGIN = "begin"  # nothing else runs in the group any more
    SUSPEND = "suspend"
    RESUME = "resume"  # by hand, or the pause at a checkpoint is over
    REACH = "reach"  # a checkpoint
    FAIL = "fail"
    FINISH = "finish"
    CANCEL = "cancel"
    STOP = "stop"  # cancelled, and what ran has ended
    ROLL_BACK = "roll back"


_R, _E = RefreshState, RefreshEvent
_BY_HAND = {_E.CANCEL: _R.CANCELLING, _E.ROLL_BACK: _R.ROLLBACK_IN_PROGRESS}

REFRESH: Mapping[RefreshState, Mapping[RefreshEvent, RefreshState]] = {
    _R.PENDING: {_E.BEGIN: _R.IN_PROGRESS, _E.SUSPEND: _R.PAUSED, _E.CANCEL: _R.CANCELLING},
    _R.IN_PROGRESS: {
        _E.SUSPEND: _R.PAUSED,
        _E.REACH: _R.CHECKPOINT_PAUSE,
        _E.FAIL: _R.FAILED,
        _E.FINISH: _R.SUCCESSFUL,
        **_BY_HAND,
    },
    _R.PAUSED: {_E.RESUME: _R.IN_PROGRESS, **_BY_HAND},
    _R.CHECKPOINT_PAUSE: {_E.RESUME: _R.IN_PROGRESS, _E.SUSPEND: _R.PAUSED, **_BY_HAND},
    _R.CANCELLING: {_E.STOP: _R.CANCELLED},
    _R.ROLLBACK_IN_PROGRESS: {_E.FAIL: _R.ROLLBACK_FAILED, _E.FINISH: _R.ROLLBACK_SUCCESSFUL},
    # A refresh that failed half-way can be taken back, as long as no other has begun (ASSUMPTION).
    _R.FAILED: {_E.ROLL_BACK: _R.ROLLBACK_IN_PROGRESS},
    _R.SUCCESSFUL: {},
    _R.CANCELLED: {},
    _R.ROLLBACK_SUCCESSFUL: {},
    _R.ROLLBACK_FAILED: {},
}
#: Nothing but the refresh itself starts activities meanwhile: it is of the non-parallel class (ess.md 2.4).
REFRESHING = frozenset({_R.IN_PROGRESS, _R.CANCELLING, _R.ROLLBACK_IN_PROGRESS})
REFRESH_ENDED = frozenset({_R.FAILED, _R.SUCCESSFUL, _R.CANCELLED, _R.ROLLBACK_SUCCESSFUL, _R.ROLLBACK_FAILED})


StateT = TypeVar("StateT", bound=StrEnum)
EventT = TypeVar("EventT", bound=StrEnum)


def moves(table: Mapping[StateT, Mapping[EventT, StateT | None]], event: EventT) -> dict[StateT, StateT | None]:
    """Return every move that ``event`` makes: source state → target state."""
    return {source: events[event] for source, events in table.items() if event in events}


def member_moves(event: MemberEvent) -> dict[str, str]:
    """Return the moves by which members stay in their group, as the store takes them."""
    return {str(source): str(target) for source, target in moves(MEMBER, event).items() if target is not None}


#: States out of which a member can be taken.
DROPPABLE = tuple(str(state) for state in moves(MEMBER, MemberEvent.DROP))
