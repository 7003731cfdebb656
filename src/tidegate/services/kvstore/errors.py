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


def unknown_region() -> CloudError:
    """No such region, or no such zone in it."""
    return CloudError("InvalidRegion.NotFound", "The RegionId or ZoneId provided does not exist in our records.", 404)


def missing_class() -> CloudError:
    """CreateInstance names neither a class nor a capacity."""
    return CloudError("MissingClassCode", "Capacity or InstanceClass is mandatory for this action.")


def unknown_capacity() -> CloudError:
    """No class has this capacity."""
    return CloudError("InvalidCapacity.NotFound", "The Capacity provided does not exist in our records.", 404)


def unknown_class() -> CloudError:
    """There is no such class. ASSUMPTION: code and words after those of the capacity."""
    return CloudError("InvalidInstanceClass.NotFound", "The InstanceClass provided does not exist in our records.", 404)


def malformed_password() -> CloudError:
    """The password breaks the rules."""
    return CloudError("InvalidPassword.Malformed", 'The specified parameter "Password" is not valid.')


def malformed_name() -> CloudError:
    """The instance's name breaks the rules."""
    return CloudError("InvalidInstanceName.Malformed", 'The specified parameter "InstanceName" is not valid.')


def unknown_account() -> CloudError:
    """The instance has no such account. ASSUMPTION: the family's code."""
    return CloudError("InvalidAccountName.NotFound", "Specified account name does not exist.", 404)


def unknown_resource_type() -> CloudError:
    """Only instances carry tags. ASSUMPTION: the family's code."""
    return CloudError("InvalidResourceType.NotFound", "The ResourceType provided does not exist in our records.", 404)


def too_many_tags() -> CloudError:
    """An instance would carry more tags than it may. ASSUMPTION: the family's code."""
    return CloudError("InvalidTagCount", "The specified tags are beyond the permitted range.")


def too_many_instances() -> CloudError:
    """The account has as many instances as it may."""
    return CloudError("QuotaExceed", "The quota of instances exceeds.")


def dry_run_passed() -> CloudError:
    """The call would have succeeded without DryRun, which is told as an error (kvstore.md 5)."""
    return CloudError("DryRunOperation", "Request validation has been passed with DryRun flag set.")


def token_mismatch() -> CloudError:
    """The Token came with other parameters before."""
    return CloudError(
        "IdempotentParameterMismatch",
        "Request uses a client token in a previous request but is not identical to that request.",
    )


def not_pay_as_you_go() -> CloudError:
    """Only PostPaid instances can be released. ASSUMPTION (kvstore.md 5)."""
    return CloudError("IncorrectDBInstanceType", "Current DB instance type does not support this operation.", 403)


def release_protected() -> CloudError:
    """Release protection is on. ASSUMPTION: code and words, no source states them."""
    return CloudError("OperationDenied.ReleaseProtection", "The instance is protected from being released.", 403)


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
