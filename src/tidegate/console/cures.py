"""Why executions fail, and what helps: the failures that the tutorial's readers run into, first."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.console.page import Page


def explain(messages: Iterable[str], page: Page) -> list[tuple[str, str]]:
    """Return (cause, cure) for each kind of failure that these messages tell of."""
    text = "\n".join(messages)
    found = []
    if any(code in text for code in ("Forbidden.Unauthorized", "Forbidden.RAM", "NoPermission")):
        found.append(
            (
                page.say("The role that the execution acts under may not make this call."),
                page.say(
                    "Attach a policy that allows the action to the role, for example the least policy its role needs."
                ),
            )
        )
    if "AssumeRoleNotExist" in text:
        found.append(
            (
                page.say("OOS may not act under this role: it does not exist, or does not trust OOS."),
                page.say("Create the role with a trust policy that names the service oos.aliyuncs.com."),
            )
        )
    if "LifecycleHookIdAndLifecycleActionToken.Invalid" in text:
        found.append(
            (
                page.say(
                    "Nobody waits for this answer any more: the wait was ended or its time was over, or the runbook was started by hand."
                ),
                page.say("Let the hook start the runbook, and give the hook a longer timeout."),
            )
        )
    if "InvalidInstanceId.NotFound" in text:
        found.append(
            (
                page.say("An instance that the parameters name does not exist in this region."),
                page.say(
                    "Correct the parameters of the hook's notification: the id of the Redis instance, and its region."
                ),
            )
        )
    if "Duplicate" in text:
        found.append(
            (
                page.say("The address is on the whitelist already."),
                page.say("Choose AppendDup instead of Append."),
            )
        )
    return found
