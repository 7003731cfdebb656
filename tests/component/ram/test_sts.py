"""STS through the door: who may act under a role, as whom, for how long, and every refusal."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from support.ram import DENY, Client, Node, allow, policy, refusal, statement, trust
from tidegate.services.sts import limits

REFUSED = (403, "NoPermission", "You are not authorized to do this action. You should be authorized by RAM.")


@pytest.fixture
async def ada(node: Node) -> Client:
    """A user who may assume every role and do nothing else."""
    return await node.user("ada", allow("sts:AssumeRole"))


@pytest.fixture
async def ops(node: Node) -> str:
    """The ARN of a role that trusts the whole account and may look at users."""
    return await node.role("Ops", trust(RAM=[f"acs:ram::{node.account}:root"]), allow("ram:GetUser"))


async def test_everybody_may_ask_who_they_are(node: Node, ada: Client, ops: str) -> None:
    acting = await node.assume(ada, ops, "night.shift")
    user = (await node.root.call("GetUser", UserName="ada"))["User"]
    role = (await node.root.call("GetRole", RoleName="Ops"))["Role"]

    assert await node.root.call("GetCallerIdentity") == {
        "AccountId": node.account,
        "Arn": f"acs:ram::{node.account}:root",
        "PrincipalId": node.account,
        "IdentityType": "Account",
    }
    assert await ada.call("GetCallerIdentity") == {
        "AccountId": node.account,
        "Arn": f"acs:ram::{node.account}:user/ada",
        "PrincipalId": user["UserId"],
        "UserId": user["UserId"],
        "IdentityType": "RAMUser",
    }
    assert await acting.call("GetCallerIdentity") == {
        "AccountId": node.account,
        "Arn": f"acs:ram::{node.account}:assumed-role/ops/night.shift",
        "PrincipalId": f"{role['RoleId']}:night.shift",
        "RoleId": role["RoleId"],
        "IdentityType": "AssumedRoleUser",
    }


async def test_a_temporary_key_has_the_forms_that_clients_expect(node: Node, ada: Client, ops: str) -> None:
    answer = await ada.call("AssumeRole", RoleArn=ops, RoleSessionName="s1", SourceIdentity="ada@home")
    role = (await node.root.call("GetRole", RoleName="Ops"))["Role"]
    key = answer["Credentials"]

    assert key["AccessKeyId"].startswith("STS.")
    assert len(key["AccessKeySecret"]) == 44
    assert len(key["SecurityToken"]) > 100
    lasts = datetime.fromisoformat(key["Expiration"]) - node.clock.now()
    assert timedelta(seconds=3595) < lasts <= timedelta(seconds=3600)
    assert answer["AssumedRoleUser"] == {
        "Arn": f"acs:ram::{node.account}:role/ops/s1",
        "AssumedRoleId": f"{role['RoleId']}:s1",
    }
    assert answer["SourceIdentity"] == "ada@home"


async def test_a_temporary_key_may_do_what_the_role_may_and_not_what_the_user_may(
    node: Node, ada: Client, ops: str
) -> None:
    acting = await node.assume(ada, ops)

    assert (await acting.call("GetUser", UserName="ada"))["User"]["UserName"] == "ada"
    assert (await refusal(acting.call("AssumeRole", RoleArn=ops, RoleSessionName="s2"))) == REFUSED
    assert (await refusal(ada.call("GetUser")))[1] == "NoPermission"


async def test_a_session_policy_narrows_the_role_and_never_widens_it(node: Node, ada: Client, ops: str) -> None:
    reads_bob = allow(["ram:GetUser", "ram:ListUsers"], f"acs:ram:*:{node.account}:user/bob")
    await node.root.call("CreateUser", UserName="bob")
    narrow = await node.assume(ada, ops, Policy=reads_bob)

    assert (await narrow.call("GetUser", UserName="bob"))["User"]["UserName"] == "bob"
    assert (await refusal(narrow.call("GetUser", UserName="ada")))[1] == "NoPermission"
    assert (await refusal(narrow.call("ListUsers")))[1] == "NoPermission"
    await node.ram.refresh()
    principal = await node.principal(narrow)
    decision = await node.ram.decide(principal, "ram:GetUser", f"acs:ram:*:{node.account}:user/ada")
    assert decision.detail["PolicyType"] == "SessionPolicy"
    assert decision.detail["AuthPrincipalType"] == "AssumedRoleUser"
    assert decision.detail["AuthPrincipalDisplayName"] == "Ops:session"


async def test_a_temporary_key_is_refused_without_its_token_with_another_and_after_its_time(
    node: Node, ada: Client, ops: str
) -> None:
    first, second = await node.assume(ada, ops), await node.assume(ada, ops, DurationSeconds=900)
    naked = Client(node.gateway, node.clock, first.key_id, first.secret)
    swapped = Client(node.gateway, node.clock, first.key_id, first.secret, second.token)
    broken = Client(node.gateway, node.clock, first.key_id, first.secret, "not a token!")

    assert (await refusal(naked.call("GetCallerIdentity")))[1] == "MissingSecurityToken"
    assert (await refusal(swapped.call("GetCallerIdentity")))[1] == "InvalidSecurityToken.MismatchWithAccessKey"
    assert (await refusal(broken.call("GetCallerIdentity")))[1] == "InvalidSecurityToken.Malformed"
    node.clock.advance(timedelta(seconds=899))
    await second.call("GetCallerIdentity")
    node.clock.advance(timedelta(seconds=1))
    assert (await refusal(second.call("GetCallerIdentity")))[1] == "InvalidSecurityToken.Expired"
    assert (await first.call("GetCallerIdentity"))["IdentityType"] == "AssumedRoleUser"


async def test_expired_keys_are_told_so_for_an_hour_and_then_forgotten(node: Node, ada: Client, ops: str) -> None:
    old = await node.assume(ada, ops, DurationSeconds=900)

    node.clock.advance(timedelta(minutes=70))
    await node.assume(ada, ops)
    told = await refusal(old.call("GetCallerIdentity"))
    node.clock.advance(timedelta(minutes=10))
    await node.assume(ada, ops)
    await node.root.call("CreateUser", UserName="bob")  # a change: what was remembered is read again
    forgotten = await refusal(old.call("GetCallerIdentity"))

    assert told[1] == "InvalidSecurityToken.Expired"
    assert forgotten[1] == "InvalidAccessKeyId.NotFound"


async def test_a_temporary_key_ends_with_its_role(node: Node, ada: Client) -> None:
    arn = await node.role("short", trust(RAM=f"acs:ram::{node.account}:root"))
    acting = await node.assume(ada, arn)
    await acting.call("GetCallerIdentity")

    await node.root.call("DeleteRole", RoleName="short")

    assert (await refusal(acting.call("GetCallerIdentity")))[1] == "InvalidAccessKeyId.NotFound"


async def test_the_account_itself_assumes_no_role(node: Node, ops: str) -> None:
    assert await refusal(node.root.call("AssumeRole", RoleArn=ops, RoleSessionName="s1")) == (
        403, "NoPermission", "Roles may not be assumed by root accounts.",
    )  # fmt: skip


async def test_a_user_needs_both_its_own_permission_and_the_roles_trust(node: Node) -> None:
    home = f"acs:ram::{node.account}"
    root, ada, bob, role_ada = (f"{home}:{name}" for name in ("root", "user/ada", "user/bob", "role/ada"))
    user = await node.user("ada", allow("sts:AssumeRole", f"acs:ram:*:{node.account}:role/trusting*"))
    stranger = await node.user("eve", allow("ram:*"))
    trusting = [await node.role(f"Trusting{n}", trust(RAM=[name])) for n, name in enumerate((root, ada))]
    others = [
        await node.role("TrustingBob", trust(RAM=[bob])),
        await node.role("TrustingRole", trust(RAM=[role_ada])),
        await node.role("TrustingOos", trust(Service=["oos.aliyuncs.com"])),
        await node.role("Unnamed", trust(RAM=[root])),
    ]

    for arn in trusting:
        await node.assume(user, arn)
        assert await refusal(stranger.call("AssumeRole", RoleArn=arn, RoleSessionName="s1")) == REFUSED
    for arn in others:
        assert await refusal(user.call("AssumeRole", RoleArn=arn, RoleSessionName="s1")) == REFUSED


async def test_a_deny_on_either_side_wins(node: Node, ada: Client) -> None:
    root = f"acs:ram::{node.account}:root"
    denies = policy(
        {"Effect": "Allow", "Action": "sts:*", "Principal": {"RAM": root}},
        {"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"RAM": f"acs:ram::{node.account}:user/ada"}},
    )
    distrusting, plain = await node.role("distrusting", denies), await node.role("plain", trust(RAM=root))
    bob = await node.user("bob", policy(statement("*"), statement("sts:AssumeRole", plain, DENY)))

    assert await refusal(ada.call("AssumeRole", RoleArn=distrusting, RoleSessionName="s1")) == REFUSED
    assert await refusal(bob.call("AssumeRole", RoleArn=plain, RoleSessionName="s1")) == REFUSED
    await node.assume(bob, distrusting)
    await node.assume(ada, plain)


async def test_a_role_may_assume_the_next(node: Node, ada: Client) -> None:
    first = await node.role("first", trust(RAM=f"acs:ram::{node.account}:root"), allow("sts:AssumeRole"))
    second = await node.role("second", trust(RAM=f"acs:ram::{node.account}:role/First"))

    acting = await node.assume(await node.assume(ada, first), second)

    assert (await acting.call("GetCallerIdentity"))["Arn"].endswith(":assumed-role/second/session")
    assert await refusal(ada.call("AssumeRole", RoleArn=second, RoleSessionName="s1")) == REFUSED


async def test_a_role_can_demand_an_external_id(node: Node, ada: Client) -> None:
    demanding = policy(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"RAM": f"acs:ram::{node.account}:root"},
            "Condition": {"StringEquals": {"sts:ExternalId": "tide-42"}},
        }
    )
    arn = await node.role("demanding", demanding)
    asked = {"RoleArn": arn, "RoleSessionName": "s1"}

    assert await refusal(ada.call("AssumeRole", **asked)) == REFUSED
    assert await refusal(ada.call("AssumeRole", **asked, ExternalId="tide-43")) == REFUSED
    await node.assume(ada, arn, ExternalId="tide-42")


BAD_PARAMETERS: list[tuple[dict[str, object], str, str]] = [
    ({"RoleArn": "ops"}, "InvalidParameter.RoleArn", "The parameter RoleArn is wrongly formed."),
    ({"RoleSessionName": "a"}, "InvalidParameter.RoleSessionName", "The parameter RoleSessionName is wrongly formed."),
    ({"RoleSessionName": "a b"}, "InvalidParameter.RoleSessionName", "The parameter RoleSessionName is wrongly formed."),
    ({"RoleSessionName": "a" * 65}, "InvalidParameter.RoleSessionName", "The parameter RoleSessionName is wrongly formed."),
    ({"DurationSeconds": 899}, "InvalidParameter.DurationSeconds", "The Min/Max value of DurationSeconds is 15min/1hr."),
    ({"DurationSeconds": 3601}, "InvalidParameter.DurationSeconds", "The Min/Max value of DurationSeconds is 15min/1hr."),
    ({"Policy": "{}"}, "InvalidParameter.PolicyGrammar", "The parameter Policy has not passed grammar check."),
    ({"Policy": " " * 2049}, "InvalidParameter.PolicySize", "The size of Policy must be smaller than 2048 bytes."),
    ({"ExternalId": "a"}, "InvalidParameter.ExternalId", "The parameter ExternalId is wrongly formed."),
    ({"SourceIdentity": "a b"}, "InvalidParameter.SourceIdentity", "The parameter SourceIdentity is wrongly formed."),
    ({"RoleArn": ""}, "MissingRoleArn", "RoleArn is mandatory for this action."),
    ({"RoleSessionName": ""}, "MissingRoleSessionName", "RoleSessionName is mandatory for this action."),
]  # fmt: skip


async def test_a_bad_parameter_is_refused_in_the_words_of_sts(ada: Client, ops: str) -> None:
    for parameters, code, message in BAD_PARAMETERS:
        asked = {"RoleArn": ops, "RoleSessionName": "s1", **parameters}
        assert await refusal(ada.call("AssumeRole", **asked)) == (400, code, message)


async def test_a_role_allows_sessions_up_to_its_own_limit(node: Node, ada: Client) -> None:
    arn = await node.role("long", trust(RAM=f"acs:ram::{node.account}:root"), MaxSessionDuration=7200)
    asked = {"RoleArn": arn, "RoleSessionName": "s1"}

    await ada.call("AssumeRole", **asked, DurationSeconds=7200)

    _, _, message = await refusal(ada.call("AssumeRole", **asked, DurationSeconds=7201))
    assert message == "The Min/Max value of DurationSeconds is 15min/2hr."


async def test_a_role_that_is_not_there_is_missed_in_the_words_of_sts(node: Node, ada: Client) -> None:
    for account in (node.account, "1234567890123456"):
        nobody = {"RoleArn": f"acs:ram::{account}:role/nobody", "RoleSessionName": "s1"}
        assert await refusal(ada.call("AssumeRole", **nobody)) == (
            404, "EntityNotExist.Role", "The specified Role not exists.",
        )  # fmt: skip


async def test_who_may_assume_nothing_learns_nothing_about_parameters(node: Node) -> None:
    eve = await node.user("eve")

    assert await refusal(eve.call("AssumeRole", RoleArn="ops", RoleSessionName="s1")) == REFUSED


async def test_an_account_assumes_only_so_many_roles_a_second(
    node: Node, ada: Client, ops: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = node.clock.now()
    monkeypatch.setattr(node.clock, "now", lambda: frozen)
    monkeypatch.setattr(node.sts._rate, "_per_second", 2)

    for _ in range(2):
        await node.assume(ada, ops)
    denied = await refusal(ada.call("AssumeRole", RoleArn=ops, RoleSessionName="s1"))
    monkeypatch.setattr(node.clock, "now", lambda: frozen + timedelta(seconds=1))

    assert denied == (400, "Throttling.User", "Request was denied due to user flow control.")
    await node.assume(ada, ops)
    assert limits.ASSUME_ROLE_PER_SECOND == 100
