"""The errors of OOS (oos.md 8.4). Codes that the reference marks ASSUMPTION, and all wording, are assumed here."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.errors import CloudError


def template_not_found(name: str) -> CloudError:
    """No template, or no such version of it."""
    return CloudError("EntityNotExists.Template", f"The specified template {name} does not exist.", 404)


def template_exists(name: str) -> CloudError:
    """The name is taken."""
    return CloudError("EntityAlreadyExists.Template", f"The specified template {name} already exists.", 409)


def template_in_use(name: str) -> CloudError:
    """The template has executions and AutoDeleteExecutions was not given."""
    return CloudError(
        "DeleteConflict.Template",
        f"The template {name} has executions that have not ended. Cancel them or set AutoDeleteExecutions.",
        409,
    )


def too_many_templates(limit: int) -> CloudError:
    """The account has as many templates as it may have."""
    return CloudError("QuotaExceeded.Template", f"The number of templates exceeds the limit of {limit}.")


def execution_not_found(execution_id: str) -> CloudError:
    """No such execution."""
    return CloudError("EntityNotExists.Execution", f"The specified execution {execution_id} does not exist.", 404)


def task_execution_not_found(task_id: str) -> CloudError:
    """No such task execution waits."""
    return CloudError("EntityNotExists.TaskExecution", f"The task execution {task_id} does not wait.", 404)


def wrong_status(execution_id: str, status: str) -> CloudError:
    """What was asked cannot be done in this status."""
    return CloudError(
        "OperationDenied.ExecutionStatus", f"The execution {execution_id} is {status}; the operation is not possible."
    )


def too_many_descendants(limit: int) -> CloudError:
    """An execution and its children have started as many others as they may."""
    return CloudError("QuotaExceeded.Execution", f"An execution and its children start {limit} others at most.")


def role_not_assumed(role: str, reason: CloudError) -> CloudError:
    """The template's RamRole cannot be assumed; names the role and says how to cure it."""
    cure = (
        "create it with a trust policy for oos.aliyuncs.com"
        if reason.code.startswith("EntityNotExist")
        else "its trust policy must name the service oos.aliyuncs.com"
    )
    return CloudError("AssumeRoleNotExist", f"The RAM role {role} cannot be assumed by OOS ({reason.code}): {cure}.")


def denied(action: str, resource: str, detail: Mapping[str, str] | None = None) -> CloudError:
    """The caller lacks a permission (ram.md 12, OOS)."""
    return CloudError(
        "NoPermission",
        f"You are not authorized to do this operation. Action: {action}. Resource: {resource}.",
        403,
        detail=detail,
    )


def unsupported(what: str) -> CloudError:
    """The cloud can do it, this one cannot yet."""
    return CloudError("OperationDenied.Unsupported", f"{what} is not supported yet.")


def parameter_not_found(name: str, *, is_secret: bool) -> CloudError:
    """No parameter of this name, or no such version of it."""
    kind = "SecretParameter" if is_secret else "Parameter"
    return CloudError(f"EntityNotExists.{kind}", f"The specified parameter {name} does not exist.", 404)


def parameter_exists(name: str, *, is_secret: bool) -> CloudError:
    """The name is taken."""
    kind = "SecretParameter" if is_secret else "Parameter"
    return CloudError(f"EntityAlreadyExists.{kind}", f"The specified parameter {name} already exists.", 409)


def too_many_parameters(limit: int) -> CloudError:
    """The account has as many parameters as it may have."""
    return CloudError("QuotaExceeded.Parameter", f"The number of parameters exceeds the limit of {limit}.")


def resource_not_found(resource_id: str) -> CloudError:
    """None of the account's resources has this id."""
    return CloudError("InvalidResourceId.NotFound", f"The specified resource {resource_id} does not exist.", 404)
