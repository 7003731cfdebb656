"""ECS: instances, what they print, commands run on them."""

from __future__ import annotations

import base64
import binascii
import json

from starlette.responses import Response

from tidegate.console.page import PER_PAGE, Page
from tidegate.errors import CloudError

_OUTPUT = 64_000


async def instances(page: Page) -> Response:
    """Show all instances."""
    found, vswitches, images, security_groups = await page.together(
        page.look("ecs", "DescribeInstances", PageNumber=page.number, PageSize=PER_PAGE),
        page.look("ecs", "DescribeVSwitches", PageSize=50),
        page.look("ecs", "DescribeImages", PageSize=50),
        page.look("ecs", "DescribeSecurityGroups", PageSize=50),
    )
    return page.render(
        "machines.html",
        found=found,
        rows=found.rows("Instances", "Instance"),
        vswitches=vswitches.rows("VSwitches", "VSwitch"),
        images=images.rows("Images", "Image"),
        security_groups=security_groups.rows("SecurityGroups", "SecurityGroup"),
        size=PER_PAGE,
    )


async def instance(page: Page) -> Response:
    """Show one instance: facts, console output, commands and what they printed."""
    the_id = page.path("id")
    found = (await page.call("ecs", "DescribeInstances", InstanceIds=json.dumps([the_id])))["Instances"]["Instance"]
    if not found:
        raise CloudError("InvalidInstanceId.NotFound", "The specified InstanceId does not exist.", 404)
    output, user_data, commands = await page.together(
        page.look("ecs", "GetInstanceConsoleOutput", InstanceId=the_id),
        page.look("ecs", "DescribeUserData", InstanceId=the_id),
        page.look(
            "ecs",
            "DescribeInvocations",
            InstanceId=the_id,
            IncludeOutput=True,
            ContentEncoding="PlainText",
            PageNumber=page.number,
            PageSize=10,
        ),
    )
    return page.render(
        "machine.html",
        one=found[0],
        output=output,
        printed=_plain(output.tree.get("ConsoleOutput", ""))[-_OUTPUT:],
        user_data=_plain(user_data.tree.get("UserData", "")),
        commands=commands,
    )


def _plain(encoded: str) -> str:
    try:
        return base64.b64decode(encoded).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return encoded
