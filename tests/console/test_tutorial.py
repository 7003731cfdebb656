"""The whole tutorial by mouse, in both languages, on real hosts and a real Redis."""

from __future__ import annotations

from typing import Any

import pytest

from support.clicking import Person, connect, walk_the_tutorial
from support.running import RunningCloud


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_the_tutorial_is_done_by_mouse_and_the_timeline_tells_it_live(
    chromium: Any, cloud: RunningCloud, language: str
) -> None:
    with Person(chromium, cloud, language) as person:
        person.sign_in()

        made = walk_the_tutorial(person, "web-" + language.lower())
        # Nothing is loaded again by hand: the page shows the end because it is live.
        person.page.wait_for_selector("main header .badge.good")

        story = person.page.locator("table.story").inner_text()
        assert "R-KVSTORE ModifySecurityIps" in story
        assert "default: + " in story
        address = story.partition("default: + ")[2].split()[0]
        person.go(f"/redis/{made['redis']}")
        entries = person.page.locator("section.panel", has=person.page.locator(f"td.id:text-is('{address}')"))
        assert made["activity"] in entries.first.inner_text()
        assert person.page.locator("#attempts td").count() == 0
        instance = person.instance_of(made["group"])
        connect(person, instance, made["redis"])
        person.go(f"/redis/{made['redis']}")
        # The gate saw it; the page shows it without being loaded again.
        person.page.wait_for_selector(f"#attempts tr:has-text('{address}') .badge.good")
        person.go(f"/timeline?activity={made['activity']}")
        person.page.wait_for_selector(".k-connection")
        assert "ESSHookPolicyForRedisWhitelist" in person.page.locator("table.story").inner_text()
        assert person.complaints == []


def test_an_open_page_recovers_by_itself_when_the_server_was_away(chromium: Any, cloud: RunningCloud) -> None:
    with Person(chromium, cloud, "en-US") as person:
        person.sign_in()
        port = cloud.url.rpartition(":")[2]
        person.go("/ess")
        person.page.wait_for_selector("#line[data-state=live]")

        cloud.stop()
        person.page.wait_for_selector("#line[data-state=lost]")
        cloud.options = ("--port", port)
        cloud.start()

        person.page.wait_for_selector("#line[data-state=live]")


def test_the_guide_walks_the_tutorial_one_click_a_step(chromium: Any, cloud: RunningCloud) -> None:
    with Person(chromium, cloud, "en-US") as person:
        person.sign_in()
        person.go("/guide")
        reached = False

        for _ in range(12):
            button = person.page.locator("table.steps button.first").first
            if not button.count():
                break
            with person.page.expect_navigation():
                button.click()
            if "/timeline" in person.page.url:
                person.page.wait_for_selector("main header .badge.good")
                if not reached:  # the instance tries to reach Redis until it is let in
                    person.page.wait_for_selector(".k-connection")
                    reached = True
                person.go("/guide")

        assert person.page.locator("table.steps tr:has(.badge.good)").count() == 12, person.page.inner_text("main")


def test_a_dialog_is_used_by_keyboard_alone_and_gives_the_focus_back(chromium: Any, cloud: RunningCloud) -> None:
    with Person(chromium, cloud, "en-US") as person:
        person.sign_in()
        person.go("/ram/groups")
        press = person.page.keyboard.press
        focused = "document.activeElement.textContent.trim() || document.activeElement.name"

        press("Tab")
        assert person.page.evaluate(focused) == "Skip to the content"
        press("Enter")
        press("Tab")
        assert person.page.evaluate(focused) == "Create group"
        press("Enter")
        assert person.page.evaluate(focused) == "GroupName"
        press("Escape")
        assert person.page.evaluate(focused) == "Create group"
        press("Enter")
        person.page.keyboard.type("by-keyboard")
        with person.page.expect_navigation():
            press("Enter")

        person.page.wait_for_selector("h1:has-text('by-keyboard')")


def test_names_that_bite_do_nothing_in_a_browser(chromium: Any, cloud: RunningCloud) -> None:
    bite = "<img src=x onerror=alert(1)>"
    with Person(chromium, cloud, "en-US") as person:
        alerts: list[str] = []
        person.page.on("dialog", lambda dialog: (alerts.append(dialog.message), dialog.dismiss()))
        person.sign_in()
        person.go("/ram/users")
        person.open("create")
        person.fill(UserName="bitten", DisplayName=bite, Comments=bite)
        person.submit()
        person.go("/oos/new")
        person.fill(
            TemplateName="bitten", Content=f"FormatVersion: OOS-2019-06-01\nDescription: '{bite}'\nTasks: {bite}"
        )
        person.page.wait_for_selector("#problems li")

        assert person.page.locator("#problems li").first.get_attribute("data-line") == "3"
        for address in ("/ram/users", "/ram/users/bitten", f"/why?instance={bite}&redis={bite}", f"/ess/{bite}"):
            person.go(address)
        assert alerts == []
        assert person.page.locator("img[src=x]").count() == 0


def test_a_user_signs_in_with_a_new_password_and_is_shown_the_decision_that_refuses(
    chromium: Any, cloud: RunningCloud
) -> None:
    with Person(chromium, cloud, "en-US") as owner, Person(chromium, cloud, "en-US") as user:
        owner.sign_in()
        owner.go("/ram/users")
        owner.open("create")
        owner.fill(UserName="newcomer")
        owner.submit()
        owner.open("login")
        owner.fill(Password="Correct-Horse-1", PasswordResetRequired="true")
        owner.submit()

        user.sign_in_as("newcomer", "Correct-Horse-1")
        user.page.wait_for_url("**/console/password")
        user.fill(old="Correct-Horse-1", new="Battery-Staple-2", again="Battery-Staple-2")
        user.page.click("main button.first")
        user.page.wait_for_url("**/console/overview")
        user.go("/ess")

        shown = user.page.locator(".note.bad").first.inner_text()
        assert "ess:DescribeScalingGroups" in shown
        assert "No policy of this identity allows the action." in shown
        assert user.page.locator(".side .who").inner_text() == "newcomer"
