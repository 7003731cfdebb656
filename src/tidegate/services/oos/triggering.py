"""TriggerExecution: a message is handed to an execution that waits for its trigger (oos.md 8.2)."""

from __future__ import annotations

from typing import Any, Final

from tidegate.clock import Clock
from tidegate.errors import CloudError
from tidegate.services.oos import errors, limits
from tidegate.services.oos.actions.firing import TRIGGER
from tidegate.services.oos.executions import find_execution
from tidegate.services.oos.states import FINAL_EXECUTION, ExecutionStatus
from tidegate.services.oos.templates import author_of
from tidegate.services.oos.values import from_json
from tidegate.services.oos.works import work_key
from tidegate.services.operation import Call, invalid_parameter
from tidegate.store import tokens, work
from tidegate.store.database import Database
from tidegate.store.oos import journal

#: categories of executions, by the Type of TriggerExecution
_CATEGORIES: Final = {"Event": "EventTrigger", "Alarm": "AlarmTrigger", "Timer": "TimerTrigger"}


class Triggering:
    """Hands messages to triggers."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def trigger(self, call: Call, execution_id: str, kind: str, content: str | None) -> None:
        """Let the trigger of an execution fire once. Raises CloudError; a repeat with the same token does nothing."""
        body = read_body(content)
        if kind not in _CATEGORIES:
            raise invalid_parameter("Type")
        now = self._clock.now()
        async with self._database.transaction() as tx:
            repeat = (call.account_id, "oos:TriggerExecution", call.client_token, call.fingerprint)
            if await tokens.recall(tx, *repeat, now=now) is not None:
                return
            record = await find_execution(tx, call.account_id, call.region, execution_id)
            if record.status in FINAL_EXECUTION or record.status in (ExecutionStatus.STARTED, ExecutionStatus.QUEUED):
                raise errors.wrong_status(execution_id, record.status)
            if record.category != _CATEGORIES[kind] or not record.is_trigger:
                raise invalid_parameter("Type")
            if len(await journal.notices(tx, execution_id)) >= limits.PENDING_TRIGGERS:
                raise CloudError("Throttling.User", "The execution has not taken earlier triggers yet.")
            await journal.tell(
                tx, execution_id, TRIGGER, sender=author_of(call.principal), note="", said={"body": body}
            )
            await work.wake(tx, work_key(execution_id), now=now)
            await tokens.remember(tx, *repeat, execution_id, now=now)


def read_body(content: str | None) -> Any:
    """Read the message of a trigger: the JSON text of an object."""
    if not content:
        return {}
    if len(content) > limits.TRIGGER_CHARACTERS:
        raise invalid_parameter("Content")
    try:
        body = from_json(content)
    except ValueError:
        raise invalid_parameter("Content") from None
    if not isinstance(body, dict):
        raise invalid_parameter("Content")
    return body
