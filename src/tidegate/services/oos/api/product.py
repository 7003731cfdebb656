"""The product OOS, and what its operations have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from tidegate.clock import to_seconds
from tidegate.errors import CloudError
from tidegate.services.oos import errors, limits
from tidegate.services.oos.values import to_json
from tidegate.services.operation import Answer, Product, Request


def _denial(action: str, resource: str) -> CloudError:
    return errors.denied(action, resource)


oos = Product(name="oos", code="oos", versions=("2019-06-01",), denial=_denial)

SortOrder = Literal["Ascending", "Descending"]


class Paged(Request):
    """A request for one page of a list."""

    max_results: int | None = None
    next_token: str | None = None


class PagedAnswer(Answer):
    """One page of a list; without a token it is the last."""

    max_results: int
    next_token: str | msgspec.UnsetType = msgspec.UNSET


def token(next_token: str | None) -> str | msgspec.UnsetType:
    """Return the token of the next page, left out when there is none."""
    return msgspec.UNSET if next_token is None else next_token


def moment(when: datetime | None) -> str | msgspec.UnsetType:
    """Return a moment as OOS writes it, left out when there is none."""
    return msgspec.UNSET if when is None else to_seconds(when)


def given(text: str | None) -> str | msgspec.UnsetType:
    """Return a text, left out when there is none."""
    return msgspec.UNSET if text is None else text


def json_text(value: Any) -> str:
    """Return a value as the JSON text that an answer holds."""
    return to_json(value)


def short_json_text(entries: Mapping[str, Any]) -> str:
    """Return a map as JSON text, each long entry cut to the beginning of its own JSON text (oos.md 9, ASSUMPTION)."""
    text = to_json(entries)
    if len(text) <= limits.OUTPUT_CHARACTERS:
        return text
    texts = {name: to_json(value) for name, value in entries.items()}
    return to_json(
        {
            name: value if len(texts[name]) <= limits.OUTPUT_CHARACTERS else texts[name][: limits.OUTPUT_CHARACTERS]
            for name, value in entries.items()
        }
    )


def tags_of(tags: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the tags that were given."""
    return {} if tags is None else tags


def template_resource(name: str | None) -> Sequence[str]:
    """Return the resource of a template, or of all."""
    return [f"template/{name or '*'}"]


def execution_resource(execution_id: str | None) -> Sequence[str]:
    """Return the resource of an execution, or of all."""
    return [f"execution/{execution_id or '*'}"]
