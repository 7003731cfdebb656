"""A cloud with memory hosts, looked at through its console as a browser does."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx

from tidegate.assembly import Cloud
from tidegate.clock import to_minutes
from tidegate.services.operation import Principal
from tidegate.settings import Settings

REGION = "cn-hangzhou"
#: Runs when it is not escaped: as an element, in an attribute, out of a script or a title.
NASTY = "\"><img src=x onerror=alert(1)><script>alert('x')</script>{{7*7}}"
TEMPLATE = "ACS-ESS-LifeCycleModifyRedisIPWhitelist"


class Browser:
    """Keeps cookies and sends forms with the token of the page they are on."""

    def __init__(self, url: str, language: str = "en") -> None:
        self.client = httpx.AsyncClient(
            base_url=url, headers={"accept-language": language}, follow_redirects=True, timeout=30
        )

    async def get(self, address: str, **headers: str) -> httpx.Response:
        return await self.client.get(f"/console{address}", headers=headers)

    async def post(self, address: str, on: str = "/overview", **fields: str) -> httpx.Response:
        """Send a form of the page ``on``."""
        return await self.client.post(f"/console{address}", data={"csrf": await self.csrf(on), **fields})

    async def csrf(self, page: str = "/overview") -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', (await self.get(page)).text)
        assert found is not None
        return found[1]

    async def open_link(self, link: str) -> httpx.Response:
        """Follow a one-time link, as the page's script does."""
        token = link.rpartition("token=")[2]
        return await self.post("/sign-in", on=f"/sign-in?token={token}", token=token)

    async def sign_in(self, key: str, secret: str) -> httpx.Response:
        return await self.post("/sign-in", on="/sign-in", key=key, secret=secret)

    async def sign_in_with_password(self, user: str, password: str) -> httpx.Response:
        return await self.post("/sign-in", on="/sign-in", user=user, password=password)


class World:
    """The cloud and what is in it."""

    def __init__(self, cloud: Cloud, account: Principal) -> None:
        self.cloud = cloud
        self.account = account
        self.ids: dict[str, str] = {}
        self.browsers: list[Browser] = []

    async def call(self, product: str, action: str, **parameters: Any) -> dict[str, Any]:
        return await self.cloud.gateway.caller(self.account).call(
            product, action, {"RegionId": REGION, **parameters}, region=REGION
        )

    def browser(self, language: str = "en") -> Browser:
        self.browsers.append(Browser(self.cloud.url, language))
        return self.browsers[-1]

    async def owner(self, language: str = "en") -> Browser:
        """A browser signed in as the account."""
        browser = self.browser(language)
        answer = await browser.open_link(self.cloud.console_link())
        assert str(answer.url).endswith("/overview"), answer.text
        return browser

    async def user(self, name: str, *policies: str) -> Browser:
        """A browser signed in as a new RAM user with these system policies."""
        await self.call("ram", "CreateUser", UserName=name)
        for policy in policies:
            await self.call("ram", "AttachPolicyToUser", PolicyType="System", PolicyName=policy, UserName=name)
        made = (await self.call("ram", "CreateAccessKey", UserName=name))["AccessKey"]
        self.ids[f"key-of-{name}"] = made["AccessKeyId"]
        browser = self.browser()
        answer = await browser.sign_in(made["AccessKeyId"], made["AccessKeySecret"])
        assert str(answer.url).endswith("/overview"), answer.text
        return browser

    async def furnish(self) -> None:
        """Make what the pages show: a group that waits at a hook, a runbook's hook, Redis, users, texts that bite."""
        vswitch = (await self.call("ecs", "DescribeVSwitches"))["VSwitches"]["VSwitch"][0]
        image = (await self.call("ecs", "DescribeImages"))["Images"]["Image"][0]["ImageId"]
        security = (await self.call("ecs", "DescribeSecurityGroups"))["SecurityGroups"]["SecurityGroup"][0]
        redis = await self.call(
            "R-kvstore",
            "CreateInstance",
            InstanceClass="redis.master.small.default",
            InstanceName="cache",
            Password="Abcdef12345",
            VSwitchId=vswitch["VSwitchId"],
            VpcId=vswitch["VpcId"],
            ZoneId=vswitch["ZoneId"],
        )
        group = await self.call(
            "ess",
            "CreateScalingGroup",
            ScalingGroupName="web",
            MinSize=0,
            MaxSize=3,
            VSwitchIds=[vswitch["VSwitchId"]],
            Tags=[{"Key": "note", "Value": NASTY[:60], "Propagate": False}],
        )
        made = await self.call(
            "ess",
            "CreateScalingConfiguration",
            ScalingGroupId=group["ScalingGroupId"],
            ImageId=image,
            InstanceType="ecs.g6.large",
            SecurityGroupId=security["SecurityGroupId"],
        )
        await self.call(
            "ess",
            "EnableScalingGroup",
            ScalingGroupId=group["ScalingGroupId"],
            ActiveScalingConfigurationId=made["ScalingConfigurationId"],
        )
        rule = await self.call(
            "ess",
            "CreateScalingRule",
            ScalingGroupId=group["ScalingGroupId"],
            ScalingRuleName="Add1",
            AdjustmentType="QuantityChangeInCapacity",
            AdjustmentValue=1,
        )
        await self.call(
            "ess",
            "CreateLifecycleHook",
            ScalingGroupId=group["ScalingGroupId"],
            LifecycleHookName="hold",
            LifecycleTransition="SCALE_OUT",
            HeartbeatTimeout=3600,
        )
        content = {
            "FormatVersion": "OOS-2019-06-01",
            "Description": NASTY,
            "Parameters": {"what": {"Type": "String", "Description": NASTY, "Default": NASTY}},
            "Tasks": [
                {
                    "Name": "look",
                    "Action": "ACS::ExecuteAPI",
                    "Properties": {
                        "Service": "ESS",
                        "API": "DescribeScalingGroups",
                        "Parameters": {"ScalingGroupName": "{{ what }}"},
                    },
                }
            ],
        }
        await self.call("oos", "CreateTemplate", TemplateName="biting", Content=json.dumps(content))
        execution = await self.call("oos", "StartExecution", TemplateName="biting")
        await self.call("ram", "CreateUser", UserName="eve", DisplayName="Eve", Comments=NASTY)
        await self.call("ram", "CreateGroup", GroupName="crew", Comments=NASTY)
        statements = [
            {"Effect": "Allow", "Action": "ecs:Describe*", "Resource": "*"},
            {"Effect": "Deny", "Action": "ecs:StopInstance", "Resource": "*"},
        ]
        document = json.dumps({"Version": "1", "Statement": statements})
        await self.call("ram", "CreatePolicy", PolicyName="own", PolicyDocument=document, Description=NASTY)
        activity = await self.call("ess", "ExecuteScalingRule", ScalingRuleAri=rule["ScalingRuleAri"])
        task = await self.call(
            "ess",
            "CreateScheduledTask",
            ScheduledTaskName="nightly",
            Description=NASTY,
            ScheduledAction=rule["ScalingRuleAri"],
            LaunchTime=to_minutes(self.cloud.clock.now() + timedelta(days=1)),
        )
        alarm = await self.call(
            "ess",
            "CreateAlarm",
            ScalingGroupId=group["ScalingGroupId"],
            Name="busy",
            MetricName="CpuUtilization",
            Threshold=70,
            AlarmActions=[rule["ScalingRuleAri"]],
        )
        polardb = await self.call("polardb", "CreateDBCluster", VSwitchId=vswitch["VSwitchId"], VPCId=vswitch["VpcId"])
        balancer = await self.call(
            "slb",
            "CreateLoadBalancer",
            LoadBalancerName="front",
            AddressType="intranet",
            VSwitchId=vswitch["VSwitchId"],
        )
        await self.call("mns", "CreateQueue", QueueName="told")
        await self.call("mns", "CreateTopic", TopicName="news")
        receiver = f"acs:mns:{REGION}:{self.account.account_id}:queue/told"
        await self.call(
            "ess",
            "CreateNotificationConfiguration",
            ScalingGroupId=group["ScalingGroupId"],
            NotificationArn=receiver,
            NotificationTypes=["AUTOSCALING:SCALE_OUT_SUCCESS"],
        )
        self.ids |= {
            "balancer": balancer["LoadBalancerId"],
            "alarm": alarm["AlarmTaskId"],
            "polardb": polardb["DBClusterId"],
            "task": task["ScheduledTaskId"],
            "redis": redis["InstanceId"],
            "group": group["ScalingGroupId"],
            "rule": rule["ScalingRuleAri"],
            "activity": activity["ScalingActivityId"],
            "execution": execution["Execution"]["ExecutionId"],
        }


@asynccontextmanager
async def running(folder: Path, dsn: str) -> AsyncIterator[World]:
    """A started cloud, furnished."""
    settings = Settings(data_dir=folder, port=0, database=dsn, hosts="memory", gate="memory", ephemeral=True)
    async with Cloud.running(settings) as cloud:
        account = await cloud.services.ram.account_id()
        world = World(cloud, Principal(kind="Account", account_id=account, id=account))
        await world.furnish()
        yield world
        for browser in world.browsers:
            await browser.client.aclose()


async def until(look: Callable[[], Awaitable[Any]], seconds: float = 20) -> Any:
    """Look again and again until there is something to see."""
    async with asyncio.timeout(seconds):
        while True:
            if found := await look():
                return found
            await asyncio.sleep(0.02)


class _Dangers(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.found += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]
        if tag == "script" and not (given.get("src") or "").startswith("/console/static/"):
            self.found.append("inline script")
        if tag == "img" and not (given.get("src") or "").startswith("/console/static/"):
            self.found.append("foreign image")


def dangers(page: str) -> list[str]:
    """Return what in a page could run: handlers, styles, scripts and images that are not the console's own."""
    reader = _Dangers()
    reader.feed(page)
    return reader.found


def text_of(answer: httpx.Response) -> str:
    """What a page shows, without its tags."""
    bare = re.sub(r"<script.*?</script>|<[^>]*>", " ", answer.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(bare))
