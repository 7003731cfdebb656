"""Rehearsals: runbooks run offline against canned answers, in virtual time, by the very code that the cloud runs them with.

``answers`` reads what the cloud is to answer, ``stage`` runs executions in memory, ``report`` tells what has happened.
"""

from __future__ import annotations

from tidegate.rehearsal.answers import Answers, read_answers
from tidegate.rehearsal.performance import rehearse
from tidegate.rehearsal.report import Call, Report, TaskReport
from tidegate.rehearsal.stage import RehearsalError
from tidegate.rehearsal.world import Asked

__all__ = ["Answers", "Asked", "Call", "RehearsalError", "Report", "TaskReport", "read_answers", "rehearse"]
