"""Records what a cloud really answers to a runbook, as an answers file that replays it (oos.md 8).

The runbook runs here, by the same conductor, in real time and with the rights of whoever records; its calls go to the
cloud. What came back is kept call by call. Secrets are masked before anything is written: parameters with NoEcho, secret
parameters of Parameter Store, and what services answer under names that only secrets have.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from tidegate.clock import to_seconds
from tidegate.cloud.caller import Caller
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.rehearsal.answers import Answers, make_answers
from tidegate.rehearsal.performance import Performance, rehearse
from tidegate.rehearsal.report import Report
from tidegate.rehearsal.stage import LiveClock, RehearsalError
from tidegate.rehearsal.world import Asked
from tidegate.services.oos.catalog import Catalog
from tidegate.services.oos.masking import MASK, Mask
from tidegate.services.oos.sandbox import Sandbox
from tidegate.services.oos.validation import lint
from tidegate.services.oos.values import are_equal, to_json

_ID_LENGTH: Final = 20
#: masks of different kinds of secrets, which a replay cannot tell apart
_MASKS: Final = re.compile(r"\*{4,}")
#: fields of answers that only secrets have, in lower case
_SECRET_FIELDS: Final = frozenset(
    {
        "accesskeysecret",
        "securitytoken",
        "password",
        "passphrase",
        "privatekeybody",
        "secretdata",
        "secretvalue",
        "vncurl",
    }
)


class Recording(msgspec.Struct, frozen=True):
    """What was recorded: how the run went, and the answers file. ``differs`` says how a replay of it ends otherwise."""

    report: Report
    document: Mapping[str, Any]
    differs: str = ""


async def record(
    template: str,
    parameters: Mapping[str, Any],
    caller: Caller,
    *,
    region: str,
    catalog: Catalog,
    approve: bool = False,
) -> Recording:
    """Run a template's text against a cloud and write down what it answers. Raises CloudError and RehearsalError."""
    programs, clock = Sandbox(), LiveClock()
    answers = Answers(region=region, now=clock.begun, execution_id=f"exec-{Ids().text(_ID_LENGTH)}")
    recorder = Recorder(caller, region)
    secrets = lint(template, catalog.product).validated().require().secrets
    try:
        performance = Performance(
            answers,
            catalog,
            programs,
            approve=approve,
            fires=1,
            otherwise=recorder.ask,
            clock=clock,
            read=recorder.read,
        )
        report = await performance.give(template, parameters)
    finally:
        await programs.close()
    document = recorder.document(answers, parameters, secrets, ["Approve"] * performance.approvals)
    replayed = await rehearse(template, make_answers(document), catalog=catalog)
    shown = recorder.shown(report, parameters, secrets)
    return Recording(shown, document, difference(shown, replayed))


def difference(run: Report, replayed: Report) -> str:
    """Return how a replay ended otherwise; empty: it did not."""
    for name in ("status", "message", "outputs"):
        first, second = to_json(getattr(run, name)), to_json(getattr(replayed, name))
        if _MASKS.sub("*", first) != _MASKS.sub("*", second):
            return f"the replay's {name} is {second[:200]}, the run's {first[:200]}"
    return "" if run.path() == replayed.path() else "the replay takes another way"


class Taken(msgspec.Struct, frozen=True):
    """One call and what came back."""

    operation: str
    parameters: Mapping[str, Any]
    answer: Any = None
    error: CloudError | None = None


class Recorder:
    """Sends every call of a rehearsal to a cloud and remembers what came back."""

    def __init__(self, caller: Caller, region: str) -> None:
        self._caller = caller
        self._region = region
        self._taken: list[Taken] = []
        self._secrets: set[str] = set()
        self._stored: dict[str, dict[str, Any]] = {"Store": {}, "Secrets": {}}

    async def ask(self, asked: Asked) -> Mapping[str, Any] | CloudError:
        """Make a call on the cloud, and keep its answer or its error."""
        if asked.send is None:
            raise RehearsalError(
                f"{asked.operation} of {asked.task.name} leaves the cloud, which is not done to record"
            )
        try:
            answer = await asked.send(self._caller)
        except CloudError as error:
            self._taken.append(Taken(asked.operation, asked.parameters, error=error))
            return error
        is_map = isinstance(answer, dict)
        plain = {name: value for name, value in answer.items() if name != "RequestId"} if is_map else answer
        self._taken.append(Taken(asked.operation, asked.parameters, plain))
        return plain

    def remember(self, taken: Taken) -> None:
        """Keep a call that somebody else has made."""
        self._taken.append(taken)

    async def read(self, name: str, is_secret: bool) -> Any:
        """Return a value of Parameter Store."""
        action = "GetSecretParameter" if is_secret else "GetParameter"
        asked = {"Name": name, "WithDecryption": True} if is_secret else {"Name": name}
        found = (await self._caller.call("oos", action, asked, region=self._region))["Parameter"]
        value = found["Value"]
        if is_secret:
            self._secrets.add(value)
            self._stored["Secrets"][name] = MASK
            return value
        read = value.split(",") if found.get("Type") == "StringList" else value
        self._stored["Store"][name] = read
        return read

    def document(
        self, answers: Answers, parameters: Mapping[str, Any], secrets: Sequence[str], decisions: Sequence[str]
    ) -> dict[str, Any]:
        """Return the answers file: the ``parameters`` that were given, of which ``secrets`` are masked, and all answers."""
        mask = self._mask(parameters, secrets)
        sections: dict[str, Any] = {"Region": answers.region, "ExecutionId": answers.execution_id}
        if answers.now is not None:
            sections["Now"] = to_seconds(answers.now)
        if parameters:
            sections["Parameters"] = {name: MASK if name in secrets else value for name, value in parameters.items()}
        if decisions:
            sections["Decisions"] = list(decisions)
        sections |= {name: values for name, values in self._stored.items() if values}
        operations = dict.fromkeys(each.operation for each in self._taken)
        for operation in operations:
            sections[operation] = entries_of([each for each in self._taken if each.operation == operation])
        hidden: dict[str, Any] = hide_fields(mask.value(sections))
        return hidden

    def shown(self, report: Report, parameters: Mapping[str, Any], secrets: Sequence[str]) -> Report:
        """Return a report without secrets."""
        return msgspec.convert(self._mask(parameters, secrets).value(msgspec.to_builtins(report)), Report)

    def _mask(self, parameters: Mapping[str, Any], secrets: Sequence[str]) -> Mask:
        texts = {str(parameters[name]) for name in secrets if parameters.get(name)} | self._secrets
        encoded = {base64.b64encode(text.encode()).decode() for text in texts}
        return Mask({"secrets": sorted(texts | encoded)}, ["secrets"])


def entries_of(taken: Sequence[Taken]) -> Any:
    """Return what an answers file says of one operation: as little as tells its calls apart."""
    apart = _telling_apart(taken)
    entries = []
    for each in taken:
        wanted = {"With": {name: each.parameters[name] for name in apart if name in each.parameters}} if apart else {}
        if each.error is not None:
            error = {"Code": each.error.code, "Message": each.error.message, "Status": each.error.status}
            entries.append({**wanted, "Error": error})
        else:
            entries.append({**wanted, "Answer": each.answer})
    if not apart and all(entry == entries[0] for entry in entries):
        only = entries[0]
        answer = only.get("Answer")
        return answer if isinstance(answer, dict) and not answer.keys() & {"Answer", "Error", "With"} else only
    return entries


def _telling_apart(taken: Sequence[Taken]) -> list[str]:
    """Return the parameters in which calls differ."""
    first = taken[0].parameters
    names = dict.fromkeys(name for each in taken for name in each.parameters)
    return [
        name for name in names if any(not are_equal(each.parameters.get(name), first.get(name)) for each in taken[1:])
    ]


def hide_fields(value: Any) -> Any:
    """Return a value with masks in the fields that only secrets have."""
    match value:
        case dict():
            return {
                key: MASK
                if str(key).lower() in _SECRET_FIELDS and isinstance(inner, str) and inner
                else hide_fields(inner)
                for key, inner in value.items()
            }
        case list():
            return [hide_fields(inner) for inner in value]
    return value
