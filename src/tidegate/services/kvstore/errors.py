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
