"""Every page as a browser sees it: nothing overflows, nothing is complained about, everybody can use it."""

from __future__ import annotations

import json
import os
import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from support.clicking import TEMPLATE, Person, connect, walk_the_tutorial
from support.running import RunningCloud

axe = pytest.importorskip("axe_playwright_python", reason="axe is not installed: make console installs it")
AXE = (Path(axe.__file__).parent / "axe.min.js").read_text("utf-8")
WIDTHS = (360, 820, 1440)


@pytest.fixture(scope="module")
def pages(chromium: Any, cloud: RunningCloud) -> list[str]:
    """Addresses of pages with something on them."""
    with Person(chromium, cloud, "en-US") as person:
        person.sign_in()
        made = walk_the_tutorial(person, "looks")
        person.page.wait_for_selector("main header .badge.good")
        person.go("/oos/executions")
        execution = person.page.locator("td a.id").first.inner_text()
        instance = person.instance_of(made["group"])
        connect(person, instance, made["redis"])
        furnish(person, made["group"])
    group, redis = made["group"], made["redis"]
    return [
        "/overview",
        "/guide",
        "/timeline",
        f"/why?redis={redis}&instance={instance}",
        "/ess",
        *(f"/ess/{group}?tab={tab}" for tab in ("basics", "instances", "configurations", "rules", "tasks", "hooks")),
        *(f"/ess/{group}?tab={tab}" for tab in ("notifications", "refreshes", "activities", "monitoring")),
        f"/ess/{group}/hook?template={TEMPLATE}",
        f"/ess/{group}/hook?kind=queue",
        f"/ess/{group}/task",
        f"/ess/{group}/alarm",
        "/ecs",
        f"/ecs/{instance}",
        "/slb",
        "/redis",
        f"/redis/{redis}",
        "/databases/polardb",
        "/mns",
        "/mns/queues/looks",
        "/oos/executions",
        f"/oos/executions/{execution}",
        *(f"/oos/executions/{execution}?tab={tab}" for tab in ("advanced", "log", "template")),
        "/oos/templates",
        f"/oos/templates/{TEMPLATE}",
        f"/oos/new?copy={TEMPLATE}",
        "/ram/users",
        "/ram/users/ada",
        "/ram/roles/OOSServiceRole",
        "/ram/policies",
        "/ram/new-policy",
        "/ram/settings",
        "/ram/simulator?who=roles/OOSServiceRole&action=ecs:DescribeInstances",
        "/password",
    ]


def furnish(person: Person, group: str) -> None:
    """Make what the tutorial does not: a task, an alarm, a step rule, a queue, a user with a password."""
    person.go("/mns")
    person.open("create")
    person.fill(QueueName="looks")
    person.submit()
    person.go(f"/ess/{group}/alarm")
    person.fill(Name="busy")
    person.page.select_option("[name='list:AlarmActions']", index=0)
    person.submit()
    person.go(f"/ess/{group}/task")
    person.fill(ScheduledTaskName="evening")
    person.submit()
    person.go(f"/ess/{group}?tab=rules")
    person.open("steps")
    person.fill(ScalingRuleName="steps")
    person.submit()
    person.go(f"/ess/{group}?tab=notifications")
    person.open("notification")
    person.submit()
    person.go("/ram/users")
    person.open("create")
    person.fill(UserName="ada")
    person.submit()
    person.open("login")
    person.fill(Password="Correct-Horse-1")
    person.submit()


@pytest.mark.parametrize("language", ["en-US", "zh-CN"])
def test_no_page_overflows_or_complains_or_shuts_anybody_out(
    chromium: Any, cloud: RunningCloud, pages: list[str], language: str
) -> None:
    wrong: list[str] = []
    with Person(chromium, cloud, language) as person:
        wrong += _judge(person, "/sign-in")
        person.sign_in()
        wrong += [found for address in pages for found in _judge(person, address)]
        wrong += person.complaints
    assert not wrong, "\n".join(wrong)


def _judge(person: Person, address: str) -> list[str]:
    """Return what is wrong with a page, at three widths and in light and dark; colours know no language."""
    wrong = []
    person.page.emulate_media(color_scheme="light")
    person.go(address)
    for width in WIDTHS:
        person.page.set_viewport_size({"width": width, "height": 900})
        if person.page.evaluate("document.documentElement.scrollWidth") > width:
            wrong.append(f"{address} overflows at {width}")
        _keep_picture(person, address, width)
    for scheme in ("light", "dark") if person.language == "en-US" else ("light",):
        person.page.emulate_media(color_scheme=scheme)
        person.page.evaluate(AXE)
        found = person.page.evaluate("axe.run({resultTypes: ['violations']}).then(r => r.violations)")
        wrong += [f"{address} {scheme} {one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]
    return wrong


def _keep_picture(person: Person, address: str, width: int) -> None:
    """Keep a screenshot where ``make screenshots`` asks for them."""
    folder = os.environ.get("TIDEGATE_SCREENSHOTS")
    if folder:
        language = person.page.evaluate("document.documentElement.lang")
        name = re.sub(r"(asg|i|r|exec)-[a-z0-9]{10,}", r"\1", address).strip("/")
        file = Path(folder) / f"{re.sub(r'[^A-Za-z0-9-]+', '-', name)}-{language}-{width}.png"
        person.page.screenshot(path=file, full_page=True)


def test_a_page_needs_nothing_from_elsewhere(chromium: Any, cloud: RunningCloud) -> None:
    asked: list[str] = []
    with Person(chromium, cloud, "en-US") as person:
        person.page.on("request", lambda request: asked.append(request.url))
        person.sign_in()

    assert asked
    assert all(url.startswith((cloud.url, "data:")) for url in asked)
    with urllib.request.urlopen(f"{cloud.url}/_tidegate/health", timeout=5) as answer:
        assert json.load(answer)["status"] == "ok"
