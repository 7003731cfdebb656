"""Why executions fail, and what helps: the failures that the tutorial's readers run into, first."""

from __future__ import annotations

from collections.abc import Iterable

from tidegate.console.page import Page


def explain(messages: Iterable[str], page: Page) -> list[tuple[str, str]]:
    """Return (cause, cure) for each kind of failure that these messages tell of."""
    text = "\n".join(messages)
    return [(cause, cure) for codes, cause, cure in _known(page) if any(code in text for code in codes)]


def _known(page: Page) -> list[tuple[tuple[str, ...], str, str]]:
    """Return every failure that is known: the codes it shows itself by, its cause, its cure."""
    say = page.say
    return [
        (
            ("Forbidden.Unauthorized", "Forbidden.RAM", "NoPermission"),
            say("The role that the execution acts under may not make this call."),
            say("Attach a policy that allows the action to the role, for example the least policy its role needs."),
        ),
        (
            ("AssumeRoleNotExist", "EntityNotExist.Role"),
            say("OOS may not act under this role: it does not exist, or does not trust OOS."),
            say("Create the role with a trust policy that names the service oos.aliyuncs.com."),
        ),
        (
            ("LifecycleHookIdAndLifecycleActionToken.Invalid",),
            say("Nobody waits for this answer any more: its time was over, or the runbook was started by hand."),
            say("Let the hook start the runbook, and give the hook a longer timeout."),
        ),
        (
            ("InvalidInstanceId.NotFound", "InvalidDBInstanceId.NotFound", "InvalidDBClusterId.NotFound"),
            say("An instance that the parameters name does not exist in this region."),
            say("Correct the parameters of the hook's notification: the id of the database instance, and its region."),
        ),
        (
            ("InvalidSecurityIPList.Duplicate",),
            say("The address is on the whitelist already."),
            say("Choose AppendDup instead of Append."),
        ),
        (
            ("IncorrectDBInstanceState", "OperationDenied.DBInstanceStatus", "OperationDenied.DBClusterStatus"),
            say("The database instance was busy with another change at that moment."),
            say("Try again; for hooks that run at the same time let the template retry the task."),
        ),
        (
            ("InvalidSecurityIPList.QuotaExceeded",),
            say("The whitelist is full."),
            say("Take off entries that nobody needs any more, or join them to address blocks."),
        ),
        (
            ("ServiceUnavailable", "InternalError"),
            say("The service could not do it at that moment."),
            say("Try again; a hook that times out goes on as its policy says."),
        ),
    ]
