"""Users, keys, groups and roles through the door, and every way they refuse."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta

import msgspec
import pytest

from support.ram import Node, allow, refusal, trust
from tidegate.errors import CloudError
from tidegate.services.ram import limits
from tidegate.services.ram.api import ram
from tidegate.services.sts.api import sts

OOS_TRUST = trust(Service=["oos.aliyuncs.com"])


async def test_a_user_is_made_shown_changed_listed_and_removed(node: Node) -> None:
    made = await node.root.call(
        "CreateUser",
        UserName="ada",
        DisplayName="艾达 Lovelace",
        MobilePhone="86-13900000000",
        Email="ada@example.com",
        Comments="first",
    )
    shown = await node.root.call("GetUser", UserName="ada")
    changed = await node.root.call("UpdateUser", UserName="ada", NewUserName="ada.l", NewComments="second")
    listed = await node.root.call("ListUsers")
    await node.root.call("DeleteUser", UserName="ada.l")

    assert made == shown
    assert len(made["User"]["UserId"]) == 18
    assert made["User"]["DisplayName"] == "艾达 Lovelace"
    assert changed["User"]["UserId"] == made["User"]["UserId"]
    assert (changed["User"]["UserName"], changed["User"]["Comments"]) == ("ada.l", "second")
    assert changed["User"]["Email"] == "ada@example.com"
    assert listed == {"Users": {"User": [changed["User"]]}, "IsTruncated": False}
    assert (await node.root.call("ListUsers"))["Users"] == {"User": []}


async def test_a_renamed_user_keeps_key_policy_and_group(node: Node) -> None:
    ada = await node.user("ada", allow("ram:GetUser"))

    await node.root.call("UpdateUser", UserName="ada", NewUserName="lovelace")

    identity = await ada.call("GetCallerIdentity")
    assert identity["Arn"] == f"acs:ram::{node.account}:user/lovelace"
    assert (await ada.call("GetUser"))["User"]["UserName"] == "lovelace"


BAD_PARAMETERS: list[tuple[dict[str, str], str, str]] = [
    (
        {"UserName": "a b"},
        "InvalidParameter.UserName.InvalidChars",
        'The parameter - "UserName" contains invalid chars.',
    ),
    (
        {"UserName": "a" * 65},
        "InvalidParameter.UserName.Length",
        'The parameter - "UserName" beyond the length limit.',
    ),
    (
        {"UserName": "a", "DisplayName": "a" * 129},
        "InvalidParameter.DisplayName.Length",
        'The parameter - "DisplayName" beyond the length limit.',
    ),
    (
        {"UserName": "a", "DisplayName": "a\tb"},
        "InvalidParameter.DisplayName.InvalidChars",
        'The parameter - "DisplayName" contains invalid chars.',
    ),
    (
        {"UserName": "a", "Comments": "a" * 129},
        "InvalidParameter.Comments.Length",
        'The parameter - "Comments" beyond the length limit.',
    ),
    (
        {"UserName": "a", "Email": "nobody"},
        "InvalidParameter.Email.Format",
        'The format of the parameter - "Email" is incorrect.',
    ),
    (
        {"UserName": "a", "MobilePhone": "call me"},
        "InvalidParameter.MobilePhone.Format",
        'The format of the parameter - "MobilePhone" is incorrect.',
    ),
    ({}, "MissingUserName", "UserName is mandatory for this action."),
]


async def test_a_user_with_a_bad_parameter_is_not_made(node: Node) -> None:
    for parameters, code, message in BAD_PARAMETERS:
        assert await refusal(node.root.call("CreateUser", **parameters)) == (400, code, message)
    assert (await node.root.call("ListUsers"))["Users"] == {"User": []}


async def test_new_names_are_checked_under_their_own_name(node: Node) -> None:
    await node.user("ada")

    for name in ("NewUserName", "NewDisplayName"):
        _, long_code, _ = await refusal(node.root.call("UpdateUser", UserName="ada", **{name: "a" * 129}))
        _, chars_code, _ = await refusal(node.root.call("UpdateUser", UserName="ada", **{name: "a\nb"}))
        assert long_code == f"InvalidParameter.{name}.Length"
        assert chars_code == f"InvalidParameter.{name}.InvalidChars"


async def test_users_conflict_and_are_missed_in_the_words_of_ram(node: Node) -> None:
    await node.root.call("CreateUser", UserName="ada")
    await node.root.call("CreateUser", UserName="bob")

    exists = (409, "EntityAlreadyExists.User", "The user does already EXIST.")
    missing = (404, "EntityNotExist.User", "The user does not exist.")
    assert await refusal(node.root.call("CreateUser", UserName="ada")) == exists
    assert await refusal(node.root.call("UpdateUser", UserName="ada", NewUserName="bob")) == exists
    assert await refusal(node.root.call("GetUser", UserName="eve")) == missing
    assert await refusal(node.root.call("UpdateUser", UserName="eve")) == missing
    assert await refusal(node.root.call("DeleteUser", UserName="eve")) == missing
    assert await refusal(node.root.call("GetUser")) == missing  # the account is no user


async def test_a_user_is_removed_only_after_groups_keys_and_policies(node: Node) -> None:
    ada = await node.user("ada", allow("ecs:*"))
    await node.root.call("CreateGroup", GroupName="dev")
    await node.root.call("AddUserToGroup", UserName="ada", GroupName="dev")

    in_group = await refusal(node.root.call("DeleteUser", UserName="ada"))
    await node.root.call("RemoveUserFromGroup", UserName="ada", GroupName="dev")
    has_key = await refusal(node.root.call("DeleteUser", UserName="ada"))
    await node.root.call("DeleteAccessKey", UserName="ada", UserAccessKeyId=ada.key_id)
    has_policy = await refusal(node.root.call("DeleteUser", UserName="ada"))
    await node.root.call("DetachPolicyFromUser", UserName="ada", PolicyType="Custom", PolicyName="ada-policy")
    await node.root.call("DeleteUser", UserName="ada")

    assert in_group == (
        409, "DeleteConflict.User.Group", "The user CAN NOT be in any group while deleting the user.",
    )  # fmt: skip
    assert has_key == (
        409, "DeleteConflict.User.AccessKey", "The user CAN NOT has any access key while deleting the user.",
    )  # fmt: skip
    assert has_policy == (
        409, "DeleteConflict.User.Policy", "The user CAN NOT has any attached policy while deleting the user.",
    )  # fmt: skip


async def test_a_key_shows_its_secret_once_and_can_be_switched_off(node: Node) -> None:
    ada = await node.user("ada")

    [key] = (await node.root.call("ListAccessKeys", UserName="ada"))["AccessKeys"]["AccessKey"]
    await node.root.call("UpdateAccessKey", UserName="ada", UserAccessKeyId=ada.key_id, Status="Inactive")
    off = await refusal(ada.call("GetCallerIdentity"))
    await node.root.call("UpdateAccessKey", UserName="ada", UserAccessKeyId=ada.key_id, Status="Active")

    assert key == {"AccessKeyId": ada.key_id, "Status": "Active", "CreateDate": key["CreateDate"]}
    assert ada.key_id.startswith("LTAI")
    assert (len(ada.key_id), len(ada.secret)) == (24, 30)
    assert off == (400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled.")
    assert (await ada.call("GetCallerIdentity"))["IdentityType"] == "RAMUser"


async def test_keys_refuse_what_is_not_theirs(node: Node) -> None:
    ada, bob = await node.user("ada"), await node.user("bob")
    await node.root.call("CreateAccessKey", UserName="ada")

    assert await refusal(node.root.call("CreateAccessKey", UserName="ada")) == (
        409, "LimitExceeded.User.AccessKey", "The access key count of the user access keys beyond the current limits.",
    )  # fmt: skip
    missing = (404, "EntityNotExist.User.AccessKey", "The user access key does not exist.")
    of_another = {"UserName": "bob", "UserAccessKeyId": ada.key_id}
    assert await refusal(node.root.call("DeleteAccessKey", **of_another)) == missing
    assert await refusal(node.root.call("UpdateAccessKey", **of_another, Status="Inactive")) == missing
    assert await refusal(node.root.call("GetAccessKeyLastUsed", **of_another)) == missing
    assert await refusal(node.root.call("CreateAccessKey", UserName="eve")) == (
        404, "EntityNotExist.User", "The user does not exist.",
    )  # fmt: skip
    bad_status = {"UserName": "bob", "UserAccessKeyId": bob.key_id, "Status": "Sleeping"}
    assert (await refusal(node.root.call("UpdateAccessKey", **bad_status)))[1] == "InvalidParameter.Status.Format"


async def test_without_a_user_name_key_calls_mean_the_caller(node: Node) -> None:
    ada = await node.user("ada", allow("ram:*AccessKey*", f"acs:ram:*:{node.account}:user/ada"))

    made = (await ada.call("CreateAccessKey"))["AccessKey"]
    mine = {key["AccessKeyId"] for key in (await ada.call("ListAccessKeys"))["AccessKeys"]["AccessKey"]}
    accounts = (await node.root.call("ListAccessKeys"))["AccessKeys"]["AccessKey"]
    await ada.call("DeleteAccessKey", UserAccessKeyId=made["AccessKeyId"])

    assert mine == {ada.key_id, made["AccessKeyId"]}
    assert [key["AccessKeyId"] for key in accounts] == [node.root.key_id]
    assert (await refusal(ada.call("ListAccessKeys", UserName="bob")))[1] == "NoPermission"


async def test_a_role_has_no_keys_of_its_own(node: Node) -> None:
    ada = await node.user("ada", allow("sts:AssumeRole"))
    arn = await node.role("ops", trust(RAM=[f"acs:ram::{node.account}:root"]), allow("ram:*"))
    ops = await node.assume(ada, arn)

    assert (await refusal(ops.call("ListAccessKeys")))[1] == "EntityNotExist.User"
    assert (await refusal(ops.call("GetUser")))[1] == "EntityNotExist.User"


async def test_the_last_use_of_a_key_is_told(node: Node) -> None:
    ada = await node.user("ada")
    asked = {"UserName": "ada", "UserAccessKeyId": ada.key_id}

    before = await node.root.call("GetAccessKeyLastUsed", **asked)
    await ada.call("GetCallerIdentity")
    first = await node.root.call("GetAccessKeyLastUsed", **asked)
    node.clock.advance(timedelta(hours=1))
    await ada.call("GetCallerIdentity")
    second = await node.root.call("GetAccessKeyLastUsed", **asked)

    assert before["AccessKeyLastUsed"]["LastUsedDate"] == ""
    assert "" < first["AccessKeyLastUsed"]["LastUsedDate"] < second["AccessKeyLastUsed"]["LastUsedDate"]


async def test_a_group_is_made_shown_changed_and_listed_with_its_members(node: Node) -> None:
    made = await node.root.call("CreateGroup", GroupName="dev", Comments="developers")
    await node.root.call("CreateUser", UserName="ada", DisplayName="Ada")
    await node.root.call("AddUserToGroup", UserName="ada", GroupName="dev")

    changed = await node.root.call("UpdateGroup", GroupName="dev", NewGroupName="devs", NewComments="all")
    shown = await node.root.call("GetGroup", GroupName="devs")
    listed = await node.root.call("ListGroups")
    [member] = (await node.root.call("ListUsersForGroup", GroupName="devs"))["Users"]["User"]
    [joined] = (await node.root.call("ListGroupsForUser", UserName="ada"))["Groups"]["Group"]

    assert made["Group"]["GroupId"] == changed["Group"]["GroupId"]
    assert shown == changed
    assert listed == {"Groups": {"Group": [changed["Group"]]}, "IsTruncated": False}
    assert (member["UserName"], member["DisplayName"]) == ("ada", "Ada")
    assert (joined["GroupName"], joined["Comments"], joined["JoinDate"]) == ("devs", "all", member["JoinDate"])


async def test_groups_refuse_in_the_words_of_ram(node: Node) -> None:
    await node.root.call("CreateGroup", GroupName="dev")
    await node.root.call("CreateGroup", GroupName="ops")
    await node.root.call("CreateUser", UserName="ada")
    join = {"UserName": "ada", "GroupName": "dev"}
    await node.root.call("AddUserToGroup", **join)

    missing = (404, "EntityNotExist.Group", "The group does not exist.")
    exists = (409, "EntityAlreadyExists.Group", "The group does already EXIST.")
    assert await refusal(node.root.call("CreateGroup", GroupName="dev")) == exists
    assert await refusal(node.root.call("UpdateGroup", GroupName="dev", NewGroupName="ops")) == exists
    assert await refusal(node.root.call("GetGroup", GroupName="none")) == missing
    assert await refusal(node.root.call("DeleteGroup", GroupName="none")) == missing
    assert await refusal(node.root.call("ListUsersForGroup", GroupName="none")) == missing
    assert await refusal(node.root.call("AddUserToGroup", UserName="ada", GroupName="none")) == missing
    assert await refusal(node.root.call("AddUserToGroup", **join)) == (
        409, "EntityAlreadyExists.User.Group", "The user has already joined the group.",
    )  # fmt: skip
    assert await refusal(node.root.call("RemoveUserFromGroup", UserName="ada", GroupName="ops")) == (
        404, "EntityNotExist.User.Group", "The user has not joined the group.",
    )  # fmt: skip
    assert (await refusal(node.root.call("CreateGroup", GroupName="a.b")))[
        1
    ] == "InvalidParameter.GroupName.InvalidChars"
    assert (await refusal(node.root.call("CreateGroup", GroupName="a" * 65)))[1] == "InvalidParameter.GroupName.Length"


async def test_a_group_is_removed_only_after_members_and_policies(node: Node) -> None:
    await node.root.call("CreateGroup", GroupName="dev")
    await node.root.call("CreateUser", UserName="ada")
    await node.root.call("AddUserToGroup", UserName="ada", GroupName="dev")
    await node.grant("Group", "dev", allow("ecs:*"))

    has_member = await refusal(node.root.call("DeleteGroup", GroupName="dev"))
    await node.root.call("RemoveUserFromGroup", UserName="ada", GroupName="dev")
    has_policy = await refusal(node.root.call("DeleteGroup", GroupName="dev"))
    await node.root.call("DetachPolicyFromGroup", GroupName="dev", PolicyType="Custom", PolicyName="dev-policy")
    await node.root.call("DeleteGroup", GroupName="dev")

    assert has_member == (
        409, "DeleteConflict.Group.User", "The group CAN NOT has any user member while deleting the group.",
    )  # fmt: skip
    assert has_policy == (
        409, "DeleteConflict.Group.Policy", "The entity CAN NOT has any attached policy while deleting the group.",
    )  # fmt: skip


async def test_a_user_joins_at_most_five_groups(node: Node) -> None:
    await node.root.call("CreateUser", UserName="ada")
    for number in range(limits.GROUPS_OF_USER + 1):
        await node.root.call("CreateGroup", GroupName=f"g{number}")
    for number in range(limits.GROUPS_OF_USER):
        await node.root.call("AddUserToGroup", UserName="ada", GroupName=f"g{number}")

    assert await refusal(node.root.call("AddUserToGroup", UserName="ada", GroupName="g5")) == (
        409, "LimitExceeded.User.Group", "The count of groups the target user joined beyond the current limits.",
    )  # fmt: skip
    assert len((await node.root.call("ListGroupsForUser", UserName="ada"))["Groups"]["Group"]) == 5


async def test_a_role_is_made_shown_changed_and_listed(node: Node) -> None:
    made = await node.root.call(
        "CreateRole", RoleName="Runner", AssumeRolePolicyDocument=OOS_TRUST, Description="runs", MaxSessionDuration=7200
    )
    shown = await node.root.call("GetRole", RoleName="RUNNER")
    new_trust = trust(Service="ecs.aliyuncs.com")
    changed = await node.root.call(
        "UpdateRole",
        RoleName="runner",
        NewAssumeRolePolicyDocument=new_trust,
        NewDescription="walks",
        NewMaxSessionDuration=3600,
    )
    listed = await node.root.call("ListRoles")

    assert made == shown
    assert made["Role"]["Arn"] == f"acs:ram::{node.account}:role/runner"
    assert made["Role"]["RoleName"] == "Runner"
    assert made["Role"]["AssumeRolePolicyDocument"] == OOS_TRUST
    assert made["Role"]["MaxSessionDuration"] == 7200
    assert made["Role"]["IsServiceLinkedRole"] is False
    assert changed["Role"]["AssumeRolePolicyDocument"] == new_trust
    assert (changed["Role"]["Description"], changed["Role"]["MaxSessionDuration"]) == ("walks", 3600)
    assert [role["RoleName"] for role in listed["Roles"]["Role"]] == ["OOSServiceRole", "Runner"]
    assert "AssumeRolePolicyDocument" not in listed["Roles"]["Role"][0]


async def test_roles_refuse_in_the_words_of_ram(node: Node) -> None:
    await node.role("runner", OOS_TRUST, allow("ecs:*"))

    def make(**parameters: object) -> Awaitable[object]:
        return node.root.call("CreateRole", **{"RoleName": "new", "AssumeRolePolicyDocument": OOS_TRUST, **parameters})

    missing = (404, "EntityNotExist.Role", "The role not exists: none.")
    assert await refusal(make(RoleName="RunneR")) == (
        409, "EntityAlreadyExists.Role", "The role does already EXIST.",
    )  # fmt: skip
    assert await refusal(node.root.call("GetRole", RoleName="none")) == missing
    assert await refusal(node.root.call("UpdateRole", RoleName="none")) == missing
    assert await refusal(node.root.call("DeleteRole", RoleName="none")) == missing
    assert await refusal(node.root.call("DeleteRole", RoleName="runner")) == (
        409, "DeleteConflict.Role.Policy", "The role CAN NOT has any attached policy while deleting the role.",
    )  # fmt: skip
    assert (await refusal(make(RoleName="a_b")))[1] == "InvalidParameter.RoleName.InvalidChars"
    assert (await refusal(make(RoleName="a" * 65)))[1] == "InvalidParameter.RoleName.Length"
    assert (await refusal(make(Description="a" * 1025)))[1] == "InvalidParameter.Description.Length"
    assert (await refusal(make(MaxSessionDuration=3599)))[1] == "InvalidParameter.MaxSessionDuration.Range"
    assert (await refusal(make(MaxSessionDuration=43201)))[1] == "InvalidParameter.MaxSessionDuration.Range"
    assert await refusal(make(AssumeRolePolicyDocument="{}")) == (
        400, "MalformedPolicyDocument", "the policy lacks Statement",
    )  # fmt: skip
    assert (await refusal(make(AssumeRolePolicyDocument=allow("sts:AssumeRole"))))[1] == "MalformedPolicyDocument"
    assert (await refusal(make(AssumeRolePolicyDocument=" " * 6145)))[1] == (
        "InvalidParameter.AssumeRolePolicyDocument.Length"
    )


async def test_a_role_without_policies_is_removed(node: Node) -> None:
    await node.root.call("DeleteRole", RoleName="OOSServiceRole")

    assert (await node.root.call("ListRoles"))["Roles"] == {"Role": []}


async def test_lists_come_in_parts_that_lose_and_repeat_nothing(node: Node) -> None:
    names = sorted(f"user-{number}" for number in range(7))
    for name in names:
        await node.root.call("CreateUser", UserName=name)

    seen: list[str] = []
    marker: dict[str, str] = {}
    while True:
        part = await node.root.call("ListUsers", MaxItems=3, **marker)
        seen += [user["UserName"] for user in part["Users"]["User"]]
        assert part["IsTruncated"] is ("Marker" in part)
        if not part["IsTruncated"]:
            break
        await node.root.call("CreateUser", UserName=f"a-{len(seen)}")  # before the marker: not shown any more
        marker = {"Marker": part["Marker"]}

    assert seen == names


async def test_lists_refuse_bad_paging(node: Node) -> None:
    for action in ("ListUsers", "ListGroups", "ListRoles", "ListPolicies"):
        assert await refusal(node.root.call(action, MaxItems=0)) == (
            400, "InvalidParameter.MaxItems.Range", 'The parameter - "MaxItems" MUST be in the range of 1 and 1000.',
        )  # fmt: skip
        assert (await refusal(node.root.call(action, MaxItems=1001)))[1] == "InvalidParameter.MaxItems.Range"
        assert (await refusal(node.root.call(action, Marker="not a marker")))[1] == "InvalidParameter.Marker.Format"


async def test_an_account_has_only_so_many_of_each(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind, words in {"User": "users", "Group": "groups", "Role": "roles", "Policy": "policy"}.items():
        quota = {"Policy": "POLICIES"}.get(kind, f"{kind.upper()}S")
        monkeypatch.setattr(limits, quota, 2)
        rest = {"AssumeRolePolicyDocument": OOS_TRUST, "PolicyDocument": allow("ecs:*")}
        for number in range(1 if kind == "Role" else 2):  # OOSServiceRole is there already
            await node.root.call(f"Create{kind}", **{f"{kind}Name": f"n{number}"}, **rest)

        assert await refusal(node.root.call(f"Create{kind}", **{f"{kind}Name": "more"}, **rest)) == (
            409,
            f"LimitExceeded.{kind}",
            f"The count of {words} beyond the current limits.",
        )


async def test_the_account_has_an_alias_or_is_known_by_its_id(node: Node) -> None:
    before = await node.root.call("GetAccountAlias")
    await node.root.call("SetAccountAlias", AccountAlias="tide-gate")
    named = await node.root.call("GetAccountAlias")
    await node.root.call("ClearAccountAlias")

    assert before == {"AccountAlias": node.account}
    assert named == {"AccountAlias": "tide-gate"}
    assert await node.root.call("GetAccountAlias") == before
    for wrong, kind in {"Tide": "Format", "-tide": "Format", "ti--de": "Format", "ab": "Length"}.items():
        _, code, _ = await refusal(node.root.call("SetAccountAlias", AccountAlias=wrong))
        assert code == f"InvalidParameter.AccountAlias.{kind}"


ODD_TEXTS = ["\x00", "a\x00b", "'; drop table ram_user; --", "潮\u202e", "a" * 7000, "{}", "-1"]


async def test_no_text_in_any_parameter_of_any_operation_makes_a_crash(node: Node) -> None:
    ada = await node.user("ada", allow("*"))
    crashes = []

    for name, operation in {**ram.operations, **sts.operations}.items():
        names = [field.encode_name for field in msgspec.structs.fields(operation.request)]
        for odd in ODD_TEXTS:
            for parameters in (dict.fromkeys(names, odd), *({"PolicyType": "Custom", each: odd} for each in names)):
                try:
                    await ada.call(name, **parameters)
                except CloudError as error:
                    if error.status >= 500:
                        crashes.append((name, parameters, error.code))

    assert crashes == []
