"""The API errors of R-kvstore, word for word (kvstore.md 10, the service's spelling included)."""

from __future__ import annotations

from tidegate.errors import CloudError


def missing_parameter(name: str) -> CloudError:
    """A mandatory parameter is not there; the gateway's wording."""
    return CloudError(f"Missing{name}", f"{name} is mandatory for this action.")


def invalid_parameter(name: str) -> CloudError:
    """A parameter's value cannot be read."""
    return CloudError("InvalidParameter", f'The specified parameter "{name}" is not valid.')


def unknown_instance() -> CloudError:
    """Unknown, released, of another account or of another region."""
    return CloudError("InvalidInstanceId.NotFound", "The InstanceId provided does not exist in our records.", 404)


def incorrect_state() -> CloudError:
    """The instance is not ``Normal``. ASSUMPTION (kvstore.md 13): 400, not the 403 of RDS."""
    return CloudError("IncorrectDBInstanceState", "Current DB instance state does not support this operation.")


def lock_timeout() -> CloudError:
    """Another change of the same instance took too long."""
    return CloudError("LockTimeout", "The request processing has failed due to lock timeout.")


def gate_unavailable() -> CloudError:
    """The gate did not take the list; the same request may be sent again."""
    return CloudError("ServiceUnavailable", "The request has failed due to a temporary failure of the server.", 503)


def invalid_group_name() -> CloudError:
    """A whitelist group's name breaks the rules."""
    return CloudError("InvalidGroupName.Format", "Sepecified group name is not valid.")


def system_group() -> CloudError:
    """The group belongs to another service. ASSUMPTION (kvstore.md 10): code and words."""
    return CloudError(
        "OperationDenied.SystemGroup",
        "The specified whitelist group is created by system and can not be modified.",
        403,
    )


def invalid_list_format() -> CloudError:
    """An entry is no address and no block. ASSUMPTION (kvstore.md 10): of two documented codes this one."""
    return CloudError("InvalidSecurityIPList.Format", "Specified security IP list format is not valid.")


def duplicate_in_request() -> CloudError:
    """The request names an entry twice."""
    return CloudError(
        "InvalidSecurityIPList.Duplicate",
        "Specified security IP list is not valid: Duplicate IP address in the list",
    )


def entry_is_there() -> CloudError:
    """Append of an entry that is in the group. ASSUMPTION (kvstore.md 10): the words."""
    return CloudError("InvalidInstanceIp.Duplicate", "Specified instance ip is duplicated.")


def entry_is_not_there() -> CloudError:
    """Delete of an entry that is not in the group, or of its last one."""
    return CloudError(
        "InvalidSecurityIPs.NotFound",
        "The Specified same security IP does not exist or at least one security IP need.",
        404,
    )


def too_many_entries() -> CloudError:
    """More entries than a group or an instance may have."""
    return CloudError(
        "InvalidSecurityIPList.QuotaExceeded",
        "Specified security IP list is not valid: Exceeding the allowed amount of IP address in the list.",
    )


def too_many_groups() -> CloudError:
    """More groups than an instance may have."""
    return CloudError(
        "InvalidSecurityIPListGroup.QuotaExceeded",
        "Specified security IP list group is not valid: Exceeding the allowed amount of group.",
    )
