"""Keeps the values of NoEcho parameters out of everything that is shown (oos.md 2.1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from tidegate.services.oos.values import to_json, to_text

MASK: Final = "******"


def mask_parameters(parameters: Mapping[str, Any], secrets: Collection[str]) -> dict[str, Any]:
    """Return the parameters with a mask for each secret one."""
    return {name: MASK if name in secrets else value for name, value in parameters.items()}


class Mask:
    """Hides the values of some parameters wherever they turn up."""

    def __init__(self, parameters: Mapping[str, Any], secrets: Collection[str], mark: str = MASK) -> None:
        self._mark = mark
        texts = {text for name in secrets for text in texts_in(parameters.get(name))}
        texts |= {to_json(text)[1:-1] for text in texts}  # as they stand inside JSON text
        # The longest first: a secret may be part of another one.
        self._hidden = sorted(texts, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return ``text`` with masks."""
        for hidden in self._hidden:
            text = text.replace(hidden, self._mark)
        return text

    def value(self, value: Any) -> Any:
        """Return any value with masks; without secrets it is the same object."""
        if not self._hidden:
            return value
        match value:
            case str():
                return self.text(value)
            case bool() | None:
                return value
            case list():
                return [self.value(item) for item in value]
            case dict():
                return {key: self.value(item) for key, item in value.items()}
            case int() | float():
                return self._mark if to_text(value) in self._hidden else value
        return value


def texts_in(value: Any) -> set[str]:
    """Return what of a secret value may turn up somewhere else."""
    match value:
        case str():
            return {value} if value else set()
        case list():
            return set().union(*map(texts_in, value))
        case dict():
            return set().union(*map(texts_in, value.values()))
        case bool():
            return set()  # hiding every "true" would hide nothing and spoil everything
        case int() | float():
            return {to_text(value)}
    return set()
