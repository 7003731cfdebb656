"""Static validation: a text becomes a template, or a list of everything that is wrong with it (oos.md 1.7)."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec

from tidegate.errors import CloudError
from tidegate.services.oos import limits
from tidegate.services.oos.actions.products import Products, packaged_product
from tidegate.services.oos.document import Format, load
from tidegate.services.oos.grammar import Checks, parse
from tidegate.services.oos.model import Template
from tidegate.services.oos.problems import Mark, Problem, Problems, Severity
from tidegate.services.oos.sandbox import Programs
from tidegate.services.oos.values import ExpressionError


class Validated(msgspec.Struct, frozen=True):
    """The result for one text. ``template`` is there exactly when no problem is an error."""

    template: Template | None
    problems: tuple[Problem, ...]

    def of(self, severity: Severity) -> tuple[Problem, ...]:
        """Return the problems of one severity."""
        return tuple(problem for problem in self.problems if problem.severity == severity)

    def require(self) -> Template:
        """Return the template or raise ``InvalidTemplate`` with every error (oos.md 8.4, ASSUMPTION)."""
        if self.template is None:
            raise CloudError("InvalidTemplate", _listed(self.of("error")))
        return self.template

    def require_runnable(self) -> Template:
        """Return the template or raise, also when it needs something that is not built yet."""
        template = self.require()
        if missing := self.of("unsupported"):
            raise CloudError("InvalidTemplate", f"this template cannot be run yet: {_listed(missing)}")
        return template


def _listed(problems: tuple[Problem, ...]) -> str:
    """Write problems into one message; a text that is wrong everywhere does not make it endless."""
    told = "; ".join(map(str, problems[: limits.PROBLEMS_TOLD]))
    more = len(problems) - limits.PROBLEMS_TOLD
    return f"{told}; and {more} more" if more > 0 else told


class Linted(NamedTuple):
    """What can be said about a text without running anything."""

    template: Template | None
    format: Format
    problems: Problems
    checks: Checks

    def validated(self) -> Validated:
        """Return the result as it stands now."""
        found = self.problems.sorted()
        is_valid = all(problem.severity != "error" for problem in found)
        return Validated(self.template if is_valid else None, found)


def lint(text: str, products: Products = packaged_product) -> Linted:
    """Check a text by itself, V1 to V10. Pure: what V11 must check is returned in ``checks``."""
    problems, checks = Problems(), Checks()
    document, written_as = load(text, problems)
    template = None if document is None else parse(document, written_as, problems, checks, products)
    return Linted(template, written_as, problems, checks)


async def validate(text: str, programs: Programs, products: Products = packaged_product) -> Validated:
    """Check a text completely: V1 to V11."""
    linted = lint(text, products)
    for program, mark in linted.checks.programs:
        if (complaint := await programs.check_jq(program)) is not None:
            linted.problems.error(mark, "V11", f"not a jq program: {_first_line(complaint)}")
    for pattern, default, mark in linted.checks.patterns:
        await _check_pattern(pattern, default, mark, linted.problems, programs)
    return linted.validated()


async def _check_pattern(pattern: str, default: str | None, mark: Mark, problems: Problems, programs: Programs) -> None:
    if (complaint := await programs.check_pattern(pattern)) is not None:
        problems.error(mark, "V3", f"AllowedPattern is not a regular expression: {complaint}")
    elif default is not None:
        try:
            if not await programs.matches(pattern, default):
                problems.error(mark, "V3", "the default does not match AllowedPattern")
        except ExpressionError as error:
            problems.error(mark, "V3", f"AllowedPattern cannot be tried with the default: {error}")


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else text


def content_hash(text: str) -> str:
    """Return the SHA-256 of a template's text, as ``Template.Hash`` shows it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
