"""RAM: users, groups, roles, policies, and the simulator."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from starlette.responses import Response

from tidegate.console.complaints import about_policy
from tidegate.console.page import Found, Page, nothing
from tidegate.errors import CloudError
from tidegate.services.operation import Principal
from tidegate.services.ram.decision import Decision

_PER_PAGE = 50
_TRUST: Final = {
    "Version": "1",
    "Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": ["oos.aliyuncs.com"]}}],
}
#: The policy of the tutorial: what the runbook's role must be allowed.
TUTORIAL_POLICY: Final = {
    "Version": "1",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["ecs:DescribeInstances", "kvstore:ModifySecurityIps", "ess:CompleteLifecycleAction"],
            "Resource": "*",
        }
    ],
}


class Kind(msgspec.Struct, frozen=True):
    """Users, groups and roles differ in names only: ``word`` is that of the API."""

    word: str
    section: str

    @property
    def listed(self) -> tuple[str, str, str]:
        """The operation that lists them, and where its answer has them."""
        return f"List{self.word}s", f"{self.word}s", self.word


KINDS: Final[Mapping[str, Kind]] = {
    "users": Kind("User", "users"),
    "groups": Kind("Group", "groups"),
    "roles": Kind("Role", "roles"),
}


async def identities(page: Page) -> Response:
    """Show all users, groups or roles."""
    kind = _kind(page)
    action, outer, inner = kind.listed
    found = await page.look("ram", action, MaxItems=_PER_PAGE, Marker=page.query.get("token") or None)
    return page.render(
        "identities.html", kind=kind, found=found, rows=found.rows(outer, inner), trust=json.dumps(_TRUST, indent=2)
    )


async def identity(page: Page) -> Response:
    """Show one user, group or role: its policies, and a user's keys or a group's members."""
    kind, name = _kind(page), page.path("name")
    named = {f"{kind.word}Name": name}
    one = (await page.call("ram", f"Get{kind.word}", **named))[kind.word]
    attached, keys, login, members, policies = await page.together(
        page.look("ram", f"ListPoliciesFor{kind.word}", **named),
        page.look("ram", "ListAccessKeys", **named) if kind.word == "User" else nothing(),
        page.look("ram", "GetLoginProfile", **named) if kind.word == "User" else nothing(),
        page.look("ram", "ListUsersForGroup", **named) if kind.word == "Group" else nothing(),
        page.look("ram", "ListPolicies", MaxItems=100),
    )
    return page.render(
        "identity.html",
        kind=kind,
        name=name,
        one=one,
        attached=attached,
        keys=keys,
        login=login,
        members=members,
        policies=policies.rows("Policies", "Policy"),
    )


async def new_key(page: Page) -> Response:
    """Make an access key and show its secret, this once."""
    made = await page.call("ram", "CreateAccessKey", UserName=page.path("name"))
    return page.render("new_key.html", name=page.path("name"), key=made["AccessKey"])


async def settings(page: Page) -> Response:
    """Show the account's settings: its alias and what passwords must be like."""
    alias, policy = await page.together(page.look("ram", "GetAccountAlias"), page.look("ram", "GetPasswordPolicy"))
    return page.render("settings.html", alias=alias, policy=policy)


async def policies(page: Page) -> Response:
    """Show policies: own ones, the system's, or all."""
    type_ = page.query.get("type", "")
    found = await page.look(
        "ram",
        "ListPolicies",
        PolicyType=type_ or None,
        MaxItems=_PER_PAGE,
        Marker=page.query.get("token") or None,
    )
    return page.render("policies.html", found=found, type=type_)


async def new_policy(page: Page) -> Response:
    """Show the editor for a new policy."""
    return page.render("policy_editor.html", name="", document=json.dumps(TUTORIAL_POLICY, indent=2))


async def policy(page: Page) -> Response:
    """Show one policy: its document, versions, and what it is attached to."""
    name, type_ = page.path("name"), page.path("type")
    found = await page.call("ram", "GetPolicy", PolicyName=name, PolicyType=type_)
    versions, entities = await page.together(
        page.look("ram", "ListPolicyVersions", PolicyName=name, PolicyType=type_),
        page.look("ram", "ListEntitiesForPolicy", PolicyName=name, PolicyType=type_),
    )
    everyone = await page.together(*(page.look("ram", kind.listed[0], MaxItems=100) for kind in KINDS.values()))
    return page.render(
        "policy.html",
        policy=found["Policy"],
        document=found["DefaultPolicyVersion"]["PolicyDocument"],
        versions=versions,
        attached=[
            (kind, row[f"{kind.word}Name"])
            for kind in KINDS.values()
            for row in Found(entities.tree).rows(f"{kind.word}s", kind.word)
        ],
        entities=entities,
        choices=[
            (kind, [row[f"{kind.word}Name"] for row in listed.rows(f"{kind.word}s", kind.word)])
            for kind, listed in zip(KINDS.values(), everyone, strict=True)
        ],
    )


async def edit_policy(page: Page) -> Response:
    """Show the editor for another version of a policy."""
    name = page.path("name")
    found = await page.call("ram", "GetPolicy", PolicyName=name, PolicyType="Custom")
    document = json.dumps(json.loads(found["DefaultPolicyVersion"]["PolicyDocument"]), indent=2, ensure_ascii=False)
    return page.render("policy_editor.html", name=name, document=document)


async def check(page: Page) -> Response:
    """Say what is wrong with a policy that is being written."""
    form = await page.form()
    trust = form.get("AssumeRolePolicyDocument")
    found = about_policy(trust or form.get("PolicyDocument"), trust=bool(trust))
    return page.render("problems.html", found=found, error=None, fine=page.say("The policy is valid."))


async def simulator(page: Page) -> Response:
    """Ask whether somebody may do something, and say which policy decides."""
    users, roles = await page.together(
        page.look("ram", "ListUsers", MaxItems=100), page.look("ram", "ListRoles", MaxItems=100)
    )
    who, action, resource = (page.query.get(name, "") for name in ("who", "action", "resource"))
    decision: Decision | None = None
    refusal: CloudError | None = None
    attached: Sequence[Any] = ()
    if who and action:
        try:
            principal, attached = await _principal(page, who)
            await page.around.authority.refresh()
            decision = await page.around.authority.decide(principal, action, resource or "*")
        except CloudError as error:
            refusal = error
    return page.render(
        "simulator.html",
        users=[one["UserName"] for one in users.rows("Users", "User")],
        roles=[one["RoleName"] for one in roles.rows("Roles", "Role")],
        who=who,
        action=action,
        resource=resource or "*",
        decision=decision,
        refusal=refusal,
        attached=attached,
    )


async def _principal(page: Page, who: str) -> tuple[Principal, Sequence[Any]]:
    """Return a user or role, and its policies, as the asker may see them. Raises CloudError."""
    section, _, name = who.partition("/")
    assert page.session.principal is not None
    account = page.session.principal.account_id
    if section == "roles":
        one = (await page.call("ram", "GetRole", RoleName=name))["Role"]
        attached = await page.call("ram", "ListPoliciesForRole", RoleName=name)
        principal = Principal(
            kind="AssumedRoleUser", account_id=account, id=one["RoleId"], name=one["RoleName"], session="simulator"
        )
    else:
        one = (await page.call("ram", "GetUser", UserName=name))["User"]
        attached = await page.call("ram", "ListPoliciesForUser", UserName=name)
        principal = Principal(kind="RAMUser", account_id=account, id=one["UserId"], name=one["UserName"])
    return principal, attached["Policies"]["Policy"]


def _kind(page: Page) -> Kind:
    kind = KINDS.get(page.path("kind"))
    if kind is None:
        raise CloudError("PageNotFound", page.say("There is no page at this address."), 404)
    return kind
