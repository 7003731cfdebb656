"""Reads the text of a template, YAML or JSON, into values that know their line and column.

Nothing in a text can name a type or a function: tags are refused, and every value is what JSON knows. Size, depth and
the number of values, aliases followed, are bounded, so no text costs more than a few milliseconds.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import yaml

from tidegate.services.oos import limits
from tidegate.services.oos.problems import Mark, Problems
from tidegate.services.oos.values import is_integer

Format = Literal["YAML", "JSON"]
START: Final = Mark(1, 1)


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a document and where it stands. Lists hold nodes, maps hold nodes under their keys."""

    value: Any
    mark: Mark
    #: where each key of a map stands
    keys: Mapping[str, Mark] = field(default_factory=dict)

    def plain(self) -> Any:
        """Return the value without its marks."""
        match self.value:
            case list():
                return [item.plain() for item in self.value]
            case dict():
                return {key: item.plain() for key, item in self.value.items()}
            case _:
                return self.value


class _UnreadableError(Exception):
    """The text cannot be read any further."""

    def __init__(self, mark: Mark, message: str) -> None:
        super().__init__(message)
        self.mark = mark
        self.message = message


def load(text: str, problems: Problems) -> tuple[Node | None, Format]:
    """Read ``text``; None when it cannot be read at all. What is wrong goes to ``problems`` (V1).

    A text that starts with a brace and is JSON is JSON, everything else is YAML 1.1 (oos.md 1.1).
    """
    if len(text.encode("utf-8", "surrogatepass")) > limits.TEMPLATE_BYTES:
        problems.error(START, "V1", f"the template is larger than {limits.TEMPLATE_BYTES // 1024} KB")
        return None, "YAML"
    looks_like_json = text.lstrip()[:1] in ("{", "[")
    try:
        if not looks_like_json:
            return _Yaml(text, problems).read(), "YAML"
        try:
            return _Json(text, problems).read(), "JSON"
        except _UnreadableError as error:
            # A YAML text may start with a brace too; when it is neither, its writer most likely meant JSON.
            try:
                return _Yaml(text, Problems()).read(), "YAML"
            except _UnreadableError:
                raise error from None
    except _UnreadableError as error:
        problems.error(error.mark, "V1", error.message)
        return None, "JSON" if looks_like_json else "YAML"


class _Composer:
    """What both readers share: the budget and the rules for maps."""

    def __init__(self, text: str, problems: Problems) -> None:
        self.text = text
        self.problems = problems
        self.nodes = 0

    def spend(self, mark: Mark, nodes: int = 1) -> None:
        """Pay for ``nodes`` more values."""
        self.nodes += nodes
        if self.nodes > limits.DOCUMENT_NODES:
            raise _UnreadableError(mark, f"the template holds more than {limits.DOCUMENT_NODES} values")

    def descend(self, mark: Mark, depth: int) -> None:
        """Refuse to go deeper than any sensible template."""
        if depth > limits.DOCUMENT_DEPTH:
            raise _UnreadableError(mark, f"the template is nested deeper than {limits.DOCUMENT_DEPTH} levels")

    def accept(self, keys: dict[str, Mark], key: str, mark: Mark) -> bool:
        """Note ``key``; a second one of the same name is a problem and is dropped (oos.md 1.1, ASSUMPTION)."""
        if key in keys:
            self.problems.error(mark, "V1", f'the key "{key}" stands here twice, first in line {keys[key].line}')
            return False
        keys[key] = mark
        return True


_TAG = "tag:yaml.org,2002:"


class _Yaml(_Composer):
    """Composes the events of the C parser."""

    def read(self) -> Node:
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._constructor = yaml.constructor.SafeConstructor()
        try:
            events = iter(yaml.parse(self.text, Loader=yaml.CSafeLoader))
            next(events)  # the stream starts
            if isinstance(next(events), yaml.StreamEndEvent):
                raise _UnreadableError(START, "the template is empty")
            root = self._node(next(events), events, 0)
            next(events)  # the document ends
            if not isinstance(extra := next(events), yaml.StreamEndEvent):
                raise _UnreadableError(_mark(extra), "the template holds more than one document")
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise _UnreadableError(_at(mark) if mark else START, f"not valid YAML: {error.problem}") from None
        except (yaml.YAMLError, UnicodeError) as error:
            raise _UnreadableError(START, f"not valid YAML: {str(error).splitlines()[0]}") from None
        return root

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        mark = _mark(event)
        self.descend(mark, depth)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, mark)
        if event.tag is not None and event.tag != "!":
            raise _UnreadableError(mark, f"tags are not allowed: {event.tag}")
        before = self.nodes
        self.spend(mark)
        match event:
            case yaml.SequenceStartEvent():
                node = self._sequence(mark, events, depth)
            case yaml.MappingStartEvent():
                node = self._mapping(mark, events, depth)
            case _:
                node = Node(self._scalar(event, mark), mark)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, self.nodes - before)
        return node

    def _alias(self, event: Any, mark: Mark) -> Node:
        if event.anchor not in self._anchors:
            raise _UnreadableError(mark, f'the alias "{event.anchor}" has no anchor before it')
        node, size = self._anchors[event.anchor]
        self.spend(mark, size)
        return node

    def _sequence(self, mark: Mark, events: Iterator[Any], depth: int) -> Node:
        items: list[Node] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self._node(event, events, depth + 1))
        return Node(items, mark)

    def _mapping(self, mark: Mark, events: Iterator[Any], depth: int) -> Node:
        items: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            at = _mark(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise _UnreadableError(at, "a key must be a text")
            if event.value == "<<" and event.implicit[0]:
                raise _UnreadableError(at, "merge keys are not allowed")
            value = self._node(next(events), events, depth + 1)
            if self.accept(keys, event.value, at):
                items[event.value] = value
        return Node(items, mark, keys)

    def _scalar(self, event: Any, mark: Mark) -> Any:
        """Resolve a plain scalar as YAML 1.1 does; timestamps and everything quoted stay texts."""
        if "\0" in event.value:
            raise _UnreadableError(mark, "a character that cannot be kept")
        if not event.implicit[0]:
            return event.value
        kind = _plain_kind(event.value)
        if kind not in ("null", "bool", "int", "float"):
            return event.value
        if kind == "null":
            return None
        scalar = yaml.ScalarNode(_TAG + kind, event.value)
        construct = getattr(self._constructor, f"construct_yaml_{kind}")
        try:
            value = construct(scalar)
        except ValueError:
            raise _UnreadableError(mark, f"not a number that can be kept: {event.value[:40]}") from None
        if not _is_keepable(value):
            raise _UnreadableError(mark, f"not a number that can be kept: {event.value[:40]}")
        return value


def _is_keepable(value: Any) -> bool:
    """Whether JSON and its readers can hold the number: finite, integers within 64 bits."""
    return math.isfinite(value) if isinstance(value, float) else not isinstance(value, int) or is_integer(value)


def _plain_kind(text: str) -> str:
    for tag, pattern in yaml.SafeLoader.yaml_implicit_resolvers.get(text[:1], []):
        if pattern.match(text):
            return str(tag).removeprefix(_TAG)
    return "str"


def _mark(event: Any) -> Mark:
    return _at(event.start_mark)


def _at(mark: Any) -> Mark:
    return Mark(mark.line + 1, mark.column + 1)


_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?P<fraction>\.[0-9]+)?(?P<exponent>[eE][-+]?[0-9]+)?")
_WORDS: Final[Mapping[str, Any]] = {"true": True, "false": False, "null": None}
_WORD = re.compile("true|false|null")


class _Json(_Composer):
    """Reads JSON to the letter, with places."""

    def read(self) -> Node:
        self._decoder = json.JSONDecoder()
        self._lines = [0, *(match.end() for match in re.finditer("\n", self.text))]
        node, end = self._node(self._skip(0), 0)
        if (end := self._skip(end)) != len(self.text):
            raise self._wrong(end, "something follows the end of the document")
        return node

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self.text, at)
        return match.end() if match else at

    def _mark(self, at: int) -> Mark:
        line = bisect_right(self._lines, at)
        return Mark(line, at - self._lines[line - 1] + 1)

    def _wrong(self, at: int, message: str) -> _UnreadableError:
        return _UnreadableError(self._mark(at), f"not valid JSON: {message}")

    def _node(self, at: int, depth: int) -> tuple[Node, int]:
        mark = self._mark(at)
        self.descend(mark, depth)
        self.spend(mark)
        match self.text[at : at + 1]:
            case "{":
                return self._object(at + 1, mark, depth)
            case "[":
                return self._array(at + 1, mark, depth)
            case '"':
                text, end = self._text(at)
                return Node(text, mark), end
        if word := _WORD.match(self.text, at):
            return Node(_WORDS[word[0]], mark), word.end()
        if number := _NUMBER.match(self.text, at):
            return Node(self._number(number, at), mark), number.end()
        raise self._wrong(at, "a value is expected")

    def _text(self, at: int) -> tuple[str, int]:
        try:
            text, end = self._decoder.raw_decode(self.text, at)
        except json.JSONDecodeError as error:
            raise self._wrong(error.pos, error.msg) from None
        if not text.isprintable() and any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text):
            raise self._wrong(at, "a character that cannot be kept")
        return str(text), end

    def _number(self, number: re.Match[str], at: int) -> int | float:
        try:
            value = float(number[0]) if number["fraction"] or number["exponent"] else int(number[0])
        except ValueError:
            raise self._wrong(at, "the number is too long") from None
        if not _is_keepable(value):
            raise self._wrong(at, "the number is too large")
        return value

    def _array(self, at: int, mark: Mark, depth: int) -> tuple[Node, int]:
        items: list[Node] = []
        at = self._skip(at)
        if self.text[at : at + 1] == "]":
            return Node(items, mark), at + 1
        while True:
            item, at = self._node(at, depth + 1)
            items.append(item)
            at, ended = self._next(at, "]")
            if ended:
                return Node(items, mark), at

    def _object(self, at: int, mark: Mark, depth: int) -> tuple[Node, int]:
        items: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        at = self._skip(at)
        if self.text[at : at + 1] == "}":
            return Node(items, mark), at + 1
        while True:
            if self.text[at : at + 1] != '"':
                raise self._wrong(at, "a key in double quotes is expected")
            key, end = self._text(at)
            key_at = at
            at = self._skip(end)
            if self.text[at : at + 1] != ":":
                raise self._wrong(at, "a colon is expected")
            item, at = self._node(self._skip(at + 1), depth + 1)
            if self.accept(keys, key, self._mark(key_at)):
                items[key] = item
            at, ended = self._next(at, "}")
            if ended:
                return Node(items, mark, keys), at

    def _next(self, at: int, closing: str) -> tuple[int, bool]:
        at = self._skip(at)
        match self.text[at : at + 1]:
            case ",":
                return self._skip(at + 1), False
            case last if last == closing:
                return at + 1, True
            case _:
                raise self._wrong(at, f'a comma or "{closing}" is expected')
