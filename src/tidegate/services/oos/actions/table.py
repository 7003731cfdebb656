"""Every atomic action the cloud has: what it needs, what it may have (oos.md 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Kind = Literal["Atomic.API", "Atomic.Trigger", "Atomic.Control", "Atomic.Embedded"]


@dataclass(frozen=True, slots=True)
class Definition:
    """One action. ``required`` and ``optional`` name its properties; ``either`` lists those of which one is needed."""

    name: str
    kind: Kind
    description: str
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    either: frozenset[str] = frozenset()
    #: whether a Loop may stand on it (oos.md 6.1)
    may_loop: bool = False
    #: whether ``Retries`` and its companions have a meaning (oos.md 5.3)
    may_poll: bool = False

    @property
    def properties(self) -> frozenset[str]:
        """All properties the action knows."""
        return self.required | self.optional | self.either


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CALL = _names("Parameters AutoPaging Risk Method URI Headers Body")
_SELECTION = _names("PropertySelector DesiredValues NotDesiredValues StopRetryValues")

_DEFINITIONS: Final = (
    Definition(
        "ACS::ExecuteAPI",
        "Atomic.API",
        "Calls one operation of a cloud service.",
        required=_names("Service API"),
        optional=_CALL,
        may_loop=True,
    ),
    Definition(
        "ACS::WaitFor",
        "Atomic.API",
        "Calls an operation until a selected value is one of those desired.",
        required=_names("Service API PropertySelector"),
        optional=_CALL | _SELECTION,
        may_loop=True,
        may_poll=True,
    ),
    Definition(
        "ACS::CheckFor",
        "Atomic.API",
        "Calls an operation and fails unless a selected value is one of those desired.",
        required=_names("Service API PropertySelector"),
        optional=_CALL | _SELECTION,
        may_loop=True,
        may_poll=True,
    ),
    Definition(
        "ACS::ExecuteHttpRequest",
        "Atomic.API",
        "Sends one HTTP request.",
        required=_names("URL"),
        optional=_names("Method Headers Query Body CheckFor WaitFor"),
        may_loop=True,
    ),
    Definition(
        "ACS::Sleep",
        "Atomic.Control",
        "Waits for a duration or until a moment.",
        either=_names("Duration EndDate"),
    ),
    Definition(
        "ACS::Choice",
        "Atomic.Control",
        "Chooses the next task.",
        required=_names("Choices DefaultTask"),
    ),
    Definition(
        "ACS::Approve",
        "Atomic.Control",
        "Asks people and waits for their decision.",
        required=_names("NotifyType"),
        optional=_names("Approvers MinRequiredApprovals WebHook AppendExecutionLink Mail"),
    ),
    Definition(
        "ACS::Notify",
        "Atomic.Control",
        "Sends a message.",
        required=_names("NotifyType"),
        optional=_names("WebHook AppendExecutionLink Mail"),
        may_loop=True,
    ),
    Definition("ACS::Pause", "Atomic.Control", "Waits for a person to go on."),
    Definition(
        "ACS::SelectTargets",
        "Atomic.Control",
        "Selects resources by id, tag or group.",
        required=_names("ResourceType Filters"),
        optional=_names("RegionId"),
    ),
    Definition(
        "ACS::Loop",
        "Atomic.Control",
        "Runs a list of tasks for each item.",
        required=_names("LoopItems LoopTasks"),
        optional=_names("LoopRateControl Outputs"),
    ),
    Definition(
        "ACS::TimerTrigger",
        "Atomic.Trigger",
        "Starts the rest of the template at given times.",
        required=_names("Type Expression EndDate"),
        optional=_names("StartDate TimeZone"),
    ),
    Definition(
        "ACS::EventTrigger",
        "Atomic.Trigger",
        "Starts the rest of the template when an event happens.",
        optional=_names("Product Name Level RegionId Content Tags OutputTransformer"),
    ),
    Definition(
        "ACS::AlarmTrigger",
        "Atomic.Trigger",
        "Starts the rest of the template when an alarm goes off.",
        required=_names("Namespace MetricName ComparisonOperator"),
        optional=_names(
            "Resources Statistics Threshold Times SilenceTime Period Interval EffectiveInterval Tags ResourceGroup "
            "OutputTransformer"
        ),
    ),
    Definition(
        "ACS::Template",
        "Atomic.Embedded",
        "Runs another template.",
        either=_names("TemplateName TemplateContent TemplateURL"),
        optional=_names("TemplateVersion Parameters"),
        may_loop=True,
    ),
    Definition(
        "ACS::GitCodeRepo",
        "Atomic.API",
        "Finds the address of a code repository.",
        optional=_names("Platform Owner Organization Repository"),
    ),
)

#: by lower-case name: names match in any case (oos.md 3.1)
ACTIONS: Final[Mapping[str, Definition]] = MappingProxyType({action.name.lower(): action for action in _DEFINITIONS})
