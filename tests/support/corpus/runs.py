"""One public template run to its end: answers are made as they are asked for, a few tries find values that lead there."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from support.corpus.models import shape_of
from support.corpus.parameters import fill_in, vary
from support.corpus.samples import KNOWN, fill
from support.corpus.steering import Hints, enrich, reach
from tidegate.errors import TidegateError
from tidegate.rehearsal import Asked, Report, rehearse
from tidegate.rehearsal.answers import make_answers
from tidegate.rehearsal.shapes import draft_answer, paths_of, put, selectors
from tidegate.services.oos.catalog import Catalog, VendorTemplate
from tidegate.services.oos.model import Template
from tidegate.services.oos.sandbox import Programs

REGION = "cn-hangzhou"
_STORED = re.compile(r"\{\{\s*oos:([\w/-]+)\s*\}\}")
#: tries with other values before a template counts as one that does not end well
TRIES = 40


@dataclass
class Result:
    """How far a template came."""

    name: str
    report: Report | None = None
    #: why there is no report
    error: str = ""
    tries: int = 0
    #: operations that were answered, and how: by the SDK's model, or by what the template selects
    modelled: set[str] = field(default_factory=set)
    drafted: set[str] = field(default_factory=set)

    @property
    def status(self) -> str:
        return "Not started" if self.report is None else self.report.status

    @property
    def message(self) -> str:
        return self.error if self.report is None else self.report.message


class Cloud:
    """Answers every call of one try."""

    def __init__(self, result: Result, chance: random.Random | None) -> None:
        self._result = result
        self._chance = chance
        self._hints: dict[int, Hints] = {}
        self._styles: dict[str, int] = {}

    async def __call__(self, asked: Asked) -> Mapping[str, Any]:
        service, _, api = asked.operation.partition(".")
        shape = copy.deepcopy(shape_of(service, api))
        if shape is None:
            self._result.drafted.add(asked.operation)
            shape = draft_answer(asked.task)
        else:
            self._result.modelled.add(asked.operation)
        for program in selectors(asked.task):
            for path in paths_of(program):  # what the model leaves open: maps with any keys
                put(shape, path, "")
        for operation, path, value in KNOWN:
            if operation == asked.operation.lower():
                put(shape, path, value)
        answer = fill(shape, asked.parameters, asked.region, self._style)
        answer = enrich(answer, selectors(asked.task))
        if self._chance is not None:
            answer = self._of(asked.template).bend(answer, asked.task, self._chance)
        return reach(answer, asked.properties)

    def _style(self, name: str) -> int:
        """Return how a text is written that its name says nothing about: alike in one try, mostly as a word."""
        if self._chance is None:
            return 0
        return self._styles.setdefault(name, self._chance.choice((0, 0, 0, 1, 2, 3)))

    def _of(self, template: Template) -> Hints:
        return self._hints.setdefault(id(template), Hints(template))


def _store(text: str) -> dict[str, Any]:
    """Return a value for every parameter of Parameter Store that a template names."""
    return {"Store": dict.fromkeys(_STORED.findall(text), "uptime"), "Secrets": {"tide": "Tide12345gate"}}


def _messages(template: Template) -> dict[str, Any]:
    """Return a message with everything that an event or alarm trigger selects."""
    is_fed = template.trigger not in (None, "ACS::TimerTrigger")
    return {"Messages": [fill(draft_answer(template.tasks[0]), {}, REGION)]} if is_fed else {}


async def run(vendor: VendorTemplate, catalog: Catalog, programs: Programs) -> Result:
    """Run a template until it ends well, or until there were tries enough; the best one counts."""
    best = Result(vendor.name)
    template = vendor.validated.require()
    for number in range(TRIES):
        chance = random.Random(number)
        result = Result(vendor.name, tries=number + 1)
        parameters = fill_in(template, REGION, chance) if number == 0 else vary(template, REGION, chance)
        try:
            result.report = await rehearse(
                vendor.text,
                make_answers(
                    {"Now": "2026-01-01T00:00:00Z", "User": "tide", **_store(vendor.text), **_messages(template)}
                ),
                catalog=catalog,
                parameters=parameters,
                approve=True,
                programs=programs,
                otherwise=Cloud(result, chance if number else None),
            )
        except TidegateError as error:
            result.error = str(error)
        if number == 0 or (result.report is not None and best.report is None):
            best = result
        if result.status == "Success":
            return result
    best.tries = TRIES
    return best
