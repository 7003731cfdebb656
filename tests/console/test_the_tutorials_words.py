"""The tutorial's page, followed word by word: what is emphasised is clicked, what is bold is a field to fill in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from support.clicking import Person
from support.running import ROOT, RunningCloud

#: ``*click*``, ``**field** `value```, and a value by itself, which names the row of the next click.
WORDS = re.compile(
    r"\*\*(?P<field>[^*]+)\*\*\s*`(?P<value>[^`]+)`|(?<!\*)\*(?P<click>[^*\n]+)\*(?!\*)|`(?P<row>[^`]+)`"
)


def steps(page: Path) -> list[tuple[str, str, str]]:
    """Return the steps of sections 1 to 5, as (what to do, with what, value), up to the first picture."""
    text = page.read_text("utf-8")
    part = text[text.index("## 1.") : text.index("![")]
    found = []
    for match in WORDS.finditer(part):
        if match["field"]:
            found.append(("fill", match["field"], match["value"]))
        elif match["click"]:
            found.append(("click", match["click"], ""))
        else:
            found.append(("row", match["row"], ""))
    return found


class Reader:
    """Does what the page says, by what the screen says."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.page = person.page
        self._row = ""

    def do(self, what: str, word: str, value: str) -> None:
        if what == "row":
            self._row = word
        elif what == "fill":
            self._fill(word, value)
        else:
            self._click(word)

    def _scope(self) -> Any:
        dialog = self.page.locator("dialog[open]")
        return dialog if dialog.count() else self.page

    def _click(self, word: str) -> None:
        target = (
            self._scope()
            .locator("a:visible, button:visible")
            .filter(has_text=re.compile(rf"^\s*{re.escape(word)}\s*$"))
        )
        row = self.page.locator("tr", has_text=self._row)
        if self._row and target.count() > 1 and row.count() == 1:
            target = row.locator("a, button").filter(has_text=word)
        self._row = ""
        open_dialogs = "document.querySelectorAll('dialog[open]').length"
        self.page.evaluate(f"window.before = {open_dialogs}")
        target.first.click()
        # Another page comes, which knows of no page before, or a dialog opens.
        self.page.wait_for_function(f"() => window.before === undefined || {open_dialogs} > window.before")
        self.page.wait_for_load_state("domcontentloaded")

    def _fill(self, label: str, value: str) -> None:
        field = self._scope().locator("label:visible").filter(has_text=re.compile(rf"^\s*{re.escape(label)}"))
        inside = field.first.locator("input, select, textarea").first
        if inside.evaluate("one => one.tagName") != "SELECT":
            inside.fill(value)
            return
        texts = inside.locator("option").all_inner_texts()
        text = next(one for one in texts if one == value or one.startswith(f"{value} ·"))
        if inside.get_attribute("data-go") is None:
            inside.select_option(label=text)
            return
        with self.page.expect_navigation():
            inside.select_option(label=text)


@pytest.mark.parametrize(("language", "file"), [("en-US", "console.md"), ("zh-CN", "console.zh-CN.md")])
def test_the_tutorial_works_word_by_word(chromium: Any, tmp_path: Path, language: str, file: str) -> None:
    todo = steps(ROOT / "docs" / "tutorial" / file)
    assert len(todo) > 40

    with RunningCloud(tmp_path / "cloud") as cloud, Person(chromium, cloud, language) as person:
        person.sign_in()
        reader = Reader(person)
        for step in todo:
            try:
                reader.do(*step)
            except Exception as error:
                error.add_note(f"at the step {step} of {file}, on {person.page.url}")
                raise

        person.page.wait_for_selector("main header .badge.good")
        assert "ModifySecurityIps" in person.page.locator("table.story").inner_text()
        assert person.complaints == []
