"""``ACS::Template`` and product actions: another template runs as a child, under the same role (oos.md 5.11)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tidegate.errors import CloudError
from tidegate.services.oos.actions.base import (
    ActionCancelledError,
    ActionFailedError,
    AwaitSignal,
    Child,
    Finished,
    LookAgain,
    Situation,
)
from tidegate.services.oos.fetching import fetch_template
from tidegate.services.oos.states import ExecutionStatus


async def perform(situation: Situation) -> Finished | LookAgain | AwaitSignal:
    """Run a template."""
    return await run_child(situation, _child)


async def run_child(
    situation: Situation, child: Callable[[Situation], Awaitable[Child]]
) -> Finished | LookAgain | AwaitSignal:
    """Start the child at the first look; at every other see whether it has ended. Its end wakes its parent."""
    ended = await situation.children.look()
    if ended is None:
        if not situation.memo:
            try:
                await situation.children.start(await child(situation))
            except CloudError as error:
                raise ActionFailedError(str(error)) from error
        return AwaitSignal({"started": True})
    match ended.status:
        case ExecutionStatus.SUCCESS:
            return Finished(ended.outputs)
        case ExecutionStatus.CANCELLED:
            raise ActionCancelledError("the child was cancelled")
    raise ActionFailedError(ended.message or "the child failed", ended.outputs)


async def _child(situation: Situation) -> Child:
    """Return what to run: a product action's properties are its template's parameters."""
    action, properties = situation.task.action, situation.properties
    if action != "ACS::Template":
        return Child(template_name=action, parameters=properties)
    parameters = properties.get("Parameters")
    if not isinstance(parameters, dict | None):
        raise ActionFailedError("the property Parameters must be a map")
    texts = {key: properties.get(key) for key in ("TemplateName", "TemplateVersion", "TemplateContent", "TemplateURL")}
    for key, text in texts.items():
        if not isinstance(text, str | None):
            raise ActionFailedError(f"the property {key} must be a text")
    content = texts["TemplateContent"]
    if content is None and (url := texts["TemplateURL"]):
        content = await fetch_template(situation.outside, url)
    return Child(
        template_name=texts["TemplateName"],
        template_version=texts["TemplateVersion"],
        template_content=content,
        parameters=parameters or {},
    )
