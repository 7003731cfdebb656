"""Messages to people: what ``ACS::Notify`` and ``ACS::Approve`` send to an address (oos.md 5.6, 5.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidegate.cloud.outside import OutsideError, Request
from tidegate.services.oos.actions.base import ActionFailedError, Situation
from tidegate.services.oos.values import from_json, is_true, to_json, to_text
from tidegate.wire.addresses import without_query


def address_of(properties: Mapping[str, Any]) -> str:
    """Return where the message goes; raises ActionFailedError for another kind than WebHook."""
    kind = to_text(properties.get("NotifyType"))
    if kind.lower() != "webhook":
        raise ActionFailedError(f"messages of the NotifyType {kind[:40]} are not sent from this cloud; use WebHook")
    uri = _webhook(properties).get("URI")
    if not isinstance(uri, str) or not uri:
        raise ActionFailedError("the WebHook needs a URI")
    return uri


async def send(situation: Situation, *, with_link: bool) -> None:
    """Post the message; raises ActionFailedError unless it was taken."""
    properties, url = situation.properties, address_of(situation.properties)
    webhook = _webhook(properties)
    content = webhook.get("Content")
    if is_true(properties.get("AppendExecutionLink", with_link)):
        content = _with_link(content, situation.link)
    headers = {"content-type": "application/json", "idempotency-key": situation.client_token}
    headers |= headers_of(webhook.get("Headers"))
    body = content if isinstance(content, str) else to_json(content)
    situation.log(f"Sends a message to {without_query(url)}.")
    try:
        reply = await situation.outside.send(Request(method="POST", url=url, headers=headers, body=body.encode()))
    except OutsideError as error:
        raise ActionFailedError(str(error)) from error
    if reply.status >= 400:  # ASSUMPTION
        raise ActionFailedError(f"{without_query(url)} answered with the status {reply.status}")


def headers_of(given: Any) -> dict[str, str]:
    """Return headers as texts, their names in lower case; raises ActionFailedError."""
    if isinstance(given, str):
        given = from_json(given) if given.strip().startswith("{") else None
    if not isinstance(given, dict | None):
        raise ActionFailedError("Headers must be a map")
    return {name.lower(): to_text(value) for name, value in (given or {}).items() if value is not None}


def _webhook(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    webhook = properties.get("WebHook")
    if not isinstance(webhook, dict):
        raise ActionFailedError("the property WebHook must be a map with URI and Content")
    return webhook


def _with_link(content: Any, link: str) -> Any:
    """Return the message with a link to the execution: in the text of a chat message, else beside it (ASSUMPTION)."""
    match content:
        case str():
            return f"{content}\n{link}"
        case {"text": {"content": str() as text}}:
            return {**content, "text": {**content["text"], "content": f"{text}\n{link}"}}
        case {"markdown": {"text": str() as text}}:
            return {**content, "markdown": {**content["markdown"], "text": f"{text}\n\n{link}"}}
        case dict():
            return {**content, "ExecutionLink": link}
    return {"Content": content, "ExecutionLink": link}
