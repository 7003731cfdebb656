"""The tables of states, walked cell by cell."""

from __future__ import annotations

import pytest

from tidegate.services.ess.states import (
    COUNTED,
    GROUP,
    MEMBER,
    STEADY,
    GroupEvent,
    GroupState,
    MemberEvent,
    MemberState,
    moves,
)

S, E = MemberState, MemberEvent

# Every move that ess.md 3.1 draws; anything that is not here must not be possible.
MEMBER_MOVES = {
    (S.PENDING, E.HOLD): S.PENDING_WAIT,
    (S.PENDING, E.JOIN): S.IN_SERVICE,
    (S.PENDING, E.DROP): None,
    (S.PENDING_WAIT, E.RESUME): S.PENDING,
    (S.PENDING_WAIT, E.DROP): None,
    (S.IN_SERVICE, E.LEAVE): S.REMOVING,
    (S.IN_SERVICE, E.PROTECT): S.PROTECTED,
    (S.IN_SERVICE, E.ENTER_STANDBY): S.STANDBY,
    (S.PROTECTED, E.LEAVE): S.REMOVING,
    (S.PROTECTED, E.PROTECT): S.PROTECTED,
    (S.PROTECTED, E.UNPROTECT): S.IN_SERVICE,
    (S.STANDBY, E.LEAVE): S.REMOVING,
    (S.STANDBY, E.EXIT_STANDBY): S.IN_SERVICE,
    (S.STOPPED, E.UNPARK): S.PENDING,
    (S.STOPPED, E.LEAVE): S.REMOVING,
    (S.STOPPED, E.DROP): None,
    (S.REMOVING, E.HOLD): S.REMOVING_WAIT,
    (S.REMOVING, E.RESTORE): S.IN_SERVICE,
    (S.REMOVING, E.PARK): S.STOPPED,
    (S.REMOVING, E.DROP): None,
    (S.REMOVING_WAIT, E.RESUME): S.REMOVING,
    (S.REMOVING_WAIT, E.RESTORE): S.IN_SERVICE,
}


@pytest.mark.parametrize("state", MemberState)
@pytest.mark.parametrize("event", MemberEvent)
def test_a_member_moves_only_where_the_table_says(state: MemberState, event: MemberEvent) -> None:
    possible = moves(MEMBER, event)

    assert (state in possible) == ((state, event) in MEMBER_MOVES)
    if state in possible:
        assert possible[state] == MEMBER_MOVES[state, event]


@pytest.mark.parametrize("state", GroupState)
@pytest.mark.parametrize("event", GroupEvent)
def test_a_group_moves_only_where_the_table_says(state: GroupState, event: GroupEvent) -> None:
    allowed = {
        (GroupState.INACTIVE, GroupEvent.ENABLE): GroupState.ACTIVE,
        (GroupState.ACTIVE, GroupEvent.DISABLE): GroupState.INACTIVE,
        (GroupState.INACTIVE, GroupEvent.DELETE): GroupState.DELETING,
        (GroupState.ACTIVE, GroupEvent.DELETE): GroupState.DELETING,
        (GroupState.DELETING, GroupEvent.DELETE): GroupState.DELETING,
    }

    assert GROUP[state].get(event) == allowed.get((state, event))


def test_every_state_can_be_reached_and_left() -> None:
    targets = {target for events in MEMBER.values() for target in events.values()}

    assert targets >= set(MemberState)
    assert all(MEMBER[state] for state in MemberState)


def test_stopped_members_are_not_counted_and_those_on_their_way_are_not_steady() -> None:
    assert set(MemberState) - COUNTED == {MemberState.STOPPED}
    assert {MemberState.IN_SERVICE, MemberState.PROTECTED, MemberState.STANDBY} == STEADY
