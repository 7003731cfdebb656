"""Passwords of users: through the door, and as the console signs people in."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from support.ram import Node, allow, refusal
from tidegate.services.ram.logins import Login

PASSWORD, OTHER = "Correct-Horse-1", "Battery-Staple-2"


async def sign_in(node: Node, password: str, name: str = "ada") -> Login:
    return await node.ram.logins.sign_in(node.account, name, password)


async def make(node: Node, **more: object) -> None:
    await node.root.call("CreateUser", UserName="ada")
    await node.root.call("CreateLoginProfile", UserName="ada", Password=PASSWORD, **more)


async def test_a_password_is_set_told_of_changed_and_taken_away(node: Node) -> None:
    await node.root.call("CreateUser", UserName="ada")

    made = await node.root.call(
        "CreateLoginProfile", UserName="ada", Password=PASSWORD, PasswordResetRequired="true", MFABindRequired="false"
    )
    shown = await node.root.call("GetLoginProfile", UserName="ada")
    await node.root.call("UpdateLoginProfile", UserName="ada", Password=OTHER, PasswordResetRequired="false")

    assert made == shown
    assert shown["LoginProfile"].pop("CreateDate")
    assert shown["LoginProfile"] == {"UserName": "ada", "PasswordResetRequired": True, "MFABindRequired": False}
    assert (await sign_in(node, PASSWORD)).outcome == "wrong"
    assert (await sign_in(node, OTHER)).outcome == "ok"
    assert (await node.root.call("GetUser", UserName="ada"))["User"]["LastLoginDate"]
    await node.root.call("DeleteLoginProfile", UserName="ada")
    assert (await sign_in(node, OTHER)).outcome == "wrong"


async def test_what_cannot_be_done_is_refused_in_the_clouds_words(node: Node) -> None:
    await node.root.call("CreateUser", UserName="ada")
    absent = (404, "EntityNotExist.User.LoginProfile", "The user login profile does not exist.")
    for action, more in (("Get", {}), ("Update", {"Password": PASSWORD}), ("Delete", {})):
        assert await refusal(node.root.call(f"{action}LoginProfile", UserName="ada", **more)) == absent
    weak = (400, "InvalidParameter.Password.TooWeak")
    for password in ("short", "x" * 33, "with\ttab-inside"):
        told = await refusal(node.root.call("CreateLoginProfile", UserName="ada", Password=password))
        assert told[:2] == weak
    await node.root.call("CreateLoginProfile", UserName="ada", Password=PASSWORD)

    assert await refusal(node.root.call("CreateLoginProfile", UserName="ada", Password=PASSWORD)) == (
        409,
        "EntityAlreadyExists.User.LoginProfile",
        "The user login profile does already EXIST.",
    )
    assert (await refusal(node.root.call("DeleteUser", UserName="ada")))[1] == "DeleteConflict.User.LoginProfile"
    assert (await refusal(node.root.call("ChangePassword", OldPassword="x", NewPassword="y")))[
        1
    ] == "NotSupport.Account"


async def test_a_policy_is_set_as_a_whole_and_asked_of_new_passwords(node: Node) -> None:
    default = await node.root.call("GetPasswordPolicy")
    settings = {"RequireSymbols": "true", "RequireNumbers": "true", "MinimumPasswordLength": 10}
    await node.root.call("SetPasswordPolicy", RequireLowercaseCharacters="true")
    changed = await node.root.call("SetPasswordPolicy", **settings)

    assert changed == await node.root.call("GetPasswordPolicy")
    assert {key for key, value in changed["PasswordPolicy"].items() if value != default["PasswordPolicy"][key]} == set(
        settings
    )
    await node.root.call("CreateUser", UserName="ada")
    for password in ("NoDigits-here", "NoSymbols123", "Sh0rt-one"):
        told = await refusal(node.root.call("CreateLoginProfile", UserName="ada", Password=password))
        assert told[1] == "InvalidParameter.Password.TooWeak", password
    out = await refusal(node.root.call("SetPasswordPolicy", MinimumPasswordLength=7))
    assert out[1:] == (
        "InvalidParameter.MinimumPasswordLength.Range",
        'The parameter - "MinimumPasswordLength" MUST be in the range of 8 and 32.',
    )


async def test_a_user_changes_its_own_password_but_not_to_a_former_one(node: Node) -> None:
    ada = await node.user("ada", allow("ram:ChangePassword"))
    await node.root.call("CreateLoginProfile", UserName="ada", Password=PASSWORD)
    await node.root.call("SetPasswordPolicy", PasswordReusePrevention=2)

    wrong = await refusal(ada.call("ChangePassword", OldPassword="wrong", NewPassword=OTHER))
    same = await refusal(ada.call("ChangePassword", OldPassword=PASSWORD, NewPassword=PASSWORD))
    await ada.call("ChangePassword", OldPassword=PASSWORD, NewPassword=OTHER)
    former = await refusal(ada.call("ChangePassword", OldPassword=OTHER, NewPassword=PASSWORD))

    assert wrong[1] == "InvalidParameter.OldPassword.Incorrect"
    assert same[1] == former[1] == "InvalidParameter.NewPassword.ReusePrevention"
    assert (await sign_in(node, OTHER)).outcome == "ok"


async def test_wrong_passwords_lock_a_user_out_for_an_hour_also_when_they_come_at_once(node: Node) -> None:
    await make(node)
    await node.root.call("SetPasswordPolicy", MaxLoginAttemps=3)

    tried = await asyncio.gather(*(sign_in(node, f"guess-{n}") for n in range(6)))

    assert sorted(login.outcome for login in tried) == ["locked"] * 3 + ["wrong"] * 3
    assert (await sign_in(node, PASSWORD)).outcome == "locked"
    node.clock.advance(timedelta(hours=1))
    assert (await sign_in(node, PASSWORD)).outcome == "ok"


async def test_an_old_password_must_be_changed_or_lets_nobody_in(node: Node) -> None:
    await make(node)
    await node.root.call("SetPasswordPolicy", MaxPasswordAge=30)
    node.clock.advance(timedelta(days=30))
    assert (await sign_in(node, PASSWORD)).outcome == "reset"

    await node.root.call("SetPasswordPolicy", MaxPasswordAge=30, HardExpiry="true")

    assert (await sign_in(node, PASSWORD)).outcome == "expired"


async def test_a_login_stands_until_the_password_changes_or_the_user_goes(node: Node) -> None:
    await make(node)
    login = await sign_in(node, PASSWORD)
    assert login.principal is not None
    assert login.changed is not None
    assert await node.ram.logins.stands(login.principal, login.changed)

    await node.root.call("UpdateLoginProfile", UserName="ada", MFABindRequired="true")
    assert await node.ram.logins.stands(login.principal, login.changed)
    node.clock.advance(timedelta(seconds=1))
    await node.root.call("UpdateLoginProfile", UserName="ada", Password=OTHER)

    assert not await node.ram.logins.stands(login.principal, login.changed)
