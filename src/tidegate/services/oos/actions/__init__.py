"""The atomic actions of runbooks: ``table`` knows all of them, one file each for those that are built."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tidegate.services.oos.actions.base import Action
from tidegate.services.oos.actions.choice import choose
from tidegate.services.oos.actions.execute_api import execute_api
from tidegate.services.oos.actions.poll import poll
from tidegate.services.oos.actions.sleep import sleep

#: what carries an action out, by its name in ``table``
PERFORMERS: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "ACS::ExecuteAPI": execute_api,
        "ACS::WaitFor": poll,
        "ACS::CheckFor": poll,
        "ACS::Sleep": sleep,
        "ACS::Choice": choose,
    }
)
