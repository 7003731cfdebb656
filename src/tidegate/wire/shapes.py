"""What a request type looks like on the wire: texts, JSON texts, numbered lists, dotted records."""

from __future__ import annotations

import types
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, TypeAlias, TypeVar, Union, get_args, get_origin

import msgspec

T = TypeVar("T")


class _JsonText:
    def __repr__(self) -> str:
        return "JSON_TEXT"


#: Marks a field that travels as one JSON text: ``Annotated[list[str], JSON_TEXT]``, or shorter ``JsonText[list[str]]``.
JSON_TEXT = _JsonText()
JsonText = Annotated[T, JSON_TEXT]


class _Clearable:
    def __repr__(self) -> str:
        return "CLEARABLE"


#: Marks a text that may be given empty, which clears it; any other empty value is as good as absent.
CLEARABLE = _Clearable()
ClearableText = Annotated[str, CLEARABLE]


@dataclass(frozen=True)
class Text:
    """One value: text, number, boolean, or anything else msgspec reads from a text."""

    type: Any
    clearable: bool = False


@dataclass(frozen=True)
class Json:
    """One value that is JSON text of ``type``."""

    type: Any


@dataclass(frozen=True)
class Many:
    """A numbered list: ``Name.1``, ``Name.2``."""

    item: Shape
    container: type


@dataclass(frozen=True)
class Field:
    """One field of a record: its names on the wire and in Python."""

    wire: str
    attribute: str
    shape: Shape
    required: bool


@dataclass(frozen=True)
class Record:
    """A structure: ``Name.Field``."""

    type: type[msgspec.Struct]
    fields: tuple[Field, ...]


Shape: TypeAlias = Text | Json | Many | Record


@cache
def record_of(struct: type[msgspec.Struct]) -> Record:
    """Return the shape of a request type. Raises TypeError for a field that cannot travel."""
    return Record(
        struct,
        tuple(
            Field(field.encode_name, field.name, shape_of(field.type), field.required)
            for field in msgspec.structs.fields(struct)
        ),
    )


def shape_of(annotation: Any) -> Shape:
    """Return the shape of one annotation; ``None`` and ``UNSET`` in a union only mean "may be left out"."""
    annotation = _given(annotation)
    if _is_json(annotation):
        return Json(annotation)
    is_annotated = get_origin(annotation) is Annotated
    if is_annotated and CLEARABLE in annotation.__metadata__:
        return Text(str, clearable=True)
    bare = get_args(annotation)[0] if is_annotated else annotation
    origin = get_origin(bare) or bare
    if origin in {list, tuple}:
        arguments = get_args(bare) or (str,)
        return Many(shape_of(arguments[0]), origin)
    if isinstance(origin, type) and issubclass(origin, msgspec.Struct):
        return record_of(origin)
    if origin in {dict, set, frozenset}:
        raise TypeError(f"{annotation} cannot travel as parameters; is it JsonText[…]?")
    return Text(annotation)


def _given(annotation: Any) -> Any:
    if get_origin(annotation) not in {Union, types.UnionType}:
        return annotation
    kept = [part for part in get_args(annotation) if part not in {type(None), msgspec.UnsetType}]
    return kept[0] if len(kept) == 1 else Union[tuple(kept)]  # noqa: UP007 - built from parts


def _is_json(annotation: Any) -> bool:
    return get_origin(annotation) is Annotated and JSON_TEXT in annotation.__metadata__
