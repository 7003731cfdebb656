"""Signing in, forms, headers: what every page has in common."""

from __future__ import annotations

import pytest

from support.console import Browser, World, text_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_nobody_sees_a_page_without_signing_in(world: World) -> None:
    stranger = world.browser()

    for address in ("", "/overview", "/ess", "/live", "/nowhere"):
        answer = await stranger.get(address)
        assert answer.url.path == "/console/sign-in", address


async def test_a_one_time_link_opens_the_console_once(world: World) -> None:
    link = world.cloud.console_link()

    first = await world.browser().open_link(link)
    second = await world.browser().open_link(link)

    assert first.url.path == "/console/overview"
    assert second.status_code == 403
    assert "used before" in second.text


async def test_looking_at_a_link_does_not_use_it_up(world: World) -> None:
    link = world.cloud.console_link()
    await world.browser().client.get(link)

    assert (await world.browser().open_link(link)).url.path == "/console/overview"


async def test_a_wrong_secret_and_an_unknown_key_are_refused_alike(world: World) -> None:
    await world.user("mallory")

    known = await world.browser().sign_in(world.ids["key-of-mallory"], "wrong")
    unknown = await world.browser().sign_in("LTAI-nobody", "wrong")

    assert (known.status_code, unknown.status_code) == (403, 403)
    assert "do not belong together" in known.text
    assert "do not belong together" in unknown.text


async def test_a_session_ends_with_its_access_key(world: World) -> None:
    browser = await world.user("carol")
    assert (await browser.get("/overview")).url.path == "/console/overview"

    await world.call(
        "ram", "UpdateAccessKey", UserName="carol", UserAccessKeyId=world.ids["key-of-carol"], Status="Inactive"
    )

    assert (await browser.get("/overview")).url.path == "/console/sign-in"


async def test_a_user_signs_in_with_its_password_and_sees_what_it_may(world: World) -> None:
    await world.call("ram", "CreateUser", UserName="pat")
    await world.call("ram", "CreateLoginProfile", UserName="pat", Password="Correct-Horse-1")
    account = world.account.account_id

    for name in ("pat", f"pat@{account}", f"pat@{account}.onaliyun.com"):
        answer = await world.browser().sign_in_with_password(name, "Correct-Horse-1")
        assert answer.url.path == "/console/overview", name
        assert "ess:DescribeScalingGroups" in text_of(answer)
    for name, password in (("pat", "wrong"), ("pat@elsewhere", "Correct-Horse-1"), ("nobody", "Correct-Horse-1")):
        answer = await world.browser().sign_in_with_password(name, password)
        assert answer.status_code == 403, name
        assert "do not belong together" in answer.text


async def test_a_session_of_a_password_ends_when_somebody_sets_another(world: World) -> None:
    await world.call("ram", "CreateUser", UserName="quinn")
    await world.call("ram", "CreateLoginProfile", UserName="quinn", Password="Correct-Horse-1")
    browser = world.browser()
    await browser.sign_in_with_password("quinn", "Correct-Horse-1")
    assert (await browser.get("/overview")).url.path == "/console/overview"

    await world.call("ram", "UpdateLoginProfile", UserName="quinn", Password="Battery-Staple-2")

    assert (await browser.get("/overview")).url.path == "/console/sign-in"


async def test_who_must_change_the_password_can_do_nothing_else_before(world: World) -> None:
    await world.call("ram", "CreateUser", UserName="rose")
    await world.call(
        "ram", "CreateLoginProfile", UserName="rose", Password="Correct-Horse-1", PasswordResetRequired=True
    )
    browser = world.browser()
    entered = await browser.sign_in_with_password("rose", "Correct-Horse-1")

    elsewhere = await browser.get("/ess")
    forms = {"old": "Correct-Horse-1", "new": "Battery-Staple-2"}
    called = await browser.post("/call/ram/GetPasswordPolicy", on="/password")
    mistyped = await browser.post("/password", on="/password", again="Other-Staple-3", **forms)
    changed = await browser.post("/password", on="/password", again="Battery-Staple-2", **forms)

    assert entered.url.path == elsewhere.url.path == called.url.path == "/console/password"
    assert "not written the same twice" in mistyped.text
    assert changed.url.path == "/console/overview"
    assert "The password was changed." in changed.text
    assert (await browser.get("/ess")).url.path == "/console/ess"


async def test_wrong_passwords_lock_a_user_out(world: World) -> None:
    await world.call("ram", "CreateUser", UserName="sam")
    await world.call("ram", "CreateLoginProfile", UserName="sam", Password="Correct-Horse-1")
    for _ in range(5):
        await world.browser().sign_in_with_password("sam", "wrong")

    locked = await world.browser().sign_in_with_password("sam", "Correct-Horse-1")

    assert "Too many wrong passwords" in locked.text


async def test_a_cookie_kept_from_before_signing_out_is_worthless(world: World) -> None:
    browser = await world.owner()
    kept = dict(browser.client.cookies)

    await browser.post("/sign-out")
    browser.client.cookies.update(kept)

    assert (await browser.get("/overview")).url.path == "/console/sign-in"


async def test_a_changed_cookie_is_worthless(world: World) -> None:
    browser = await world.owner()
    (name,) = [name for name in browser.client.cookies if "session" in name]
    value = browser.client.cookies[name]
    browser.client.cookies.clear()
    browser.client.cookies.set(name, value[:-6] + "AAAAA=")

    assert (await browser.get("/overview")).url.path == "/console/sign-in"


async def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(world: World) -> None:
    answer = await world.browser().get("/sign-in")
    (cookie,) = [value for value in answer.headers.get_list("set-cookie") if "session" in value]

    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/console" in cookie


async def test_a_form_without_the_sessions_token_changes_nothing(world: World, owner: Browser) -> None:
    fields = {"UserName": "forged", "next": "/console/overview"}
    other = await world.owner()

    for token in ("", "guessed", await other.csrf()):
        answer = await owner.client.post("/console/call/ram/CreateUser", data={"csrf": token, **fields})
        assert answer.status_code == 403
        assert "InvalidForm" in answer.text
    users = (await world.call("ram", "ListUsers"))["Users"]["User"]
    assert "forged" not in [user["UserName"] for user in users]


async def test_a_form_that_another_site_sends_changes_nothing(owner: Browser) -> None:
    data = {"csrf": await owner.csrf(), "UserName": "forged"}

    answer = await owner.client.post(
        "/console/call/ram/CreateUser", data=data, headers={"sec-fetch-site": "cross-site"}
    )

    assert answer.status_code == 403


async def test_every_answer_forbids_inline_scripts_and_frames(owner: Browser) -> None:
    for address in ("/overview", "/sign-in", "/static/console.css", "/nowhere"):
        answer = await owner.get(address)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_first_page_weighs_less_than_150_kb_in_all(owner: Browser) -> None:
    page = await owner.get("/overview")
    import re

    parts = [
        await owner.client.get(found) for found in set(re.findall(r'(?:src|href)="(/console/static/[^"]+)"', page.text))
    ]

    assert len(parts) == 4
    assert all(part.status_code == 200 for part in parts)
    assert len(page.content) + sum(len(part.content) for part in parts) < 150_000


async def test_a_page_says_what_is_not_allowed_and_why(world: World) -> None:
    browser = await world.user("dave")

    overview, groups = await browser.get("/overview"), await browser.get("/ess")

    assert overview.status_code == 200
    for answer in (overview, groups):
        shown = text_of(answer)
        assert "Forbidden" in shown
        assert "ess:DescribeScalingGroups" in shown
        assert "ImplicitDeny" in shown
        assert "No policy of this identity allows the action." in shown
        assert "web" not in shown.split()


async def test_a_reader_may_look_and_is_told_why_nothing_more(world: World) -> None:
    browser = await world.user("frank", "AliyunESSReadOnlyAccess")

    page = await browser.get(f"/ess/{world.ids['group']}?tab=rules")
    refused = await browser.post("/call/ess/ExecuteScalingRule", ScalingRuleAri=world.ids["rule"])

    assert "Add1" in page.text
    assert refused.status_code == 403
    assert "ess:ExecuteScalingRule" in text_of(refused)


async def test_a_form_leads_to_its_next_page_with_the_answers_ids_and_says_what_was_done(
    world: World, owner: Browser
) -> None:
    answer = await owner.post(
        "/call/ess/ExecuteScalingRule",
        ScalingRuleAri=world.ids["rule"],
        next="/console/ess/X?tab=activities&id={ScalingActivityId}",
        said="The rule is being executed.",
    )

    if "id=" in str(answer.url):  # else an activity was under way, and the refusal is shown
        assert answer.url.params["id"].startswith("asa-")
    else:
        assert "ScalingActivityInProgress" in answer.text


async def test_language_and_theme_are_remembered(world: World) -> None:
    browser = await world.owner()
    await browser.post("/preferences", language="zh", theme="dark", next="/console/ess")

    page = (await browser.get("/ess")).text

    assert '<html lang="zh-CN" data-theme="dark"' in page
    assert "伸缩组" in page


async def test_times_are_shown_in_the_browsers_zone(world: World) -> None:
    browser = await world.owner()
    port = browser.client.base_url.port
    group = (await world.call("ess", "DescribeScalingGroups"))["ScalingGroups"]["ScalingGroup"][0]
    hour = (int(group["CreationTime"][11:13]) + 8) % 24

    browser.client.cookies.set(f"tidegate_zone_{port}", "Asia%2FShanghai")
    page = await browser.get("/ess")

    assert f" {hour:02}:{group['CreationTime'][14:16]}</time>" in page.text


async def test_a_live_look_at_an_unchanged_page_is_answered_with_nothing(owner: Browser) -> None:
    import re

    page = await owner.get("/ess?page=7")
    found = re.search(r'"X-Seen":"([^"]+)"', page.text)
    assert found is not None

    same = await owner.get("/ess?page=7", **{"x-seen": found[1]})
    other = await owner.get("/ess?page=7", **{"x-seen": "something"})

    assert same.status_code == 204
    assert other.status_code == 200


async def test_open_pages_are_told_of_a_change_within_seconds(world: World, owner: Browser) -> None:
    async with owner.client.stream("GET", "/console/live") as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "retry: 1000"
        await world.call("ram", "CreateUser", UserName="pulse")
        async for line in lines:
            if line == "event: changed":
                break
        else:
            pytest.fail("the stream ended without telling")
