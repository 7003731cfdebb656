from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tidegate.console import words
from tidegate.console.page import MENU

ROOM = Path(words.__file__).parent
TEXT = r'"((?:[^"\\]|\\.)*)"'
SAID = (
    rf"\b_\({TEXT}",
    r"\b_\('([^']*)'",
    rf"\bsay\(\s*{TEXT}",
    rf"parts\.form\([^,]*, [^,]*, {TEXT}",
    rf"said={TEXT}",
)
CATALOGUE = tomllib.loads((ROOM / "zh.toml").read_text("utf-8"))


def texts_said() -> set[str]:
    files = [*ROOM.rglob("*.html"), *ROOM.rglob("*.py")]
    said = {text for file in files for shape in SAID for text in re.findall(shape, file.read_text("utf-8"))}
    return said | {label for section, entries in MENU for label in (section, *(one[0] for one in entries)) if label}


def test_every_text_is_there_in_chinese_and_no_text_is_left_over() -> None:
    said = texts_said()

    assert len(said) > 100
    assert said == set(CATALOGUE["texts"])


@pytest.mark.parametrize("text", sorted(CATALOGUE["texts"]))
def test_a_translation_has_the_same_places_for_values(text: str) -> None:
    places = re.compile(r"\{(\w+)\}")

    assert sorted(places.findall(text)) == sorted(places.findall(CATALOGUE["texts"][text]))


def test_no_template_says_words_that_are_not_in_the_catalogue() -> None:
    """What is left of a template without its tags and expressions has no letters, but for names of products."""
    names = {"AccessKey", "ID", "Secret", "Tidegate", "ECS", "OOS", "VPC", "IP", "ms", "s", "SVG"}
    for file in ROOM.rglob("*.html"):
        bare = re.sub(
            r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->|<[^>]*>|&\w+;", " ", file.read_text("utf-8"), flags=re.DOTALL
        )

        assert set(re.findall(r"[A-Za-z]{2,}", bare)) <= names, file.name


@pytest.mark.parametrize(
    ("cookie", "accept", "language"),
    [
        ("", "", "en"),
        ("", "de-DE,de;q=0.9", "en"),
        ("", "de,zh-CN;q=0.8,en;q=0.5", "zh"),
        ("", "en-GB,zh;q=0.8", "en"),
        ("zh", "en", "zh"),
        ("en", "zh", "en"),
        ("xx", "zh", "zh"),
    ],
)
def test_the_language_is_the_cookies_else_the_browsers_first_that_there_is(
    cookie: str, accept: str, language: str
) -> None:
    assert words.choose(cookie, accept) == language
