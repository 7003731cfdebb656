"""Pictures of real templates: whole, and no task over another."""

from __future__ import annotations

from itertools import combinations
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from tidegate.cli.app import app
from tidegate.services.oos.catalog import packaged_files
from tidegate.services.oos.validation import lint

NAMES = [name for name, _ in packaged_files() if "::" not in name]


@pytest.mark.parametrize("name", NAMES)
def test_every_task_has_a_place_of_its_own_in_the_picture(name: str) -> None:
    text = next(file.read_text(encoding="utf-8") for known, file in packaged_files() if known == name)
    template = lint(text).validated().require()

    done = CliRunner().invoke(app, ["oos", "graph", name, "--svg"])

    assert done.exit_code == 0
    picture = ElementTree.fromstring(done.stdout)
    titles = [element.text or "" for element in picture.iter() if element.tag.endswith("title")]
    assert [task.name for task in template.tasks if not any(task.name in title for title in titles)] == []
    boxes = [
        tuple(float(element.attrib[side]) for side in ("x", "y", "width", "height"))
        for element in picture.iter()
        if element.tag.endswith("rect")
    ]
    overlaps = [
        (one, other)
        for one, other in combinations(boxes, 2)
        if one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3]
        and other[1] < one[1] + one[3]
    ]
    assert overlaps == []
