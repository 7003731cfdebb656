"""The errors of RAM, word for word (ram.md 13). Where the reference gives no words they follow its pattern."""

from __future__ import annotations

from collections.abc import Mapping

from tidegate.errors import CloudError

_NOT_EXIST = 404
_CONFLICT = 409

#: Code → status and message. ``{name}`` is what the call named.
FAULTS: Mapping[str, tuple[int, str]] = {
    "InvalidParameter.PolicyType": (400, 'The parameter - "PolicyType" is incorrect.'),
    "InvalidParameter.AccountAlias.Format": (400, 'The format of parameter - "AccountAlias" is incorrect.'),
    "InvalidParameter.AccountAlias.Length": (400, 'The parameter - "AccountAlias" MUST be in the range of 3 and 63.'),
    "MalformedPolicyDocument": (400, "{name}"),
    "NotSupport.Account": (400, "This method can be only invoked by sub user."),
    "InvalidParameter.OldPassword.Incorrect": (400, 'The parameter - "OldPassword" is incorrect.'),
    "InvalidParameter.NewPassword.ReusePrevention": (
        400,
        'The parameter - "NewPassword" is not compliant with the reuse prevention password policy.',
    ),
    "InvalidParameter.Password.ReusePrevention": (
        400,
        'The parameter - "Password" is not compliant with the reuse prevention password policy.',
    ),
    "NoPermission": (403, "You are not authorized to do this action. Resource: {name} Action: {action}"),
    "EntityNotExist.User": (_NOT_EXIST, "The user does not exist."),
    "EntityNotExist.User.LoginProfile": (_NOT_EXIST, "The user login profile does not exist."),
    "EntityNotExist.User.AccessKey": (_NOT_EXIST, "The user access key does not exist."),
    "EntityNotExist.User.Policy": (_NOT_EXIST, "The indicate policy of the user does not exist."),
    "EntityNotExist.User.Group": (_NOT_EXIST, "The user has not joined the group."),
    "EntityNotExist.Group": (_NOT_EXIST, "The group does not exist."),
    "EntityNotExist.Group.Policy": (_NOT_EXIST, "The indicate policy attached to the group does not exist."),
    "EntityNotExist.Role": (_NOT_EXIST, "The role not exists: {name}."),  # ASSUMPTION (ram.md 13)
    "EntityNotExist.Role.Policy": (_NOT_EXIST, "The indicate policy attached to the role does not exist."),
    "EntityNotExist.Policy": (_NOT_EXIST, "The policy does not exist."),
    "EntityNotExist.Policy.Version": (_NOT_EXIST, "The policy version does not exist."),
    "EntityAlreadyExists.User": (_CONFLICT, "The user does already EXIST."),
    "EntityAlreadyExists.User.LoginProfile": (_CONFLICT, "The user login profile does already EXIST."),
    "EntityAlreadyExists.User.Group": (_CONFLICT, "The user has already joined the group."),
    "EntityAlreadyExists.User.Policy": (_CONFLICT, "The user has already been attached this policy."),
    "EntityAlreadyExists.Group": (_CONFLICT, "The group does already EXIST."),
    "EntityAlreadyExists.Group.Policy": (_CONFLICT, "The group has already been attached this policy."),
    "EntityAlreadyExists.Role": (_CONFLICT, "The role does already EXIST."),
    "EntityAlreadyExists.Role.Policy": (_CONFLICT, "The role has already been attached this policy."),
    # ASSUMPTION: the published table repeats the group's words here.
    "EntityAlreadyExists.Policy": (_CONFLICT, "The policy does already EXIST."),
    "DeleteConflict.User.Group": (_CONFLICT, "The user CAN NOT be in any group while deleting the user."),
    "DeleteConflict.User.AccessKey": (_CONFLICT, "The user CAN NOT has any access key while deleting the user."),
    "DeleteConflict.User.LoginProfile": (
        _CONFLICT,
        "The user CAN NOT has any login profile while deleting the user.",
    ),
    "DeleteConflict.User.Policy": (_CONFLICT, "The user CAN NOT has any attached policy while deleting the user."),
    "DeleteConflict.Group.User": (_CONFLICT, "The group CAN NOT has any user member while deleting the group."),
    "DeleteConflict.Group.Policy": (_CONFLICT, "The entity CAN NOT has any attached policy while deleting the group."),
    "DeleteConflict.Role.Policy": (_CONFLICT, "The role CAN NOT has any attached policy while deleting the role."),
    "DeleteConflict.Policy.User": (
        _CONFLICT,
        "The policy CAN NOT been attached to any user while deleting the policy.",
    ),
    "DeleteConflict.Policy.Group": (
        _CONFLICT,
        "The policy CAN NOT been attached to any group while deleting the policy.",
    ),
    "DeleteConflict.Policy.Role": (
        _CONFLICT,
        "The policy CAN NOT been attached to any role while deleting the policy.",
    ),
    "DeleteConflict.Policy.Version": (_CONFLICT, "The policy CAN NOT has any version except the default version."),
    "DeleteConflict.Policy.Version.Default": (
        _CONFLICT,
        "The default policy version CAN NOT been deleted directly.",
    ),
    "LimitExceeded.User": (_CONFLICT, "The count of users beyond the current limits."),
    "LimitExceeded.User.AccessKey": (
        _CONFLICT,
        "The access key count of the user access keys beyond the current limits.",
    ),
    "LimitExceeded.User.Group": (
        _CONFLICT,
        "The count of groups the target user joined beyond the current limits.",
    ),
    "LimitExceeded.User.Policy": (
        _CONFLICT,
        "The policy count of the user attached policies beyond the current limits.",
    ),
    "LimitExceeded.Group": (_CONFLICT, "The count of groups beyond the current limits."),
    "LimitExceeded.Group.Policy": (_CONFLICT, "The policy count of the group beyond the current limits."),
    "LimitExceeded.Role": (_CONFLICT, "The count of roles beyond the current limits."),
    "LimitExceeded.Role.Policy": (_CONFLICT, "The count of policies attached to the role beyond the current limits."),
    "LimitExceeded.Policy": (_CONFLICT, "The count of policy beyond the current limits."),
    "LimitExceeded.Policy.Version": (_CONFLICT, "The count of policy version beyond the current limits."),
}


def fault(code: str, name: str = "", action: str = "") -> CloudError:
    """Make the error of that code; ``name`` and ``action`` fill its message where it has room for them."""
    status, message = FAULTS[code]
    return CloudError(code, message.replace("{name}", name).replace("{action}", action), status)


def invalid_chars(parameter: str) -> CloudError:
    """Complain about characters that a parameter must not have."""
    return CloudError(
        f"InvalidParameter.{parameter}.InvalidChars", f'The parameter - "{parameter}" contains invalid chars.'
    )


def too_long(parameter: str) -> CloudError:
    """Complain about the length of a parameter."""
    return CloudError(f"InvalidParameter.{parameter}.Length", f'The parameter - "{parameter}" beyond the length limit.')


def bad_format(parameter: str) -> CloudError:
    """Complain about the form of a parameter."""
    return CloudError(
        f"InvalidParameter.{parameter}.Format", f'The format of the parameter - "{parameter}" is incorrect.'
    )


def too_weak(parameter: str) -> CloudError:
    """Complain about a password."""
    return CloudError(
        f"InvalidParameter.{parameter}.TooWeak",
        f'The parameter - "{parameter}" is not compliant with the password policy.',
    )


def out_of_range(parameter: str, least: int, most: int) -> CloudError:
    """Complain about a number."""
    return CloudError(
        f"InvalidParameter.{parameter}.Range",
        f'The parameter - "{parameter}" MUST be in the range of {least} and {most}.',
    )


def denied(action: str, resource: str) -> CloudError:
    """Refuse a call of RAM (ram.md 12)."""
    return fault("NoPermission", resource, action)
