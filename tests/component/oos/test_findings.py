"""Every finding that the code can make is known in Chinese."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from tidegate.services.oos.wording import SENTENCES, in_chinese

_WAYS = {"error", "warn", "unsupported"}


def sentences() -> Iterator[str]:
    """Yield each sentence written at a place that reports a finding, with ``{}`` for what changes."""
    folder = Path(str(resources.files("tidegate.services.oos")))
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(ast.Attribute(attr=way), [_, _, said]) if way in _WAYS:
                    if (text := written(said)) is not None:
                        yield text


def written(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(str() as text):
            return text
        case ast.JoinedStr(parts):
            return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)
    return None


def test_every_finding_is_known_in_chinese() -> None:
    found = set(sentences())
    #: made of a part that is a sentence of its own
    composed = {"{}: {}", "{} {}"}

    unknown = [one for one in sorted(found - composed) if in_chinese(one.replace("{}", "X")) == one.replace("{}", "X")]

    assert len(found) > 60
    assert unknown == [], f"give these a Chinese sentence in services/oos/wording.py, beside {len(SENTENCES)} others"
