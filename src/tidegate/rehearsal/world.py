"""What answers an execution on the stage: canned replies, and somebody else where there are none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from tidegate.cloud.caller import Caller, PathCall
from tidegate.cloud.outside import Reply as HttpReply
from tidegate.cloud.outside import Request
from tidegate.errors import CloudError
from tidegate.rehearsal.answers import Replies, Reply
from tidegate.rehearsal.report import Call
from tidegate.rehearsal.shapes import draft_answer
from tidegate.rehearsal.stage import Play, RehearsalError
from tidegate.services.oos.masking import Mask
from tidegate.services.oos.model import Task, Template
from tidegate.services.oos.states import FINAL_TASK
from tidegate.services.oos.values import from_json, to_json
from tidegate.store.oos.records import TaskRecord

_REQUEST_ID = "00000000-0000-0000-0000-000000000000"
#: actions whose requests are messages to people, which need no answer
_TELLING = frozenset({"ACS::Notify", "ACS::Approve"})
#: actions that look whether there is anything to do: in a rehearsal there is a message or nothing
_WATCHING = frozenset({"ACS::AlarmTrigger"})


@dataclass(frozen=True)
class Asked:
    """A call that the answers have nothing for."""

    operation: str
    parameters: Mapping[str, Any]
    region: str
    template: Template
    task: Task
    #: the task's properties as evaluated, of a looped task those of the item
    properties: Mapping[str, Any]
    #: makes the call on a cloud; None for requests to the world outside
    send: Callable[[Caller], Awaitable[Any]] | None


#: answers what the answers file does not
Otherwise = Callable[[Asked], Awaitable[Mapping[str, Any] | CloudError | None]]


@dataclass
class Script:
    """What all executions of a rehearsal are answered, and what they have called."""

    replies: Replies
    #: hides secrets of Parameter Store
    mask: Mask
    otherwise: Otherwise
    #: returns the tasks that lead to an execution
    path_of: Callable[[Play], str]
    calls: list[Call] = field(default_factory=list)


class World:
    """Answers what one execution asks of the cloud and of the world outside. Raises RehearsalError for a missing answer."""

    def __init__(self, script: Script, play: Play) -> None:
        self._script = script
        self._play = play

    async def call(self, product: str, action: str, parameters: Mapping[str, Any], *, region: str) -> dict[str, Any]:
        """Return the answer to a call, or raise the error in its place."""

        async def send(caller: Caller) -> dict[str, Any]:
            return await caller.call(product, action, parameters, region=region)

        given = _without_token(parameters, self._play.record.id)
        return {"RequestId": _REQUEST_ID, **await self._answer(f"{product}.{action}", given, region, send)}

    async def call_path(self, product: str, action: str, request: PathCall, *, region: str) -> Any:
        """Return the answer to a call in ROA style."""

        async def send(caller: Caller) -> Any:
            return await caller.call_path(product, action, request, region=region)

        given = {"Path": f"{request.method} {request.path}", **request.query}
        if request.body:
            given["Body"] = request.body
        return await self._answer(f"{product}.{action}", given, region, send)

    def may_reach(self, url: str) -> bool:  # noqa: ARG002 - see cloud.outside.Outside
        """Nothing outside is really reached, so everything may be."""
        return True

    async def send(self, request: Request) -> HttpReply:
        """Return the answer to an HTTP request, ``HTTP.POST``; messages to people need none."""
        given: dict[str, Any] = {"URL": request.url}
        if request.body:
            given["Body"] = _plain(request.body.decode())
        try:
            answer = await self._answer(f"HTTP.{request.method}", given, self._play.record.region, None)
        except CloudError as error:
            return HttpReply(status=error.status, body=str(error).encode())
        return HttpReply(status=200, body=to_json(answer).encode())

    async def _answer(
        self, operation: str, given: dict[str, Any], region: str, send: Callable[[Caller], Awaitable[Any]] | None
    ) -> Any:
        script, task = self._script, list(self._play.tasks.values())[-1]
        reply = script.replies.take(operation, given)
        if reply is None and task.action in (_TELLING if send is None else _WATCHING):
            reply = Reply({})
        if reply is None:
            template = self._play.template
            properties = self._properties(task, given)
            definition = template.task(task.name)
            reply = await self._otherwise(Asked(operation, given, region, template, definition, properties, send))
        script.calls.append(
            Call(
                task=script.path_of(self._play) + task.name,
                operation=operation,
                parameters=self._shown(given),
                region=region,
                error=None if reply.error is None else str(reply.error),
            )
        )
        if reply.error is not None:
            raise reply.error
        return reply.answer

    async def _otherwise(self, asked: Asked) -> Reply:
        match await self._script.otherwise(asked):
            case None:
                raise self._missing(asked)
            case CloudError() as error:
                return Reply(error=error)
            case answer:
                return Reply(answer)

    def _properties(self, task: TaskRecord, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what calls: the task, or the item of it whose parameters these are."""
        for item in self._play.loops.get(task.id, {}).values():
            given = item.properties.get("Parameters") or {}
            if item.status not in FINAL_TASK and all(parameters.get(name) == value for name, value in given.items()):
                return item.properties
        return task.properties

    def _missing(self, asked: Asked) -> RehearsalError:
        draft = yaml.safe_dump({asked.operation: draft_answer(asked.task)}, sort_keys=False, allow_unicode=True)
        return RehearsalError(
            f"the task {self._script.path_of(self._play)}{asked.task.name} calls {asked.operation}, which has no answer.\n"
            f"It is called with {to_json(self._shown(asked.parameters))}.\n"
            f"Add to the answers file, with values in it:\n\n{draft.rstrip()}"
        )

    def _shown(self, parameters: Mapping[str, Any]) -> Any:
        record = self._play.record
        return self._script.mask.value(Mask(record.parameters, record.secrets).value(parameters))


def _plain(body: str) -> Any:
    try:
        return from_json(body)
    except ValueError:
        return body


def _without_token(parameters: Mapping[str, Any], execution_id: str) -> dict[str, Any]:
    """Leave out the ClientToken that the engine adds to calls: it is none of the template's."""
    return {
        name: value
        for name, value in parameters.items()
        if name != "ClientToken" or not (str(value).startswith(f"{execution_id}:") or len(str(value)) == 64)
    }
