"""Slips put into real templates, YAML and JSON: each is found where it stands, and told in both languages.

The templates of this package; with ``TIDEGATE_OOS_TEMPLATES`` also the cloud's own, a checkout of which it names.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tidegate.services.oos.catalog import packaged_files
from tidegate.services.oos.problems import Problem
from tidegate.services.oos.validation import lint
from tidegate.services.oos.wording import in_chinese

CHECKOUT = os.environ.get("TIDEGATE_OOS_TEMPLATES", "")


class Slip(NamedTuple):
    """What is replaced in a line, by what, which check must find it, and whether it is found at the key or the value."""

    pattern: str
    put: str
    check: str
    group: str = "value"


#: a key, its value as it is written, alone in a line
_LINE = r'^(?P<before>\s*(?:- )?)(?P<key>"?{key}"?): (?P<value>{value})(?P<after>,?)$'
SLIPS = (
    Slip(_LINE.format(key="OnError", value=r'["\']?(?!ACS::)[\w-]+["\']?'), "NoSuchTask", "V6"),
    Slip(_LINE.format(key="NextTask", value=r'["\']?(?!ACS::)[\w-]+["\']?'), "NoSuchTask", "V6"),
    Slip(_LINE.format(key="Action", value=r'["\']?ACS::\w+["\']?'), "ACS::NoSuchAction", "V4"),
    Slip(_LINE.format(key="[A-Za-z]+", value=r'(["\'])\{\{ ?\w+ ?\}\}\4'), "{{ noSuchName }}", "V7"),
    Slip(_LINE.format(key="[A-Za-z]+", value=r'(["\'])\{\{ ?\w+\.\w+ ?\}\}\4'), "{{ noSuchTask.output }}", "V7"),
    Slip(_LINE.format(key="Service", value=r'["\']?[\w-]+["\']?'), "NoSuchProperty", "V5", "key"),
)


def slipped(text: str, slip: Slip) -> Iterator[tuple[str, int, int]]:
    """Yield the text with the slip in its first fitting line, with the line and the column where it stands."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if re.match(r'\s{0,4}"?Metadata"?:', line):
            return  # the form's, which is not checked; neither is what a parameter says to it
        if any("AssociationPropertyMetadata" in before for before in lines[max(0, number - 3) : number]):
            continue
        match = re.match(slip.pattern, line)
        if match is None:
            continue
        written = match[slip.group]
        quote = written[0] if written[0] in "\"'" else ""
        start, end = match.span(slip.group)
        changed = line[:start] + quote + slip.put + quote + line[end:]
        yield "\n".join([*lines[:number], changed, *lines[number + 1 :]]), number + 1, start + 1
        return


def is_in_a_text(text: str, line: int, found: Sequence[Problem]) -> bool:
    """Whether the line is part of a longer text, which a problem names by its beginning."""
    lines = text.split("\n")
    return any(
        problem.line < line and lines[problem.line - 1][problem.column - 1 :][:1] in ("|", ">", '"', "'")
        for problem in found
    )


def texts() -> Iterator[tuple[str, str]]:
    for name, file in packaged_files()[:: 1 if CHECKOUT else 4]:
        text = file.read_text(encoding="utf-8")
        yield f"{name}.yml", text
        template = lint(text).template
        assert template is not None
        yield f"{name}.json", json.dumps(template.source, ensure_ascii=False, indent=2)
    for path in sorted(Path(CHECKOUT).rglob("*ACS*")) if CHECKOUT else ():
        if path.suffix in (".yml", ".json"):
            yield str(path), path.read_text(encoding="utf-8")


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: f"{slip.check}-{slip.put}")
def test_a_slip_in_a_real_template_is_found_where_it_stands(slip: Slip) -> None:
    tried, missed = 0, []
    for name, text in texts():
        for broken, line, column in slipped(text, slip):
            tried += 1
            found = lint(broken).problems.sorted()
            told = [problem for problem in found if (problem.line, problem.column) == (line, column)]
            if slip.check not in [problem.check for problem in told] and not is_in_a_text(broken, line, found):
                missed.append((name, line, column, [str(problem) for problem in found[:3]]))
            assert all(in_chinese(problem.message) != problem.message for problem in told), told

    assert not missed[:5], f"{len(missed)} of {tried}"
    assert tried


def test_a_key_that_stands_twice_is_found_at_its_second_place() -> None:
    for name, text in texts():
        if not name.endswith(".yml"):
            continue
        lines = text.split("\n")
        broken = "\n".join([*lines, "FormatVersion: OOS-2019-06-01"])

        found = [problem for problem in lint(broken).problems.sorted() if problem.severity == "error"]

        assert [(problem.line, problem.column, problem.check) for problem in found] == [(len(lines) + 1, 1, "V1")], name
        assert "重复" in in_chinese(found[0].message)
