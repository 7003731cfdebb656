"""Every text in two languages: the English text is the key, ``zh.toml`` has the Chinese."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cached_property
from importlib.resources import files
from typing import Final, Literal

Language = Literal["en", "zh"]
LANGUAGES: Final[Mapping[Language, str]] = {"en": "English", "zh": "中文"}


class Words:
    """The catalogue. Texts with ``{name}`` in them are completed with values."""

    @cached_property
    def _catalogue(self) -> Mapping[str, Mapping[str, str]]:
        text = files("tidegate.console").joinpath("zh.toml").read_text("utf-8")
        return tomllib.loads(text)

    def say(self, language: Language, text: str, values: Mapping[str, object]) -> str:
        """Return a text in a language."""
        said = self._catalogue["texts"].get(text, text) if language == "zh" else text
        return said.format(**values) if values else said

    def state(self, language: Language, state: str) -> str:
        """Return the name of a state; English uses the API's own."""
        return self._catalogue["states"].get(state, state) if language == "zh" else state

    def knows(self, text: str) -> bool:
        """Tell whether this is one of the console's texts."""
        return text in self._catalogue["texts"]


def choose(cookie: str | None, accept: str) -> Language:
    """Return the language asked for by cookie, else the first of Accept-Language that there is."""
    if cookie == "zh":
        return "zh"
    if cookie == "en":
        return "en"
    for part in accept.lower().split(","):
        if part.strip().startswith("zh"):
            return "zh"
        if part.strip().startswith("en"):
            return "en"
    return "en"
