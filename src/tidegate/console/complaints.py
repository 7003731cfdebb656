"""What is wrong with a text that is being written, each with its line: policies and templates."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from tidegate.console.places import line_of
from tidegate.console.words import Language
from tidegate.services.oos.problems import Severity
from tidegate.services.oos.validation import lint
from tidegate.services.oos.wording import in_chinese
from tidegate.services.ram.policy import GrammarError, read_policy, read_trust_policy

#: As the API lists what its own checks found: ``line 4, column 9: not a jq program [V11]``.
_LISTED: Final = re.compile(r"line (\d+), column (\d+): (.*?) \[V\d+\](?=; |$)")


class Complaint(msgspec.Struct, frozen=True):
    """One complaint; ``line`` counts from 1 and is None where the whole text is meant."""

    text: str
    line: int | None = None
    column: int | None = None
    severity: Severity = "error"


def about_policy(document: str, *, trust: bool) -> Sequence[Complaint]:
    """Return what is wrong with a policy: one complaint at most, for RAM stops at the first."""
    try:
        json.loads(document)
    except json.JSONDecodeError as error:
        return [Complaint(error.msg, error.lineno, error.colno)]
    except (ValueError, RecursionError) as error:
        return [Complaint(str(error))]
    try:
        (read_trust_policy if trust else read_policy)(document)
    except GrammarError as error:
        return [Complaint(str(error), line_of(document, str(error)))]
    return []


def about_template(content: str, refusal: str, language: Language) -> Sequence[Complaint]:
    """Return everything found in a template, in the order of its lines.

    ``refusal`` is what the API said to it: it runs checks that need more than the text.
    """
    found = [Complaint(one.message, one.line, one.column, one.severity) for one in lint(content).problems.sorted()]
    seen = {(one.line, one.column, one.text) for one in found}
    for line, column, text in _LISTED.findall(refusal):
        if (int(line), int(column), text) not in seen:
            found.append(Complaint(text, int(line), int(column)))
    if refusal and not any(one.severity == "error" for one in found):
        found.append(Complaint(refusal))
    if language == "zh":
        found = [msgspec.structs.replace(one, text=in_chinese(one.text)) for one in found]
    return sorted(found, key=lambda one: (one.line or 0, one.column or 0))
