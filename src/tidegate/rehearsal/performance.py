"""One rehearsal from start to end: the calls are answered, people decide, triggers fire, and all of it is reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from tidegate.cloud.caller import PathCall
from tidegate.cloud.outside import Reply as HttpReply
from tidegate.cloud.outside import Request
from tidegate.errors import CloudError
from tidegate.rehearsal.answers import Answers, Decision, Replies, Reply
from tidegate.rehearsal.report import Call, Report, TaskReport
from tidegate.rehearsal.shapes import draft_answer
from tidegate.rehearsal.stage import Play, RehearsalError, Stage
from tidegate.services.oos.actions.approve import approvers
from tidegate.services.oos.actions.firing import TRIGGER
from tidegate.services.oos.catalog import Catalog
from tidegate.services.oos.masking import Mask, mask_parameters
from tidegate.services.oos.model import Task, Template
from tidegate.services.oos.orders import Order
from tidegate.services.oos.sandbox import Sandbox
from tidegate.services.oos.states import FINAL_TASK
from tidegate.services.oos.values import from_json, to_json
from tidegate.services.operation import Principal
from tidegate.store.oos.records import TaskRecord


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


#: answers what the answers file does not
Otherwise = Callable[[Asked], Mapping[str, Any] | CloudError | None]


def _nothing(_asked: Asked) -> None:
    return None


_REQUEST_ID = "00000000-0000-0000-0000-000000000000"


async def rehearse(
    template: str,
    answers: Answers,
    *,
    catalog: Catalog | None = None,
    parameters: Mapping[str, Any] | None = None,
    approve: bool = False,
    fires: int = 1,
    otherwise: Otherwise = _nothing,
) -> Report:
    """Run a template's text to its end, and return what has happened.

    ``parameters`` count more than those of the answers. ``approve`` lets everything be approved that the answers decide
    nothing about. A timer fires ``fires`` times, any other trigger for each message of the answers; then
    its execution is cancelled. ``otherwise`` is asked for what has no answer.
    Raises CloudError when the execution
    cannot begin, RehearsalError when an answer or a decision is missing.
    """
    programs = Sandbox()
    try:
        performance = _Performance(
            answers, catalog or Catalog(), programs, approve=approve, fires=fires, otherwise=otherwise
        )
        return await performance.give(template, {**answers.parameters, **(parameters or {})})
    finally:
        await programs.close()


class _Performance:
    """A rehearsal under way."""

    def __init__(
        self, answers: Answers, catalog: Catalog, programs: Sandbox, *, approve: bool, fires: int, otherwise: Otherwise
    ) -> None:
        self.replies = Replies(answers)
        self.calls: list[Call] = []
        self.mask = Mask({"secrets": list(answers.secrets.values())}, ["secrets"])
        self.stage = Stage(answers, catalog, programs, lambda play: _Caller(self, play))
        self.otherwise = otherwise
        self._answers = answers
        self._decisions = list(answers.decisions)
        self._messages = list(answers.messages)
        self._approve = approve
        self._fires = fires

    async def give(self, template: str, parameters: Mapping[str, Any]) -> Report:
        """Start the execution and see it to its end."""
        top = await self.stage.start(
            Order(
                principal=_principal(self._answers),
                region=self._answers.region,
                template_content=template,
                parameters=parameters,
            )
        )
        while True:
            await self.stage.settle()
            if top.has_ended:
                return self._report(top)
            waiting = list(self.stage.waiting())
            asked = next((play for play in waiting if play.record.waiting != "Trigger"), None)
            if asked is not None:
                self._decide(asked)
            elif waiting:
                self._fire(waiting[0])
            else:
                raise RehearsalError("the execution waits for something that a rehearsal does not have")

    def path_of(self, play: Play) -> str:
        """Return the tasks that lead to an execution: empty for the first, ``stop/`` for a child of the task stop."""
        parent = self.stage.plays.get(play.record.parent_id or "")
        if parent is None:
            return ""
        started = _find(parent, play.record.id)
        return self.path_of(parent) + (f"{started.name}/" if started else "")

    def _decide(self, play: Play) -> None:
        task = list(play.tasks.values())[-1]
        if self._decisions:
            decision = self._decisions.pop(0)
        elif self._approve and play.record.waiting != "FailurePause":
            decision = Decision("Approve")
        else:
            choice = "RetryTask or SkipTask" if play.record.waiting == "FailurePause" else "Approve or Reject"
            raise RehearsalError(
                f"the task {self.path_of(play)}{task.name} waits for people ({play.record.waiting}). Add one of "
                f"{choice} to the answers file, or run with --approve:\n\nDecisions:\n- {choice.split(maxsplit=1)[0]}"
            )
        self.stage.answer(play, decision.kind, decision.by or _whom(task), decision.note)

    def _fire(self, play: Play) -> None:
        """Let the next moment or message come, or end the execution when its trigger has fired often enough."""
        fired = len(self.stage.children(play))
        if play.template.trigger == "ACS::TimerTrigger":
            if fired < self._fires and play.due is not None:
                return self.stage.wake_at(play.due)
        elif self._messages:
            return self.stage.answer(play, TRIGGER, play.record.executed_by, said={"body": self._messages.pop(0)})
        elif not fired:
            draft = yaml.safe_dump({"Messages": [draft_answer(play.template.tasks[0])]}, allow_unicode=True)
            raise RehearsalError(
                f"the trigger waits for a message. Add to the answers file, with values in it:\n\n{draft}"
            )
        return self.stage.cancel(play)

    def _report(self, top: Play) -> Report:
        record, firings = top.record, []
        status, message = record.status, record.status_message
        if top.template.trigger is not None:
            fired = self.stage.children(top)
            firings = [self._tasks(play) for play in fired]
            # Its own end says nothing: what it started does (oos.md 5.10).
            worst = next((play.record for play in fired if play.record.status != "Success"), None)
            if fired:
                last = worst or fired[-1].record
                status, message, record = last.status, last.status_message, fired[-1].record
        return Report(
            execution_id=top.record.id,
            status=status,
            message=message,
            outputs=record.outputs,
            calls=self.calls,
            tasks=self._tasks(top),
            firings=firings,
            seconds=self.stage.clock.passed.total_seconds(),
            unused=self.replies.unused(),
            log=[line.message for play in self.stage.plays.values() for line in play.log],
        )

    def _tasks(self, play: Play) -> list[TaskReport]:
        return [self._task(play, record) for record in play.tasks.values()]

    def _task(self, play: Play, record: TaskRecord) -> TaskReport:
        mask = Mask(play.record.parameters, play.record.secrets)
        child = self.stage.plays.get(record.id)
        items = sorted(play.loops.get(record.id, {}).values(), key=lambda item: item.number)
        return TaskReport(
            id=record.id,
            name=record.name,
            action=record.action,
            status=record.status,
            message=record.status_message,
            item=mask.value(record.item),
            outputs=mask.value(record.outputs),
            items=[self._task(play, item) for item in items],
            child=self._tasks(child) if child is not None else (),
        )


class _Caller:
    """Answers what one execution asks of the cloud and of the world outside."""

    def __init__(self, performance: _Performance, play: Play) -> None:
        self._performance = performance
        self._play = play

    async def call_path(self, product: str, action: str, request: PathCall, *, region: str) -> Any:
        """Return the canned answer to a call in ROA style."""
        given = {"Path": f"{request.method} {request.path}", **request.query}
        if request.body:
            given["Body"] = request.body
        return self._answer(f"{product}.{action}", given, region)

    async def call(self, product: str, action: str, parameters: Mapping[str, Any], *, region: str) -> dict[str, Any]:
        """Return the canned answer, or raise the canned error. Raises RehearsalError when there is none."""
        answer = self._answer(f"{product}.{action}", _without_token(parameters, self._play.record.id), region)
        return {"RequestId": _REQUEST_ID, **answer}

    def may_reach(self, url: str) -> bool:  # noqa: ARG002 - see cloud.outside.Outside
        """Nothing outside is really reached, so everything may be."""
        return True

    async def send(self, request: Request) -> HttpReply:
        """Return the canned answer to an HTTP request, ``HTTP.POST``; messages to people need none."""
        given: dict[str, Any] = {"URL": request.url}
        if request.body:
            given["Body"] = _plain(request.body.decode())
        is_message = self._task().action in ("ACS::Notify", "ACS::Approve")
        try:
            answer = self._answer(f"HTTP.{request.method}", given, self._play.record.region, optional=is_message)
        except CloudError as error:
            return HttpReply(status=error.status, body=str(error).encode())
        return HttpReply(status=200, body=to_json(answer).encode())

    def _task(self) -> TaskRecord:
        return list(self._play.tasks.values())[-1]

    def _answer(self, operation: str, given: dict[str, Any], region: str, *, optional: bool = False) -> Any:
        performance, record, task = self._performance, self._play.record, self._task()
        reply = performance.replies.take(operation, given)
        if reply is None:
            reply = Reply({}) if optional else self._otherwise(operation, given, region, task)
        shown = performance.mask.value(Mask(record.parameters, record.secrets).value(given))
        performance.calls.append(
            Call(
                task=performance.path_of(self._play) + task.name,
                operation=operation,
                parameters=shown,
                region=region,
                error=None if reply.error is None else str(reply.error),
            )
        )
        if reply.error is not None:
            raise reply.error
        return reply.answer

    def _otherwise(self, operation: str, parameters: Mapping[str, Any], region: str, task: TaskRecord) -> Reply:
        template = self._play.template
        asked = Asked(
            operation, parameters, region, template, template.task(task.name), self._properties(task, parameters)
        )
        match self._performance.otherwise(asked):
            case None:
                raise self._missing(operation, parameters, task)
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

    def _missing(self, operation: str, parameters: Mapping[str, Any], task: TaskRecord) -> RehearsalError:
        draft = draft_answer(self._play.template.task(task.name))
        written = yaml.safe_dump({operation: draft}, sort_keys=False, allow_unicode=True).rstrip()
        shown = mask_parameters(parameters, self._play.record.secrets)
        return RehearsalError(
            f"the task {self._performance.path_of(self._play)}{task.name} calls {operation}, which has no answer.\n"
            f"It is called with {to_json(shown)}.\n"
            f"Add to the answers file, with values in it:\n\n{written}"
        )


def _principal(answers: Answers) -> Principal:
    if answers.user:
        return Principal(kind="RAMUser", account_id=answers.account, id=answers.user, name=answers.user)
    return Principal(kind="Account", account_id=answers.account, id=answers.account)


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


def _whom(task: TaskRecord) -> str:
    """Return who answers when the answers do not say: the first of those asked that has not yet."""
    asked: Sequence[str] = approvers(task.properties) if task.action == "ACS::Approve" else ()
    approved = task.memo.get("approved", ())
    return next((name for name in asked if name not in approved), f"person-{len(approved) + 1}")


def _find(play: Play, task_id: str) -> TaskRecord | None:
    for tasks in (play.tasks, *play.loops.values()):
        if task_id in tasks:
            return tasks[task_id]
    return None
