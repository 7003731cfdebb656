"""The atomic actions of runbooks: ``table`` knows all of them, one file each for those that are built."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tidegate.services.oos.actions import (
    alarm_trigger,
    approve,
    choice,
    embed,
    event_trigger,
    execute_api,
    execute_http_request,
    git_code_repo,
    loop,
    notify,
    pause,
    poll,
    select_targets,
    sleep,
    timer_trigger,
)
from tidegate.services.oos.actions.base import Action

#: what carries an action out, by its name in ``table``
PERFORMERS: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "ACS::ExecuteAPI": execute_api.perform,
        "ACS::WaitFor": poll.perform,
        "ACS::CheckFor": poll.perform,
        "ACS::SelectTargets": select_targets.perform,
        "ACS::ExecuteHttpRequest": execute_http_request.perform,
        "ACS::GitCodeRepo": git_code_repo.perform,
        "ACS::Notify": notify.perform,
        "ACS::Sleep": sleep.perform,
        "ACS::Approve": approve.perform,
        "ACS::Pause": pause.perform,
        "ACS::TimerTrigger": timer_trigger.perform,
        "ACS::EventTrigger": event_trigger.perform,
        "ACS::AlarmTrigger": alarm_trigger.perform,
        "ACS::Choice": choice.perform,
        "ACS::Template": embed.perform,
        "ACS::Loop": loop.perform,
    }
)


def performer(action: str) -> Action:
    """Return what carries an action out; whatever is not atomic is a product action."""
    return PERFORMERS.get(action, embed.perform)


def has_child(action: str) -> bool:
    """Whether an action runs another template."""
    return performer(action) in (embed.perform, loop.perform)
