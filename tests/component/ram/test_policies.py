"""Policies, versions and attachments through the door, and every way they refuse."""

from __future__ import annotations

import json
from collections.abc import Awaitable

import pytest

from support.ram import Node, allow, refusal, trust
from tidegate.services.ram import limits
from tidegate.services.ram.system_policies import SYSTEM_POLICIES

MISSING_POLICY = (404, "EntityNotExist.Policy", "The policy does not exist.")
ROTATE = "DeleteOldestNonDefaultVersionWhenLimitExceeded"


async def make(node: Node, name: str = "lister", document: str | None = None) -> dict[str, object]:
    answer = await node.root.call("CreatePolicy", PolicyName=name, PolicyDocument=document or allow("ecs:Describe*"))
    made: dict[str, object] = answer["Policy"]
    return made


async def versions(node: Node, name: str = "lister") -> list[tuple[str, bool]]:
    answer = await node.root.call("ListPolicyVersions", PolicyType="Custom", PolicyName=name)
    return [(each["VersionId"], each["IsDefaultVersion"]) for each in answer["PolicyVersions"]["PolicyVersion"]]


async def test_a_policy_is_made_and_shown_with_its_document(node: Node) -> None:
    document = allow("ecs:Describe*")
    made = await make(node, document=document)
    shown = await node.root.call("GetPolicy", PolicyType="Custom", PolicyName="lister")
    await node.root.call("UpdatePolicyDescription", PolicyName="lister", NewDescription="reads")

    assert (made["PolicyType"], made["DefaultVersion"]) == ("Custom", "v1")
    assert shown["Policy"]["PolicyDocument"] == document
    assert shown["Policy"]["AttachmentCount"] == 0
    assert shown["DefaultPolicyVersion"] == {
        "VersionId": "v1",
        "IsDefaultVersion": True,
        "PolicyDocument": document,
        "CreateDate": made["CreateDate"],
    }
    described = await node.root.call("GetPolicy", PolicyType="Custom", PolicyName="lister")
    assert described["Policy"]["Description"] == "reads"


async def test_every_system_policy_is_there_from_the_start(node: Node) -> None:
    for name in SYSTEM_POLICIES:
        shown = await node.root.call("GetPolicy", PolicyType="System", PolicyName=name)
        assert json.loads(shown["Policy"]["PolicyDocument"])["Version"] == "1"
        assert shown["DefaultPolicyVersion"]["VersionId"] == "v1"


async def test_system_policies_are_listed_after_custom_ones_and_cannot_be_changed(node: Node) -> None:
    await make(node, "zebra")
    everything = (await node.root.call("ListPolicies"))["Policies"]["Policy"]
    system = (await node.root.call("ListPolicies", PolicyType="System"))["Policies"]["Policy"]
    custom = (await node.root.call("ListPolicies", PolicyType="Custom"))["Policies"]["Policy"]

    assert [policy["PolicyName"] for policy in everything] == ["zebra", *sorted(SYSTEM_POLICIES)]
    assert everything == custom + system
    reader = {"PolicyName": "ReadOnlyAccess"}
    document = {**reader, "PolicyDocument": allow("*")}
    resource = f"acs:ram:*:{node.account}:policy/ReadOnlyAccess"
    for action, parameters in (
        ("DeletePolicy", reader),
        ("CreatePolicyVersion", document),
        ("UpdatePolicyDescription", {**reader, "NewDescription": "mine"}),
        ("DeletePolicyVersion", {**reader, "VersionId": "v1"}),
        ("SetDefaultPolicyVersion", {**reader, "VersionId": "v1"}),
    ):
        assert await refusal(node.root.call(action, **parameters)) == (
            403,
            "NoPermission",
            f"You are not authorized to do this action. Resource: {resource} Action: ram:{action}",
        )
    assert (await refusal(node.root.call("CreatePolicy", **document)))[1] == "EntityAlreadyExists.Policy"


async def test_a_long_list_of_both_types_comes_in_parts(node: Node) -> None:
    for number in range(5):
        await make(node, f"mine-{number}")

    seen, marker = [], {}
    for _ in range(20):
        part = await node.root.call("ListPolicies", MaxItems=4, **marker)
        seen += [policy["PolicyName"] for policy in part["Policies"]["Policy"]]
        marker = {"Marker": part.get("Marker", "")}
        if not part["IsTruncated"]:
            break

    assert seen == [*(f"mine-{number}" for number in range(5)), *sorted(SYSTEM_POLICIES)]


BAD_PARAMETERS: list[tuple[dict[str, str], str, str]] = [
    ({"PolicyName": "a_b"}, "InvalidParameter.PolicyName.InvalidChars", 'The parameter - "PolicyName" contains invalid chars.'),
    ({"PolicyName": "a" * 129}, "InvalidParameter.PolicyName.Length", 'The parameter - "PolicyName" beyond the length limit.'),
    ({"Description": "a" * 1025}, "InvalidParameter.Description.Length", 'The parameter - "Description" beyond the length limit.'),
    ({"PolicyDocument": " " * 6145}, "InvalidParameter.PolicyDocument.Length", 'The parameter - "PolicyDocument" beyond the length limit.'),
    ({"PolicyDocument": "allow everything"}, "MalformedPolicyDocument", "the policy is not valid JSON"),
    ({"PolicyDocument": trust(Service="a.com")}, "MalformedPolicyDocument", 'Statement[0] has an unknown key "Principal"'),
]  # fmt: skip


async def test_a_policy_with_a_bad_parameter_is_not_made(node: Node) -> None:
    good = {"PolicyName": "good", "PolicyDocument": allow("*")}

    for parameters, code, message in BAD_PARAMETERS:
        assert await refusal(node.root.call("CreatePolicy", **{**good, **parameters})) == (400, code, message)
    assert (await node.root.call("ListPolicies", PolicyType="Custom"))["Policies"] == {"Policy": []}


async def test_policies_conflict_and_are_missed_in_the_words_of_ram(node: Node) -> None:
    await make(node)
    await node.root.call("CreateUser", UserName="ada")
    none = {"PolicyName": "none"}
    target = {"UserName": "ada", "PolicyType": "Custom"}

    assert await refusal(make(node)) == (409, "EntityAlreadyExists.Policy", "The policy does already EXIST.")
    calls: list[Awaitable[object]] = [
        node.root.call("GetPolicy", PolicyType="Custom", **none),
        node.root.call("GetPolicy", PolicyType="System", **none),
        node.root.call("DeletePolicy", **none),
        node.root.call("UpdatePolicyDescription", **none, NewDescription="x"),
        node.root.call("CreatePolicyVersion", **none, PolicyDocument=allow("*")),
        node.root.call("ListPolicyVersions", PolicyType="Custom", **none),
        node.root.call("ListEntitiesForPolicy", PolicyType="Custom", **none),
        node.root.call("AttachPolicyToUser", **target, **none),
        node.root.call("DetachPolicyFromUser", **target, **none),
    ]
    for call in calls:
        assert await refusal(call) == MISSING_POLICY
    wrong_type = (400, "InvalidParameter.PolicyType", 'The parameter - "PolicyType" is incorrect.')
    for action in ("GetPolicy", "ListPolicies", "ListPolicyVersions", "ListEntitiesForPolicy"):
        assert await refusal(node.root.call(action, PolicyType="custom", PolicyName="lister")) == wrong_type


async def test_a_new_version_counts_when_it_is_made_the_default(node: Node) -> None:
    ada = await node.user("ada", allow("ram:GetUser"))
    second = {"PolicyName": "ada-policy", "PolicyDocument": allow("ram:ListUsers")}

    made = (await node.root.call("CreatePolicyVersion", **second))["PolicyVersion"]
    before = await refusal(ada.call("ListUsers"))
    await node.root.call("SetDefaultPolicyVersion", PolicyName="ada-policy", VersionId="v2")
    await ada.call("ListUsers")
    after = await refusal(ada.call("GetUser"))

    assert (made["VersionId"], made["IsDefaultVersion"]) == ("v2", False)
    assert before[1] == after[1] == "NoPermission"
    assert await versions(node, "ada-policy") == [("v1", False), ("v2", True)]


async def test_five_versions_are_the_most_unless_the_oldest_may_go(node: Node) -> None:
    await make(node)
    another = {"PolicyName": "lister", "PolicyDocument": allow("ecs:List*")}
    for number in range(4):
        await node.root.call("CreatePolicyVersion", **another, SetAsDefault=str(number == 0))

    full = (409, "LimitExceeded.Policy.Version", "The count of policy version beyond the current limits.")
    assert await refusal(node.root.call("CreatePolicyVersion", **another)) == full
    assert await refusal(node.root.call("CreatePolicyVersion", **another, RotateStrategy="None")) == full
    await node.root.call("CreatePolicyVersion", **another, RotateStrategy=ROTATE)
    await node.root.call("CreatePolicyVersion", **another, RotateStrategy=ROTATE)

    assert await versions(node) == [("v2", True), ("v4", False), ("v5", False), ("v6", False), ("v7", False)]
    wrong = await refusal(node.root.call("CreatePolicyVersion", **another, RotateStrategy="Newest"))
    assert wrong[1] == "InvalidParameter.RotateStrategy.Format"


async def test_version_ids_are_never_used_again(node: Node) -> None:
    await make(node)
    another = {"PolicyName": "lister", "PolicyDocument": allow("ecs:List*")}
    await node.root.call("CreatePolicyVersion", **another)

    await node.root.call("DeletePolicyVersion", PolicyName="lister", VersionId="v2")
    await node.root.call("CreatePolicyVersion", **another)

    assert await versions(node) == [("v1", True), ("v3", False)]


async def test_versions_refuse_in_the_words_of_ram(node: Node) -> None:
    await make(node)
    missing = (404, "EntityNotExist.Policy.Version", "The policy version does not exist.")
    wrong = (400, "InvalidParameter.VersionId.Format", 'The format of the parameter - "VersionId" is incorrect.')

    for version_id, expected in {"v9": missing, "9": wrong, "v0": wrong}.items():
        named = {"PolicyName": "lister", "VersionId": version_id}
        assert await refusal(node.root.call("GetPolicyVersion", PolicyType="Custom", **named)) == expected
        assert await refusal(node.root.call("DeletePolicyVersion", **named)) == expected
        assert await refusal(node.root.call("SetDefaultPolicyVersion", **named)) == expected
    assert await refusal(node.root.call("DeletePolicyVersion", PolicyName="lister", VersionId="v1")) == (
        409, "DeleteConflict.Policy.Version.Default", "The default policy version CAN NOT been deleted directly.",
    )  # fmt: skip
    shown = await node.root.call("GetPolicyVersion", PolicyType="System", PolicyName="ReadOnlyAccess", VersionId="v1")
    assert shown["PolicyVersion"]["IsDefaultVersion"] is True


async def test_a_policy_is_removed_only_when_nothing_holds_it(node: Node) -> None:
    await make(node)
    await node.root.call("CreateUser", UserName="ada")
    await node.root.call("CreateGroup", GroupName="dev")
    await node.root.call("CreatePolicyVersion", PolicyName="lister", PolicyDocument=allow("ecs:List*"))
    held = {"User": "ada", "Group": "dev", "Role": "OOSServiceRole"}
    for kind, name in held.items():
        await node.attach(kind, name, "lister")

    for kind, name in held.items():
        assert await refusal(node.root.call("DeletePolicy", PolicyName="lister")) == (
            409,
            f"DeleteConflict.Policy.{kind}",
            f"The policy CAN NOT been attached to any {kind.lower()} while deleting the policy.",
        )
        let_go = {"PolicyType": "Custom", "PolicyName": "lister", f"{kind}Name": name}
        await node.root.call(f"DetachPolicyFrom{kind}", **let_go)
    assert await refusal(node.root.call("DeletePolicy", PolicyName="lister")) == (
        409, "DeleteConflict.Policy.Version", "The policy CAN NOT has any version except the default version.",
    )  # fmt: skip
    await node.root.call("DeletePolicyVersion", PolicyName="lister", VersionId="v2")
    await node.root.call("DeletePolicy", PolicyName="lister")

    assert (await node.root.call("ListPolicies", PolicyType="Custom"))["Policies"] == {"Policy": []}


async def test_a_cascading_delete_lets_go_of_everything(node: Node) -> None:
    ada = await node.user("ada", allow("ram:GetUser"))
    await node.root.call("CreatePolicyVersion", PolicyName="ada-policy", PolicyDocument=allow("ecs:List*"))
    await ada.call("GetUser")

    await node.root.call("DeletePolicy", PolicyName="ada-policy", CascadingDelete="true")

    assert (await refusal(ada.call("GetUser")))[1] == "NoPermission"
    assert (await node.root.call("ListPoliciesForUser", UserName="ada"))["Policies"] == {"Policy": []}


@pytest.mark.parametrize(("kind", "name"), [("User", "ada"), ("Group", "dev"), ("Role", "OOSServiceRole")])
async def test_attachments_are_shown_from_both_sides(node: Node, kind: str, name: str) -> None:
    await node.root.call("CreateUser", UserName="ada")
    await node.root.call("CreateGroup", GroupName="dev")
    await make(node)
    await node.attach(kind, name, "lister")
    await node.attach(kind, name, "AliyunECSFullAccess", "System")

    of_entity = (await node.root.call(f"ListPoliciesFor{kind}", **{f"{kind}Name": name}))["Policies"]["Policy"]
    of_policy = await node.root.call("ListEntitiesForPolicy", PolicyType="Custom", PolicyName="lister")
    counted = await node.root.call("GetPolicy", PolicyType="System", PolicyName="AliyunECSFullAccess")

    assert [(each["PolicyType"], each["PolicyName"]) for each in of_entity] == [
        ("Custom", "lister"),
        ("System", "AliyunECSFullAccess"),
    ]
    [holder] = of_policy[f"{kind}s"][kind]
    assert (holder[f"{kind}Name"], holder["AttachDate"]) == (name, of_entity[0]["AttachDate"])
    assert sum(len(of_policy[each][each[:-1]]) for each in ("Users", "Groups", "Roles")) == 1
    assert counted["Policy"]["AttachmentCount"] == 1


@pytest.mark.parametrize(("kind", "name"), [("User", "ada"), ("Group", "dev"), ("Role", "runner")])
async def test_attaching_refuses_in_the_words_of_ram(
    node: Node, monkeypatch: pytest.MonkeyPatch, kind: str, name: str
) -> None:
    await node.root.call("CreateUser", UserName="ada")
    await node.root.call("CreateGroup", GroupName="dev")
    await node.role("runner", trust(Service="oos.aliyuncs.com"))
    await make(node)
    await make(node, "second")
    target = {"PolicyType": "Custom", "PolicyName": "lister", f"{kind}Name": name}
    words = {"User": "of the user", "Group": "attached to the group", "Role": "attached to the role"}[kind]
    full = {
        "User": "The policy count of the user attached policies beyond the current limits.",
        "Group": "The policy count of the group beyond the current limits.",
        "Role": "The count of policies attached to the role beyond the current limits.",
    }[kind]

    assert await refusal(node.root.call(f"DetachPolicyFrom{kind}", **target)) == (
        404, f"EntityNotExist.{kind}.Policy", f"The indicate policy {words} does not exist.",
    )  # fmt: skip
    await node.root.call(f"AttachPolicyTo{kind}", **target)
    assert await refusal(node.root.call(f"AttachPolicyTo{kind}", **target)) == (
        409, f"EntityAlreadyExists.{kind}.Policy", f"The {kind.lower()} has already been attached this policy.",
    )  # fmt: skip
    monkeypatch.setattr(limits, "ATTACHMENTS", {(kind, "Custom"): 1, (kind, "System"): 1})
    await node.attach(kind, name, "ReadOnlyAccess", "System")  # the other type has its own room
    assert await refusal(node.attach(kind, name, "second")) == (409, f"LimitExceeded.{kind}.Policy", full)
    nobody = {**target, f"{kind}Name": "nobody"}
    assert (await refusal(node.root.call(f"AttachPolicyTo{kind}", **nobody)))[1] == f"EntityNotExist.{kind}"
    assert (await refusal(node.root.call(f"DetachPolicyFrom{kind}", **nobody)))[1] == f"EntityNotExist.{kind}"


async def test_a_service_linked_role_belongs_to_its_service(node: Node) -> None:
    await node.ram.ensure_service_linked_role(node.account, "ess.aliyuncs.com")
    linked = "AliyunServiceRoleForAutoScaling"
    its_policy = {"PolicyType": "System", "PolicyName": "AliyunServiceRolePolicyForAutoScaling"}
    await node.root.call("CreateUser", UserName="ada")

    shown = (await node.root.call("GetRole", RoleName=linked))["Role"]
    attached = (await node.root.call("ListPoliciesForRole", RoleName=linked))["Policies"]["Policy"]

    assert shown["IsServiceLinkedRole"] is True
    assert [each["PolicyName"] for each in attached] == [its_policy["PolicyName"]]
    calls: list[Awaitable[object]] = [
        node.root.call("DeleteRole", RoleName=linked),
        node.root.call("UpdateRole", RoleName=linked, NewDescription="mine"),
        node.root.call("DetachPolicyFromRole", RoleName=linked, **its_policy),
        node.attach("Role", linked, "AdministratorAccess", "System"),
        node.root.call("AttachPolicyToUser", UserName="ada", **its_policy),
    ]
    for call in calls:
        assert (await refusal(call))[:2] == (403, "NoPermission")
