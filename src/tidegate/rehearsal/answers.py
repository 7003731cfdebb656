"""The answers file of a rehearsal: what each operation answers, what people decide, who and where one is.

A key with a dot is an operation, ``Service.API``. Its value is the answer; or ``Error`` with ``Code`` and ``Message``; or
a list of both, used in turn, whose last one stays. ``With`` keeps an entry for calls with these parameters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import yaml

from tidegate.errors import CloudError, ConfigurationError
from tidegate.services.oos.values import are_equal, to_json

#: what people can answer to an execution that waits for them (oos.md 7.4)
DECISIONS: Final = ("Approve", "Reject", "RetryTask", "SkipTask")
_ENTRY_KEYS: Final = frozenset({"Answer", "Error", "With"})


class Reply(msgspec.Struct, frozen=True):
    """One answer, or the error in its place. ``wanted`` are parameters that a call must have to get it."""

    answer: Any = {}
    error: CloudError | None = None
    wanted: Mapping[str, Any] = {}

    def fits(self, parameters: Mapping[str, Any]) -> bool:
        """Whether a call gets this reply."""
        return all(name in parameters and are_equal(parameters[name], value) for name, value in self.wanted.items())


class Decision(msgspec.Struct, frozen=True):
    """What somebody answers to an execution that waits; without ``by`` it is whoever is asked."""

    kind: str
    by: str = ""
    note: str = ""


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a rehearsal is told about the world."""

    #: by operation, as the file spells it
    replies: Mapping[str, Sequence[Reply]] = {}
    parameters: Mapping[str, Any] = {}
    decisions: Sequence[Decision] = ()
    #: message bodies of an event or alarm trigger, one for each time it fires
    messages: Sequence[Any] = ()
    #: values of Parameter Store
    store: Mapping[str, Any] = {}
    secrets: Mapping[str, str] = {}
    region: str = "cn-hangzhou"
    account: str = "1234567890123456"
    user: str = ""
    now: datetime | None = None
    #: ``ACS::ExecutionId``
    execution_id: str = ""


class Replies:
    """The replies of one rehearsal, as they are used up."""

    def __init__(self, answers: Answers) -> None:
        self._replies = {_key(operation): list(replies) for operation, replies in answers.replies.items()}
        self._spelled = {_key(operation): operation for operation in answers.replies}
        self._used: dict[str, set[int]] = {key: set() for key in self._replies}

    def take(self, operation: str, parameters: Mapping[str, Any]) -> Reply | None:
        """Return the reply to a call; None when there is none for it.

        Those meant for its parameters come first, and of those that fit alike the first unused one, else the last.
        """
        key = _key(operation)
        fitting = [(number, reply) for number, reply in enumerate(self._replies.get(key, ())) if reply.fits(parameters)]
        chosen = [each for each in fitting if each[1].wanted] or fitting
        if not chosen:
            return None
        number, reply = next((each for each in chosen if each[0] not in self._used[key]), chosen[-1])
        self._used[key].add(number)
        return reply

    def unused(self) -> list[str]:
        """Return the operations nobody called, as the file spells them."""
        return [self._spelled[key] for key, used in self._used.items() if not used]


def read_answers(text: str, name: str = "the answers file") -> Answers:
    """Read an answers file, YAML or JSON. Raises ConfigurationError, which says where and how to write it."""
    return make_answers(read_document(text, name), name)


def read_document(text: str, name: str) -> dict[str, Any]:
    """Read the text of an answers file. Raises ConfigurationError."""
    if text.lstrip().startswith("{"):  # JSON, which YAML takes for its own unless it is indented with tabs
        text = text.replace("\t", " ")
    try:
        read = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{name} cannot be read: {error}") from error
    if not isinstance(read, dict | None):
        raise ConfigurationError(f"{name} must be a map with operations (ECS.DescribeInstances) as keys")
    return read or {}


def make_answers(document: Mapping[str, Any], name: str = "the answers") -> Answers:
    """Return the answers of a document. Raises ConfigurationError."""
    sections = {key: value for key, value in document.items() if "." not in str(key)}
    if unknown := sections.keys() - _SECTIONS.keys():
        raise ConfigurationError(
            f"{name}: {sorted(map(str, unknown))[0]} is neither an operation, which has a dot (ECS.DescribeInstances), "
            f"nor one of {', '.join(_SECTIONS)}"
        )
    fields = {_SECTIONS[key]: value for key, value in sections.items()}
    try:
        fields["decisions"] = [_decision(each) for each in fields.get("decisions", ())]
        if "account" in fields:
            fields["account"] = str(fields["account"])
        if "now" in fields:
            fields["now"] = _moment(fields["now"])
        fields["replies"] = {
            operation: tuple(_replies(value)) for operation, value in document.items() if operation not in sections
        }
        return msgspec.convert(fields, Answers, strict=False)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{name}: {error}") from error


_SECTIONS: Final[Mapping[str, str]] = {
    "Parameters": "parameters",
    "Decisions": "decisions",
    "Messages": "messages",
    "Store": "store",
    "Secrets": "secrets",
    "Region": "region",
    "Account": "account",
    "User": "user",
    "Now": "now",
    "ExecutionId": "execution_id",
}


def _replies(value: Any) -> Iterator[Reply]:
    for entry in value if isinstance(value, list) else [value]:
        if isinstance(entry, dict) and entry and entry.keys() <= _ENTRY_KEYS:
            answer = entry.get("Answer")
            yield Reply({} if answer is None else answer, _error(entry.get("Error")), entry.get("With") or {})
        elif isinstance(entry, dict | None):
            yield Reply(entry or {})
        else:
            raise ValueError(f"an answer is a map, or another value under Answer; not {to_json(entry)[:80]}")


def _error(given: Any) -> CloudError | None:
    if given is None:
        return None
    if not isinstance(given, dict) or "Code" not in given:
        raise ValueError(f"an Error is a map with Code and Message, not {to_json(given)[:80]}")
    return CloudError(str(given["Code"]), str(given.get("Message", "")), int(given.get("Status", 400)))


def _decision(given: Any) -> Decision:
    fields = {"Decision": given} if isinstance(given, str) else given
    if not isinstance(fields, dict) or fields.get("Decision") not in DECISIONS:
        raise ValueError(f"a decision is one of {', '.join(DECISIONS)}, or a map with Decision, By and Note")
    return Decision(fields["Decision"], str(fields.get("By", "")), str(fields.get("Note", "")))


def _moment(given: Any) -> datetime:
    moment = datetime.fromisoformat(str(given))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _key(operation: str) -> str:
    return operation.lower()


class _Loader(yaml.CSafeLoader):
    """Reads YAML as templates are read: times stay texts, and a key stands once in a map."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem=f'the key "{key.value}" stands here twice', problem_mark=key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
