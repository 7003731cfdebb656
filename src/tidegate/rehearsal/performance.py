"""One rehearsal from start to end: the calls are answered, people decide, triggers fire, and all of it is reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from tidegate.ids import Ids
from tidegate.rehearsal.answers import Answers, Decision, Replies
from tidegate.rehearsal.report import Report, TaskReport
from tidegate.rehearsal.shapes import draft_answer
from tidegate.rehearsal.stage import Play, RehearsalError, Stage, StageClock, VirtualClock
from tidegate.rehearsal.world import Asked, Otherwise, Script, World
from tidegate.services.oos.actions.approve import approvers
from tidegate.services.oos.actions.firing import TRIGGER
from tidegate.services.oos.catalog import Catalog
from tidegate.services.oos.masking import Mask
from tidegate.services.oos.orders import Order
from tidegate.services.oos.parameter_store import Read
from tidegate.services.oos.sandbox import Programs, Sandbox
from tidegate.services.operation import Principal
from tidegate.store.oos.records import TaskRecord

_ID_LENGTH: Final = 20


async def _nothing(_asked: Asked) -> None:
    return None


async def rehearse(
    template: str,
    answers: Answers,
    *,
    catalog: Catalog | None = None,
    parameters: Mapping[str, Any] | None = None,
    approve: bool = False,
    fires: int = 1,
    otherwise: Otherwise = _nothing,
    programs: Programs | None = None,
) -> Report:
    """Run a template's text to its end, and return what has happened.

    ``parameters`` count more than those of the answers. ``approve`` lets everything be approved that the answers decide
    nothing about. A timer fires ``fires`` times, any other trigger for each message of the answers; then its execution is
    cancelled. ``otherwise`` is asked for what has no answer. ``programs`` runs jq; without it a helper is started for this
    rehearsal, which costs more than the rest of it. Raises CloudError when the execution cannot begin, RehearsalError when
    an answer or a decision is missing.
    """
    helper = Sandbox()
    try:
        performance = Performance(
            answers, catalog or Catalog(), programs or helper, approve=approve, fires=fires, otherwise=otherwise
        )
        return await performance.give(template, {**answers.parameters, **(parameters or {})})
    finally:
        await helper.close()


class Performance:
    """A rehearsal under way; by default in virtual time, with the Parameter Store of the answers."""

    def __init__(
        self,
        answers: Answers,
        catalog: Catalog,
        programs: Programs,
        *,
        approve: bool,
        fires: int,
        otherwise: Otherwise,
        clock: StageClock | None = None,
        read: Read | None = None,
    ) -> None:
        self._answers = answers
        self._clock = clock or VirtualClock(answers.now)
        secrets = Mask({"secrets": list(answers.secrets.values())}, ["secrets"])
        self._script = Script(Replies(answers), secrets, otherwise, self._path_of)
        self._stage = Stage(
            catalog,
            programs,
            lambda play: World(self._script, play),
            clock=self._clock,
            read=read or self._read,
        )
        self._decisions = list(answers.decisions)
        self._messages = list(answers.messages)
        self._approve = approve
        self._fires = fires
        #: decisions that ``approve`` has made
        self.approvals = 0

    async def give(self, template: str, parameters: Mapping[str, Any]) -> Report:
        """Start the execution and see it to its end."""
        top = await self._stage.start(
            Order(
                principal=_principal(self._answers),
                region=self._answers.region,
                template_content=template,
                parameters=parameters,
            ),
            self._answers.execution_id or f"exec-{Ids(seed=0).text(_ID_LENGTH)}",
        )
        while True:
            await self._stage.settle()
            if top.has_ended:
                return self._report(top)
            waiting = list(self._stage.waiting())
            asked = next((play for play in waiting if play.record.waiting != "Trigger"), None)
            if asked is not None:
                self._decide(asked)
            elif waiting:
                self._fire(waiting[0])
            else:
                raise RehearsalError("the execution waits for something that a rehearsal does not have")

    def _path_of(self, play: Play) -> str:
        """Return the tasks that lead to an execution: empty for the first, ``stop/`` for a child of the task stop."""
        parent = self._stage.plays.get(play.record.parent_id or "")
        if parent is None:
            return ""
        started = _find(parent, play.record.id)
        return self._path_of(parent) + (f"{started.name}/" if started else "")

    async def _read(self, name: str, is_secret: bool) -> Any:
        """Return a value of Parameter Store, as the answers have it."""
        values = self._answers.secrets if is_secret else self._answers.store
        if name not in values:
            section = "Secrets" if is_secret else "Store"
            raise RehearsalError(
                f"{{{{ oos{'-secret' if is_secret else ''}:{name} }}}} has no value. Add to the answers file:\n\n"
                f"{section}:\n  {name}: …"
            )
        return values[name]

    def _decide(self, play: Play) -> None:
        task = list(play.tasks.values())[-1]
        if self._decisions:
            decision = self._decisions.pop(0)
        elif self._approve and play.record.waiting != "FailurePause":
            decision = Decision("Approve")
            self.approvals += 1
        else:
            choice = "RetryTask or SkipTask" if play.record.waiting == "FailurePause" else "Approve or Reject"
            raise RehearsalError(
                f"the task {self._path_of(play)}{task.name} waits for people ({play.record.waiting}). Add one of "
                f"{choice} to the answers file, or run with --approve:\n\nDecisions:\n- {choice.split(maxsplit=1)[0]}"
            )
        self._stage.answer(play, decision.kind, decision.by or _whom(task), decision.note)

    def _fire(self, play: Play) -> None:
        """Let the next moment or message come, or end the execution when its trigger has fired often enough."""
        fired = len(self._stage.children(play))
        if play.template.trigger == "ACS::TimerTrigger":
            if fired < self._fires and play.due is not None:
                return self._stage.skip_to(play.due)
        elif self._messages:
            return self._stage.answer(play, TRIGGER, play.record.executed_by, said={"body": self._messages.pop(0)})
        elif not fired:
            draft = yaml.safe_dump({"Messages": [draft_answer(play.template.tasks[0])]}, allow_unicode=True)
            raise RehearsalError(
                f"the trigger waits for a message. Add to the answers file, with values in it:\n\n{draft}"
            )
        return self._stage.cancel(play)

    def _report(self, top: Play) -> Report:
        record, firings = top.record, []
        status, message = record.status, record.status_message
        if top.template.trigger is not None:
            fired = self._stage.children(top)
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
            outputs=Mask(record.parameters, record.secrets).value(record.outputs),
            calls=self._script.calls,
            tasks=self._tasks(top),
            firings=firings,
            seconds=(self._clock.now() - self._clock.begun).total_seconds(),
            unused=self._script.replies.unused(),
            log=[line.message for play in self._stage.plays.values() for line in play.log],
        )

    def _tasks(self, play: Play) -> list[TaskReport]:
        return [self._task(play, record) for record in play.tasks.values()]

    def _task(self, play: Play, record: TaskRecord) -> TaskReport:
        mask = Mask(play.record.parameters, play.record.secrets)
        child = self._stage.plays.get(record.id)
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


def _principal(answers: Answers) -> Principal:
    if answers.user:
        return Principal(kind="RAMUser", account_id=answers.account, id=answers.user, name=answers.user)
    return Principal(kind="Account", account_id=answers.account, id=answers.account)


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
