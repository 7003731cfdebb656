"""A person at the console: clicks, fills in forms, looks. Whatever the browser complains about is kept."""

from __future__ import annotations

import re
from typing import Any

from support.running import RunningCloud

#: Names that are the same in both languages: fields are those of the API.
POLICY, ROLE = "ESSHookPolicyForRedisWhitelist", "OOSServiceRole"
TEMPLATE = "ACS-ESS-LifeCycleModifyRedisIPWhitelist"
PATIENCE = 12_000


class Person:
    """One browser window."""

    def __init__(self, chromium: Any, cloud: RunningCloud, language: str, width: int = 1280) -> None:
        self.cloud = cloud
        self.language = language
        self.context = chromium.new_context(
            locale=language,
            viewport={"width": width, "height": 900},
            timezone_id="Asia/Shanghai",
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def __enter__(self) -> Person:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def sign_in(self) -> None:
        """Open the link that `tidegate console` prints."""
        self.page.goto(self.cloud.tidegate("console").strip())
        self.page.wait_for_url("**/console/overview")

    def sign_in_as(self, user: str, password: str) -> None:
        """Sign in as a RAM user."""
        self.go("/sign-in")
        self.fill(user=user, password=password)
        self.page.click("button.first")

    def go(self, address: str) -> None:
        self.page.goto(f"{self.cloud.url}/console{address}")

    def open(self, dialog: str) -> None:
        self.page.click(f"[data-opens={dialog}]")

    def fill(self, **fields: str) -> None:
        """Fill in the fields of these names."""
        for name, value in fields.items():
            field = self._form().locator(f"[name='{name.replace('__', ':')}']").first
            if field.evaluate("one => one.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)

    def submit(self) -> None:
        """Press the form's first button and wait to be told that it was done."""
        with self.page.expect_navigation():
            self._form().locator("button.first[type=submit]").last.click()
        self.page.wait_for_selector("p.note[role=status]")

    def _form(self) -> Any:
        """The dialog that is open, else the page."""
        dialog = self.page.locator("dialog[open]")
        return dialog if dialog.count() else self.page.locator("main")

    def press(self, form: str, **fields: str) -> None:
        """Press the button of the small form that calls ``form``."""
        inside = "".join(f":has([name={name}][value='{value}'])" for name, value in fields.items())
        with self.page.expect_navigation():
            self.page.click(f"form[action*='/call/{form}']{inside} button[type=submit]")
        self.page.wait_for_selector("p.note[role=status]")

    def instance_of(self, group: str) -> str:
        """The first instance of a scaling group."""
        self.go(f"/ess/{group}?tab=instances")
        found: str = self.page.locator("td a.id").first.inner_text()
        return found

    def id_in_address(self) -> str:
        return re.sub(r"[?#].*", "", self.page.url).rpartition("/")[2]


def walk_the_tutorial(person: Person, name: str) -> dict[str, str]:
    """Do every step of the tutorial with the mouse; return the ids of what was made."""
    person.go("/ram/policies/Custom/" + POLICY)
    if person.page.locator("text=EntityNotExist").count():
        person.complaints.clear()  # the browser tells of the 404 that was asked for
        person.go("/ram/new-policy")
        person.fill(PolicyName=POLICY)
        person.submit()
        person.go(f"/ram/roles/{ROLE}")
        person.open("attach")
        dialog = person.page.locator("dialog[open] form").first
        dialog.locator("select").select_option(label=POLICY)
        with person.page.expect_navigation():
            dialog.locator("button.first").click()
        person.page.wait_for_selector("p.note[role=status]")

    person.go("/redis")
    person.open("create")
    person.fill(InstanceName=name, Password="Abcdef12345")
    person.submit()
    redis = person.id_in_address()
    person.page.wait_for_selector("h1 ~ .badge.good")

    person.go("/ess")
    person.open("create")
    person.fill(ScalingGroupName=name)
    person.submit()
    group = person.id_in_address()
    person.open("configuration")
    person.submit()
    person.press("ess/EnableScalingGroup")
    person.go(f"/ess/{group}?tab=rules")
    person.open("rule")
    person.fill(ScalingRuleName="Add1")
    person.submit()

    for transition, mode in (("SCALE_OUT", "Append"), ("SCALE_IN", "Delete")):
        person.go(f"/ess/{group}/hook")
        person.page.select_option("select[name=template]", TEMPLATE)
        person.page.wait_for_selector("[name='json:NotificationMetadata:dbInstanceId:String']")
        person.fill(
            LifecycleHookName=f"{name}-{mode}",
            LifecycleTransition=transition,
            json__NotificationMetadata__dbInstanceId__String=redis,
            json__NotificationMetadata__modifyMode__String=mode,
        )
        person.submit()

    person.go(f"/ess/{group}?tab=rules")
    person.press("ess/ExecuteScalingRule")
    return {"redis": redis, "group": group, "activity": person.page.url.rpartition("activity=")[2]}


def connect(person: Person, instance: str, redis: str) -> None:
    """Have an instance connect to Redis, by a command given on its page."""
    person.go(f"/redis/{redis}")
    address, _, port = person.page.locator("dl.facts dd").first.inner_text().partition(":")
    person.go(f"/ecs/{instance}")
    person.fill(CommandContent=f"python3 -c 'import socket; socket.create_connection((\"{address}\", {port}))'")
    person.submit()
