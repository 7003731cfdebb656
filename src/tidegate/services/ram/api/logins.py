"""Operations on login profiles, passwords and the policy for them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidegate.clock import to_seconds
from tidegate.services.operation import Answer, Call, Done, Request
from tidegate.services.ram.api.product import on, ram
from tidegate.services.ram.model import ram_resource
from tidegate.services.ram.passwords import PasswordPolicy
from tidegate.services.ram.service import Ram
from tidegate.store.ram.logins import LoginProfile
from tidegate.store.ram.records import User


class CreateLoginProfileRequest(Request):
    """Whose password, and whether it must be changed at the next sign-in."""

    user_name: str
    password: str
    password_reset_required: bool = False
    mfa_bind_required: bool = msgspec.field(default=False, name="MFABindRequired")


class LoginProfileRequest(Request):
    """Whose profile."""

    user_name: str


class UpdateLoginProfileRequest(Request):
    """What changes about a profile."""

    user_name: str
    password: str | None = None
    password_reset_required: bool | None = None
    mfa_bind_required: bool | None = msgspec.field(default=None, name="MFABindRequired")


class ChangePasswordRequest(Request):
    """The caller's old and new password."""

    old_password: str
    new_password: str


class SetPasswordPolicyRequest(Request):
    """The whole policy; what is not said gets its default."""

    minimum_password_length: int | None = None
    require_lowercase_characters: bool | None = None
    require_uppercase_characters: bool | None = None
    require_numbers: bool | None = None
    require_symbols: bool | None = None
    hard_expiry: bool | None = None
    max_password_age: int | None = None
    password_reuse_prevention: int | None = None
    max_login_attemps: int | None = None


class NoParameters(Request):
    """Nothing to say."""


class LoginProfileItem(Answer):
    """How a user signs in; never the password."""

    user_name: str
    create_date: str
    password_reset_required: bool
    mfa_bind_required: bool = msgspec.field(name="MFABindRequired")


class LoginProfileAnswer(Answer):
    """One profile."""

    login_profile: LoginProfileItem


class PasswordPolicyItem(Answer):
    """A policy on the wire."""

    minimum_password_length: int
    require_lowercase_characters: bool
    require_uppercase_characters: bool
    require_numbers: bool
    require_symbols: bool
    hard_expiry: bool
    max_password_age: int
    password_reuse_prevention: int
    max_login_attemps: int


class PasswordPolicyAnswer(Answer):
    """The account's policy."""

    password_policy: PasswordPolicyItem


def _on_caller(_ram: Ram, call: Call, _request: msgspec.Struct) -> Sequence[str]:
    return [ram_resource(call.account_id, f"user/{call.principal.name or '*'}")]


def _answer(user: User, profile: LoginProfile) -> LoginProfileAnswer:
    return LoginProfileAnswer(
        login_profile=LoginProfileItem(
            user_name=user.user_name,
            create_date=to_seconds(profile.created),
            password_reset_required=profile.reset_required,
            mfa_bind_required=profile.mfa_required,
        )
    )


def _told(policy: PasswordPolicy) -> PasswordPolicyAnswer:
    return PasswordPolicyAnswer(password_policy=PasswordPolicyItem(**msgspec.structs.asdict(policy)))


@ram.operation("CreateLoginProfile", on=on("user/{user_name}"))
async def create_login_profile(service: Ram, call: Call, request: CreateLoginProfileRequest) -> LoginProfileAnswer:
    """Let a user sign in to the console with a password."""
    made = await service.logins.create(
        call.account_id,
        request.user_name,
        request.password,
        reset=request.password_reset_required,
        mfa=request.mfa_bind_required,
    )
    return _answer(*made)


@ram.operation("GetLoginProfile", on=on("user/{user_name}"))
async def get_login_profile(service: Ram, call: Call, request: LoginProfileRequest) -> LoginProfileAnswer:
    """Tell how a user signs in."""
    return _answer(*await service.logins.get(call.account_id, request.user_name))


@ram.operation("UpdateLoginProfile", on=on("user/{user_name}"))
async def update_login_profile(service: Ram, call: Call, request: UpdateLoginProfileRequest) -> Done:
    """Change a user's password or what is asked of the user."""
    await service.logins.update(
        call.account_id,
        request.user_name,
        request.password,
        reset=request.password_reset_required,
        mfa=request.mfa_bind_required,
    )
    return Done()


@ram.operation("DeleteLoginProfile", on=on("user/{user_name}"))
async def delete_login_profile(service: Ram, call: Call, request: LoginProfileRequest) -> Done:
    """Let a user sign in no longer."""
    await service.logins.remove(call.account_id, request.user_name)
    return Done()


@ram.operation("ChangePassword", on=_on_caller)
async def change_password(service: Ram, call: Call, request: ChangePasswordRequest) -> Done:
    """Change the caller's own password."""
    await service.logins.change(call.principal, request.old_password, request.new_password)
    return Done()


@ram.operation("SetPasswordPolicy", on=on("*"))
async def set_password_policy(service: Ram, call: Call, request: SetPasswordPolicyRequest) -> PasswordPolicyAnswer:
    """Say what passwords must be like; those that there are stay as they are."""
    fields = {name: getattr(request, name) for name in PasswordPolicy.__struct_fields__}
    policy = PasswordPolicy(**{name: value for name, value in fields.items() if value is not None})
    await service.logins.set_policy(call.account_id, policy)
    return _told(policy)


@ram.operation("GetPasswordPolicy", on=on("*"))
async def get_password_policy(service: Ram, call: Call, _request: NoParameters) -> PasswordPolicyAnswer:
    """Tell what passwords must be like."""
    return _told(await service.logins.policy(call.account_id))
