"""Who may do what: every layer of policies, through the door and as other products ask."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from support.ram import DENY, Client, Node, allow, policy, refusal, statement, trust
from tidegate.clock import to_seconds
from tidegate.errors import CloudError, ConfigurationError
from tidegate.ids import Ids
from tidegate.services.operation import Principal
from tidegate.services.ram.service import Ram
from tidegate.store.database import Database
from tidegate.store.ram import policies
from tidegate.store.ram.records import Grant
from tidegate.vault import Vault

if TYPE_CHECKING:
    from tidegate.store.database import Connection

INSTANCE = "acs:ecs:cn-hangzhou:1:instance/i-1"


async def decide(node: Node, client: Client, action: str, resource: str = INSTANCE) -> str:
    await node.ram.refresh()
    return (await node.ram.decide(await node.principal(client), action, resource)).kind


async def test_the_account_may_do_everything(node: Node) -> None:
    assert await decide(node, node.root, "ecs:DeleteInstance") == "Allow"


async def test_a_user_may_do_nothing_until_something_is_attached(node: Node) -> None:
    ada = await node.user("ada")
    assert await decide(node, ada, "ecs:StopInstance") == "ImplicitDeny"

    await node.grant("User", "ada", allow("ecs:*"))

    assert await decide(node, ada, "ecs:StopInstance") == "Allow"


async def test_a_user_has_the_policies_of_its_groups_while_it_is_a_member(node: Node) -> None:
    ada = await node.user("ada")
    await node.root.call("CreateGroup", GroupName="dev")
    await node.grant("Group", "dev", allow("ecs:*"))

    await node.root.call("AddUserToGroup", UserName="ada", GroupName="dev")
    inside = await decide(node, ada, "ecs:StopInstance")
    await node.root.call("RemoveUserFromGroup", UserName="ada", GroupName="dev")

    assert inside == "Allow"
    assert await decide(node, ada, "ecs:StopInstance") == "ImplicitDeny"


async def test_a_deny_of_the_group_beats_an_allow_of_the_user(node: Node) -> None:
    ada = await node.user("ada", allow("*"))
    await node.root.call("CreateGroup", GroupName="dev")
    await node.grant("Group", "dev", policy(statement("ecs:*"), statement("ecs:Delete*", INSTANCE, DENY)))
    await node.root.call("AddUserToGroup", UserName="ada", GroupName="dev")
    await node.ram.refresh()

    decision = await node.ram.decide(await node.principal(ada), "ecs:DeleteInstance", INSTANCE)

    assert (decision.kind, decision.policy, decision.statement, decision.attached_to) == (
        "ExplicitDeny", "dev-policy", 1, "Group",
    )  # fmt: skip
    assert await decide(node, ada, "ecs:StopInstance") == "Allow"


async def test_an_allow_names_the_statement_that_allowed(node: Node) -> None:
    ada = await node.user("ada", policy(statement("oss:*"), statement("ecs:*")))
    await node.ram.refresh()

    decision = await node.ram.decide(await node.principal(ada), "ecs:StopInstance", INSTANCE)

    assert (decision.policy, decision.policy_type, decision.policy_version, decision.statement) == (
        "ada-policy", "Custom", "v1", 1,
    )  # fmt: skip
    assert decision.detail == {}


async def test_a_denied_call_of_ram_says_what_and_why_and_can_be_decoded(node: Node) -> None:
    ada = await node.user("ada", policy(statement("ram:*"), statement("ram:DeleteUser", effect=DENY)))
    resource = f"acs:ram:*:{node.account}:user/bob"
    user_id = (await node.principal(ada)).id

    with pytest.raises(CloudError) as caught:
        await ada.call("DeleteUser", UserName="bob")

    error = caught.value
    assert (error.status, error.code) == (403, "NoPermission")
    assert error.message == f"You are not authorized to do this action. Resource: {resource} Action: ram:DeleteUser"
    detail = dict(error.detail or {})
    encoded = detail.pop("EncodedDiagnosticMessage")
    assert detail == {
        "AuthAction": "ram:DeleteUser",
        "AuthPrincipalType": "SubUser",
        "AuthPrincipalOwnerId": node.account,
        "AuthPrincipalDisplayName": user_id,
        "PolicyType": "AccountLevelIdentityBasedPolicy",
        "NoPermissionType": "ExplicitDeny",
    }
    answer = await node.root.call("DecodeDiagnosticMessage", EncodedDiagnosticMessage=encoded)
    decoded = answer["DecodedDiagnosticMessage"]
    assert (decoded["AuthResource"], decoded["ExplicitDeny"]) == (resource, True)
    assert [each["PolicyIdentifier"] for each in decoded["MatchedPolicies"]] == ["ada-policy"]
    forged = await refusal(node.root.call("DecodeDiagnosticMessage", EncodedDiagnosticMessage="AAAA" + encoded))
    assert forged[1] == "InvalidParameter.EncodedDiagnosticMessage.Format"


async def test_attaching_needs_both_the_policy_and_the_target(node: Node) -> None:
    account = f"acs:ram:*:{node.account}"
    await node.root.call("CreatePolicy", PolicyName="lister", PolicyDocument=allow("ecs:Describe*"))
    await node.root.call("CreateUser", UserName="bob")
    ada = await node.user("ada", allow("ram:AttachPolicyToUser", f"{account}:policy/lister"))
    attach = {"PolicyType": "Custom", "PolicyName": "lister", "UserName": "bob"}

    _, _, words = await refusal(ada.call("AttachPolicyToUser", **attach))
    await node.grant("User", "ada", allow("ram:AttachPolicyToUser", f"{account}:user/bob"), "target")
    await ada.call("AttachPolicyToUser", **attach)

    assert f"Resource: {account}:user/bob " in words


async def test_a_condition_on_the_source_address_and_the_time_is_seen(node: Node) -> None:
    later = to_seconds(node.clock.now() + timedelta(hours=1))
    document = allow(
        "ram:GetUser", IpAddress={"acs:SourceIp": "127.0.0.0/8"}, DateGreaterThan={"acs:CurrentTime": later}
    )
    ada = await node.user("ada", document)

    early = await refusal(ada.call("GetUser"))
    node.clock.advance(timedelta(hours=2))

    assert early[1] == "NoPermission"
    assert (await ada.call("GetUser"))["User"]["UserName"] == "ada"


async def test_a_call_that_names_no_resource_is_allowed_by_star_and_by_the_products_own(node: Node) -> None:
    ada = await node.user("ada", allow("ess:*", "acs:ess:*:*:*"))
    bob = await node.user("bob", allow("ess:*"))
    eve = await node.user("eve", allow("ess:*", "acs:ess:*:*:scalinggroup/asg-1"))

    kinds = [await decide(node, client, "ess:DescribeScalingGroups", "*") for client in (ada, bob, eve)]

    assert kinds == ["Allow", "Allow", "ImplicitDeny"]


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        ("AttachPolicyToUser", "ImplicitDeny", "Allow"),
        ("DetachPolicyFromUser", "Allow", "ImplicitDeny"),
    ],
)
async def test_a_change_made_by_another_process_counts_for_the_very_next_call(
    node: Node, other_node: Node, change: str, before: str, after: str
) -> None:
    ada = (await node.user("ada", allow("ram:GetUser"))).at(other_node)
    target = {"UserName": "ada", "PolicyType": "Custom", "PolicyName": "ada-policy"}
    if before == "ImplicitDeny":
        await node.root.call("DetachPolicyFromUser", **target)

    kinds = []
    for act in (None, change):
        if act:
            await node.root.call(act, **target)
        try:
            await ada.call("GetUser")
            kinds.append("Allow")
        except CloudError as error:
            kinds.append((error.detail or {})["NoPermissionType"])

    assert kinds == [before, after]


async def test_a_key_switched_off_or_removed_elsewhere_is_refused_at_once(node: Node, other_node: Node) -> None:
    ada = (await node.user("ada")).at(other_node)
    await ada.call("GetCallerIdentity")

    await node.root.call("UpdateAccessKey", UserName="ada", UserAccessKeyId=ada.key_id, Status="Inactive")
    off = await refusal(ada.call("GetCallerIdentity"))
    await node.root.call("UpdateAccessKey", UserName="ada", UserAccessKeyId=ada.key_id, Status="Active")
    await ada.call("GetCallerIdentity")
    await node.root.call("DeleteAccessKey", UserName="ada", UserAccessKeyId=ada.key_id)
    gone = await refusal(ada.call("GetCallerIdentity"))

    assert off[1] == "InvalidAccessKeyId.Inactive"
    assert gone[1] == "InvalidAccessKeyId.NotFound"


async def test_calls_inside_the_process_see_changes_of_other_processes(node: Node, other_node: Node) -> None:
    ada = await node.user("ada", allow("ram:GetUser"))
    caller = other_node.gateway.caller(await node.principal(ada))
    await caller.call("Ram", "GetUser", {"UserName": "ada"}, region="cn-hangzhou")

    await node.root.call("DetachPolicyFromUser", UserName="ada", PolicyType="Custom", PolicyName="ada-policy")

    assert (await refusal(caller.call("Ram", "GetUser", {"UserName": "ada"}, region="cn-hangzhou")))[
        1
    ] == "NoPermission"


async def test_what_was_read_before_a_change_is_not_remembered_after_it(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await node.user("ada", allow("ram:GetUser"))
    principal = await node.principal(ada)
    read, go_on, grants = asyncio.Event(), asyncio.Event(), policies.grants

    async def slow_grants(db: Connection, entity_id: str) -> list[Grant]:
        found = await grants(db, entity_id)
        read.set()
        await go_on.wait()
        return found

    await node.ram.refresh()
    with monkeypatch.context() as patched:
        patched.setattr(policies, "grants", slow_grants)
        reading = asyncio.create_task(node.ram.decide(principal, "ram:GetUser", "*"))
        await read.wait()
    await node.root.call("DetachPolicyFromUser", UserName="ada", PolicyType="Custom", PolicyName="ada-policy")
    await node.ram.refresh()
    go_on.set()
    assert (await reading).allowed

    assert (await node.ram.decide(principal, "ram:GetUser", "*")).kind == "ImplicitDeny"


async def test_limits_hold_when_two_processes_write_at_once(node: Node, other_node: Node) -> None:
    await node.root.call("CreateUser", UserName="ada")

    results = await asyncio.gather(
        *(each.root.call("CreateAccessKey", UserName="ada") for each in (node, other_node) * 4),
        return_exceptions=True,
    )

    refused = [result for result in results if isinstance(result, CloudError)]
    assert {error.code for error in refused} == {"LimitExceeded.User.AccessKey"}
    assert len(refused) == 6


async def test_processes_that_start_at_once_make_one_account(node: Node, other_node: Node) -> None:
    assert node.account == other_node.account
    assert node.root.key_id == other_node.root.key_id


async def test_bootstrap_tells_the_key_to_one_process_only(node: Node) -> None:
    assert await node.ram.bootstrap() is None
    assert len(node.account) == 16
    assert repr(await node.ram.root_key()) == f"RootKey('{node.root.key_id}')"


async def test_the_role_of_oos_is_there_and_may_do_nothing(node: Node) -> None:
    role = (await node.root.call("GetRole", RoleName="OOSServiceRole"))["Role"]
    principal = await node.ram.assume_role_as_service(node.account, "oos.aliyuncs.com", "OOSServiceRole", "exec-1")
    await node.ram.refresh()

    assert json.loads(role["AssumeRolePolicyDocument"]) == json.loads(trust(Service=["oos.aliyuncs.com"]))
    assert principal.arn == f"acs:ram::{node.account}:assumed-role/oosservicerole/exec-1"
    assert (await node.ram.decide(principal, "ecs:DescribeInstances", INSTANCE)).kind == "ImplicitDeny"
    await node.attach("Role", "oosSERVICErole", "AliyunECSFullAccess", "System")
    await node.ram.refresh()
    assert (await node.ram.decide(principal, "ecs:DescribeInstances", INSTANCE)).allowed


async def test_a_service_assumes_only_roles_that_trust_it(node: Node) -> None:
    await node.role("people", trust(RAM=f"acs:ram::{node.account}:root"))
    await node.role("both", trust(Service=["ecs.aliyuncs.com", f"{node.account}@oos.aliyuncs.com"]))

    def assume(role: str, service: str = "oos.aliyuncs.com", account: str = node.account) -> object:
        return node.ram.assume_role_as_service(account, service, role, "exec-1")

    assert (await assume(f"acs:ram::{node.account}:role/both")).name == "both"
    refused = (403, "NoPermission", "You are not authorized to do this action. You should be authorized by RAM.")
    missing = (404, "EntityNotExist.Role", "The specified Role not exists.")
    assert await refusal(assume("people")) == refused
    assert await refusal(assume("OOSServiceRole", "ess.aliyuncs.com")) == refused
    assert await refusal(assume("nobody")) == missing
    assert await refusal(assume("both", account="1111111111111111")) == missing


async def test_auto_scaling_acts_under_its_own_role_which_is_made_once(node: Node, other_node: Node) -> None:
    first, second = await asyncio.gather(
        node.ram.ensure_service_linked_role(node.account, "ess.aliyuncs.com"),
        other_node.ram.ensure_service_linked_role(node.account, "ess.aliyuncs.com"),
    )
    await node.ram.refresh()

    assert (
        first
        == second
        == Principal(kind="Service", account_id=node.account, id=first.id, name="AliyunServiceRoleForAutoScaling")
    )
    for action in (
        "ecs:RunInstances",
        "ecs:DeleteInstance",
        "oos:StartExecution",
        "ram:PassRole",
        "vpc:DescribeVSwitches",
    ):
        assert (await node.ram.decide(first, action, "*")).allowed
    assert not (await node.ram.decide(first, "kvstore:ModifySecurityIps", "*")).allowed


async def test_passing_a_role_to_oos_is_a_permission_of_the_caller(node: Node) -> None:
    ada = await node.user("ada")
    await node.attach("User", "ada", "AliyunOOSFullAccess", "System")
    bob = await node.user("bob", allow("ram:PassRole", f"acs:ram:*:{node.account}:role/OOSServiceRole"))
    await node.ram.refresh()

    async def may(client: Client, role: str, service: str) -> bool:
        return (await node.ram.may_pass_role(await node.principal(client), role, service)).allowed

    assert await may(ada, "OOSServiceRole", "oos.aliyuncs.com")
    assert not await may(ada, "OOSServiceRole", "ecs.aliyuncs.com")
    assert await may(bob, "oosservicerole", "oos.aliyuncs.com")
    assert not await may(bob, "other", "oos.aliyuncs.com")


async def test_secrets_are_sealed_in_the_database(node: Node, database: Database) -> None:
    ada = await node.user("ada", allow("sts:AssumeRole"))
    arn = await node.role("ops", trust(RAM=f"acs:ram::{node.account}:root"))
    ops = await node.assume(ada, arn)

    async with database.connection() as connection:
        rows = await connection.fetch("select sealed_secret from ram_access_key")
        rows += await connection.fetch("select sealed_secret || sealed_token from sts_session")

    stored = b"".join(row[0] for row in rows)
    for secret in (node.root.secret, ada.secret, ops.secret, ops.token or ""):
        assert secret.encode() not in stored


async def test_the_vault_of_another_folder_is_refused_with_the_remedy(node: Node, database: Database) -> None:
    stranger = Ram(database, Vault(b"x" * 32), node.clock, Ids())

    with pytest.raises(ConfigurationError, match=r"vault\.key"):
        await stranger.credential(node.root.key_id)


async def test_credentials_print_without_their_secrets(node: Node) -> None:
    credential = await node.ram.credential(node.root.key_id)

    assert node.root.secret not in repr(credential)
    assert node.root.key_id in repr(credential)
