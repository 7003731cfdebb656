"""The whole tutorial by mouse, in both languages, on real hosts and a real Redis."""

from __future__ import annotations

from typing import Any

import pytest

from support.clicking import Person, walk_the_tutorial
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

        for _ in range(12):
            button = person.page.locator("table.steps button.first").first
            if not button.count():
                break
            with person.page.expect_navigation():
                button.click()
            if "/timeline" in person.page.url:
                person.page.wait_for_selector("main header .badge.good")
                person.go("/guide")

        assert person.page.locator("table.steps tr:has(.badge.good)").count() == 12, person.page.inner_text("main")
