"""Every page of every product: in both languages, with texts that bite, for people who may see little."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from support.console import NASTY, TEMPLATE, Browser, World, dangers, text_of, until
from tidegate.console.pages import table
from tidegate.plane.gate.memory import MemoryGate

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGES = (
    "/overview",
    "/guide",
    "/timeline",
    "/timeline?group={group}",
    "/timeline?activity={activity}",
    "/timeline?execution={execution}",
    "/timeline?instance={member}",
    "/why",
    "/why?redis={redis}&instance={member}",
    "/why?redis={redis}&instance=i-nothing",
    "/ess",
    "/ess?page=9",
    *(f"/ess/{{group}}?tab={tab}" for tab in ("basics", "instances", "configurations", "rules", "tasks")),
    *(f"/ess/{{group}}?tab={tab}" for tab in ("notifications", "refreshes")),
    "/ess/{group}/alarm",
    "/ess/{group}/alarm?kind=custom",
    "/ess/{group}/alarm?alarm={alarm}",
    *(f"/databases/{kind}" for kind in ("polardb", "mongodb", "analyticdb", "rds")),
    "/databases/polardb/{polardb}",
    "/slb",
    "/slb/{balancer}",
    "/mns",
    "/mns?tab=topics",
    "/mns/queues/told",
    "/mns/topics/news",
    *(f"/ess/{{group}}?tab={tab}" for tab in ("hooks", "activities", "monitoring", "monitoring&hours=168")),
    "/ess/{group}?tab=activities&id={activity}",
    "/ess/{group}/task",
    "/ess/{group}/task?does=bounds",
    "/ess/{group}/task?task={task}",
    "/ess/{group}/hook",
    f"/ess/{{group}}/hook?template={TEMPLATE}",
    "/ess/{group}/hook?kind=queue",
    "/ess/{group}/hook?kind=none",
    "/ess/{group}/hook?template=biting",
    "/redis",
    "/redis/{redis}",
    "/oos/templates",
    "/oos/templates?share=Private",
    f"/oos/templates/{TEMPLATE}",
    "/oos/templates/biting",
    "/oos/new",
    f"/oos/new?copy={TEMPLATE}",
    "/oos/edit/biting",
    "/oos/executions",
    "/oos/executions?status=Failed",
    "/oos/executions/{execution}",
    *(f"/oos/executions/{{execution}}?tab={tab}" for tab in ("advanced", "log", "template")),
    "/ecs",
    "/ecs/{member}",
    "/ram/users",
    "/ram/groups",
    "/ram/roles",
    "/ram/users/eve",
    "/ram/groups/crew",
    "/ram/roles/OOSServiceRole",
    "/ram/settings",
    "/ram/policies",
    "/ram/policies?type=Custom",
    "/ram/policies/Custom/own",
    "/ram/policies/System/AdministratorAccess",
    "/ram/new-policy",
    "/ram/edit-policy/own",
    "/ram/simulator",
    "/ram/simulator?who=users/eve&action=ecs:StartInstance",
    "/ram/simulator?who=roles/OOSServiceRole&action=ecs:StartInstance&resource=*",
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def furnished(world: World) -> AsyncIterator[World]:
    """The world, once the activity holds its instance at the hook."""

    async def held() -> str | None:
        found = await world.call("ess", "DescribeScalingInstances", ScalingGroupId=world.ids["group"])
        members = found["ScalingInstances"]["ScalingInstance"]
        return next((one["InstanceId"] for one in members if one["LifecycleState"] == "Pending:Wait"), None)

    world.ids["member"] = await until(held)
    await until(lambda: _ended(world, world.ids["execution"]))
    yield world


async def test_every_page_is_looked_at() -> None:
    """Pages that are added must be added here."""
    looked_at = [re.sub(r"\?.*", "", page) for page in PAGES]
    shapes = [re.sub(r"\{\w+\}", "[^/]+", address) for address in table.PAGES]

    assert [shape for shape in shapes if not any(re.fullmatch(shape, page) for page in looked_at)] == []


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_is_served_in_both_languages_and_escapes_what_it_shows(furnished: World, page: str) -> None:
    address = page.format(**furnished.ids)
    for language in ("en", "zh"):
        browser = await _owner(furnished, language)

        answer = await browser.get(address)

        assert answer.status_code == 200, text_of(answer)
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}"' in answer.text
        assert dangers(answer.text) == []
        assert answer.text.count("<h1>") == 1


async def test_no_state_is_left_in_english_on_a_chinese_page(furnished: World) -> None:
    browser, left = await _owner(furnished, "zh"), set()
    for page in PAGES:
        text = (await browser.get(page.format(**furnished.ids))).text
        left |= {word.strip() for word in re.findall(r'class="badge[^"]*">([^<]*)<', text)}

    # What remains are names, versions, numbers and addresses.
    english = {word for word in left if re.fullmatch(r"[A-Z]?[A-Za-z:_ ]{3,}", word)}
    assert english <= {"YAML", "JSON"}, english


async def test_what_bites_is_shown_as_it_was_written(furnished: World) -> None:
    browser = await _owner(furnished, "en")

    for page in ("/oos/templates/biting", "/oos/edit/biting", f"/oos/executions/{furnished.ids['execution']}"):
        assert NASTY[:30] in text_of(await browser.get(page)) or "&lt;script&gt;" in (await browser.get(page)).text


@pytest.mark.parametrize("page", PAGES)
async def test_a_user_without_rights_sees_only_refusals(furnished: World, page: str) -> None:
    browser = await _nobody(furnished)

    answer = await browser.get(page.format(**furnished.ids))

    assert answer.status_code in (200, 403), text_of(answer)
    for secret in ("cache", "asr-", "asc-", "vsw-", "172.16.0", "pc-"):
        assert secret not in text_of(answer), page


@pytest.mark.parametrize(
    "page", ["/ess/asg-nothing", "/redis/r-nothing", "/oos/templates/nothing", "/oos/executions/exec-0"]
)
async def test_what_is_not_there_is_a_page_that_says_so(furnished: World, page: str) -> None:
    answer = await (await _owner(furnished, "en")).get(page)

    assert answer.status_code == 404
    assert "Not possible" in answer.text


async def test_an_instance_that_waits_shows_how_long_and_can_be_let_go(furnished: World) -> None:
    browser = await _owner(furnished, "en")
    address = f"/ess/{furnished.ids['group']}?tab=instances"

    page = await browser.get(address)
    form = re.search(
        r'name="LifecycleHookId" value="([^"]+)">.*?name="LifecycleActionToken" value="([^"]+)"', page.text
    )
    assert form is not None
    assert "left" in text_of(page)
    answer = await browser.post(
        "/call/ess/RecordLifecycleActionHeartbeat", lifecycleHookId="x", next="/console" + address
    )

    assert answer.status_code != 200  # small letters are the form's own: nothing was sent
    assert "Missing" in answer.text


async def test_the_timeline_shows_the_hook_and_the_instance_of_an_activity(furnished: World) -> None:
    shown = text_of(await (await _owner(furnished, "en")).get(f"/timeline?activity={furnished.ids['activity']}"))

    assert furnished.ids["member"] in shown
    assert "held by hold" in shown
    assert "is created and starts" in shown


async def test_a_whitelist_says_who_put_an_entry_there(furnished: World) -> None:
    browser = await furnished.user("grace", "AliyunKvstoreFullAccess")
    redis = furnished.ids["redis"]

    await browser.post(
        "/call/R-kvstore/ModifySecurityIps", InstanceId=redis, SecurityIps="10.9.8.7", ModifyMode="Append"
    )
    page = text_of(await browser.get(f"/redis/{redis}"))

    assert re.search(r"10\.9\.8\.7 .*user/grace", page)


async def test_a_scheduled_task_is_made_and_changed_in_the_readers_own_time(furnished: World) -> None:
    browser, group = await _owner(furnished, "en"), furnished.ids["group"]
    browser.client.cookies.set(f"tidegate_zone_{browser.client.base_url.port}", "Asia%2FShanghai")
    day = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}"

    await browser.post(
        "/call/ess/CreateScheduledTask",
        **{
            "moment:LaunchTime": f"{day}T20:30",
            "ScheduledTaskName": "evening",
            "ScalingGroupId": group,
            "MaxValue": "2",
        },
    )
    shown = text_of(await browser.get(f"/ess/{group}?tab=tasks"))
    (task,) = (await furnished.call("ess", "DescribeScheduledTasks", ScheduledTaskNames=["evening"]))["ScheduledTasks"][
        "ScheduledTask"
    ]
    form = await browser.get(f"/ess/{group}/task?task={task['ScheduledTaskId']}")
    browser.client.cookies.delete(f"tidegate_zone_{browser.client.base_url.port}")

    assert task["LaunchTime"] == f"{day}T12:30Z"
    assert f"most instances 2 {day} 20:30 once" in shown
    assert f'name="moment:LaunchTime" required value="{day}T20:30"' in form.text


async def test_the_whitelist_of_a_sibling_is_edited_as_a_difference(furnished: World) -> None:
    browser = await _owner(furnished, "en")
    vswitch = (await furnished.call("ecs", "DescribeVSwitches"))["VSwitches"]["VSwitch"][0]["VSwitchId"]

    for kind, product, word in (
        ("polardb", "polardb", "DBCluster"),
        ("mongodb", "dds", "DBInstance"),
        ("analyticdb", "adb", "DBCluster"),
        ("rds", "rds", "DBInstance"),
    ):
        made = await browser.post(
            f"/call/{product}/Create{word}",
            VSwitchId=vswitch,
            **{f"{word}Description": "sib"},
            next=f"/console/databases/{kind}/{{{word}Id}}",
        )
        assert re.search(r"<h1>\s*sib", made.text), kind
        address = made.url.path.removeprefix("/console")
        await browser.post(f"{address}/whitelist", group="default", was="127.0.0.1", entries="10.0.0.8\n10.0.0.9")
        await browser.post(f"{address}/whitelist", group="default", was="10.0.0.8", entries="")

        shown = text_of(await browser.get(address))

        assert "10.0.0.9" in shown.partition("Whitelist group default")[2].partition("Edit")[2].partition("Entries")[0]
        assert "10.0.0.8" not in shown


async def test_an_alarm_task_is_made_shown_changed_and_removed(furnished: World) -> None:
    browser, group = await _owner(furnished, "en"), furnished.ids["group"]
    form = {"Name": "hot", "MetricName": "CpuUtilization", "Statistics": "Maximum", "ComparisonOperator": ">"}

    await browser.post(
        "/call/ess/CreateAlarm",
        ScalingGroupId=group,
        Threshold="81.5",
        Period="60",
        EvaluationCount="2",
        **{"list:AlarmActions": furnished.ids["rule"], **form},
    )
    shown = text_of(await browser.get(f"/ess/{group}?tab=tasks"))
    alarms = (await furnished.call("ess", "DescribeAlarms", ScalingGroupId=group))["AlarmList"]["Alarm"]
    (alarm,) = [one for one in alarms if one["Name"] == "hot"]
    edit = (await browser.get(f"/ess/{group}/alarm?alarm={alarm['AlarmTaskId']}")).text
    await browser.post("/call/ess/DeleteAlarm", AlarmTaskId=alarm["AlarmTaskId"])

    assert "CpuUtilization Maximum > 81.5 2 times in a row, each 60 s Add1" in shown
    assert '<option value="Maximum" selected>' in edit
    assert f'<option value="{furnished.ids["rule"]}" selected>Add1' in edit
    assert "hot" not in text_of(await browser.get(f"/ess/{group}?tab=tasks"))


async def test_a_load_balancer_gets_a_listener_and_a_server_by_forms(furnished: World) -> None:
    browser, ids = await _owner(furnished, "en"), furnished.ids
    page = (await browser.get(f"/slb/{ids['balancer']}")).text
    choice = re.search(rf"<option value='([^']*{ids['member']}[^']*)'", page)
    assert choice is not None

    await browser.post(
        "/call/slb/CreateLoadBalancerTCPListener",
        LoadBalancerId=ids["balancer"],
        ListenerPort="81",
        BackendServerPort="8080",
        Bandwidth="-1",
    )
    await browser.post(
        "/call/slb/AddBackendServers", LoadBalancerId=ids["balancer"], BackendServers=html.unescape(choice[1])
    )
    shown = text_of(await browser.get(f"/slb/{ids['balancer']}"))

    group = {"ScalingGroupId": ids["group"], "list:LoadBalancers": ids["balancer"]}
    await browser.post("/call/ess/AttachLoadBalancers", **group, ForceAttach="false")
    attached = text_of(await browser.get(f"/ess/{ids['group']}"))
    await browser.post("/call/ess/DetachLoadBalancers", **group, ForceDetach="false")

    assert f"front {ids['balancer']}" in attached.partition("Load balancers")[2]
    assert "stands behind no load balancer" in text_of(await browser.get(f"/ess/{ids['group']}"))
    assert re.search(r"81 TCP Start Stop Delete", shown)
    assert re.search(rf"{ids['member']} 100 ", shown)


async def test_what_a_group_tells_a_queue_can_be_read_there(furnished: World) -> None:
    browser = await _owner(furnished, "en")
    body = base64.b64encode(json.dumps({"said": NASTY}).encode()).decode()

    await browser.post("/call/mns/SendMessage", QueueName="told", MessageBody=body)
    page = await browser.get("/mns/queues/told")

    assert dangers(page.text) == []
    assert '"said"' in text_of(page)


async def test_a_step_rule_is_made_from_rows_and_shows_its_steps(furnished: World) -> None:
    browser, group = await _owner(furnished, "en"), furnished.ids["group"]

    made = await browser.post(
        "/call/ess/CreateScalingRule",
        **{
            "ScalingGroupId": group,
            "ScalingRuleType": "StepScalingRule",
            "ScalingRuleName": "steps",
            "AdjustmentType": "QuantityChangeInCapacity",
            "rows:StepAdjustments:0:MetricIntervalLowerBound": "0",
            "rows:StepAdjustments:0:MetricIntervalUpperBound": "10",
            "rows:StepAdjustments:0:ScalingAdjustment": "1",
            "rows:StepAdjustments:1:MetricIntervalLowerBound": "10",
            "rows:StepAdjustments:1:MetricIntervalUpperBound": "",
            "rows:StepAdjustments:1:ScalingAdjustment": "2",
            "rows:StepAdjustments:2:ScalingAdjustment": "",
            "next": f"/console/ess/{group}?tab=rules",
        },
    )

    for kind in ("TargetTracking", "Predictive"):
        await browser.post(
            "/call/ess/CreateScalingRule",
            ScalingGroupId=group,
            ScalingRuleType=f"{kind}ScalingRule",
            ScalingRuleName=kind,
            MetricName="CpuUtilization",
            TargetValue="42.5",
            InitialMaxSize="3" if kind == "Predictive" else "",
        )
    rules = text_of(await browser.get(f"/ess/{group}?tab=rules"))

    assert rules.count("CpuUtilization → 42.5") == 2
    assert "Step rule" in text_of(made) or "StepScalingRule" in text_of(made)
    assert re.search(r"0(\.0)? … 10(\.0)? → \+1 10(\.0)? … ∞ → \+2", text_of(made))


async def test_a_redis_page_shows_who_tried_to_connect_and_which_instance_that_is(furnished: World) -> None:
    ids, gate = furnished.ids, furnished.cloud.world.gate
    assert isinstance(gate, MemoryGate)
    found = await furnished.call("ecs", "DescribeInstances", InstanceIds=json.dumps([ids["member"]]))
    (address,) = found["Instances"]["Instance"][0]["VpcAttributes"]["PrivateIpAddress"]["IpAddress"]
    await furnished.call("R-kvstore", "ModifySecurityIps", InstanceId=ids["redis"], SecurityIps="10.7.7.7")
    assert gate.connect(ids["redis"], "10.7.7.7")
    assert [gate.connect(ids["redis"], address) for _ in range(3)] == [False] * 3

    shown = text_of(await (await _owner(furnished, "en")).get(f"/redis/{ids['redis']}"))

    assert "1 accepted 3 refused" in shown
    assert re.search(rf"{re.escape(address)} {ids['member']} — — — 3 ", shown)
    assert "why not on the whitelist?" in shown
    why = text_of(await (await _owner(furnished, "en")).get(f"/why?redis={ids['redis']}&instance={ids['member']}"))
    assert "It tried to connect: accepted 0 times, refused 3 times." in why


async def test_a_whitelist_edited_by_hand_keeps_what_a_hook_added_meanwhile(furnished: World) -> None:
    browser, redis = await _owner(furnished, "en"), furnished.ids["redis"]

    async def change(entries: str, mode: str) -> None:
        await furnished.call(
            "R-kvstore",
            "ModifySecurityIps",
            InstanceId=redis,
            SecurityIps=entries,
            SecurityIpGroupName="edited",
            ModifyMode=mode,
        )

    await change("10.1.0.1,10.1.0.2", "Cover")
    await change("10.1.0.9", "Append")
    await browser.post(
        f"/redis/{redis}/whitelist", group="edited", was="10.1.0.1\n10.1.0.2", entries="10.1.0.2\n 10.1.0.3\n"
    )

    groups = (await furnished.call("R-kvstore", "DescribeSecurityIps", InstanceId=redis))["SecurityIpGroups"]
    (kept,) = [one for one in groups["SecurityIpGroup"] if one["SecurityIpGroupName"] == "edited"]
    assert sorted(kept["SecurityIpList"].split(",")) == ["10.1.0.2", "10.1.0.3", "10.1.0.9"]


async def test_why_an_instance_is_not_on_a_whitelist_names_the_missing_hook(furnished: World) -> None:
    ids = furnished.ids
    shown = text_of(await (await _owner(furnished, "en")).get(f"/why?redis={ids['redis']}&instance={ids['member']}"))

    assert "No entry of the whitelist covers it." in shown
    assert "No scale-out hook of the group runs a template for this Redis instance." in shown


async def test_why_an_instance_is_on_a_whitelist_names_the_entry_and_its_author(furnished: World) -> None:
    ids = furnished.ids
    await furnished.call("R-kvstore", "ModifySecurityIps", InstanceId=ids["redis"], SecurityIps="172.16.0.0/16")

    shown = text_of(await (await _owner(furnished, "en")).get(f"/why?redis={ids['redis']}&instance={ids['member']}"))

    assert "Entry 172.16.0.0/16 of group default lets it in." in shown
    assert ":root" in shown


async def test_the_editor_says_what_is_wrong_line_by_line(furnished: World) -> None:
    browser = await _owner(furnished, "en")

    wrong = await browser.post("/oos/check", Content="FormatVersion: OOS-2019-06-01\nTasks: 1\nMore: 2\n")
    right = await browser.post(
        "/oos/check", Content=(await furnished.call("oos", "GetTemplate", TemplateName=TEMPLATE))["Content"]
    )

    assert re.findall(r'data-line="(\d+)" data-column="(\d+)" data-severity="error"', wrong.text)[0] == ("2", "8")
    assert 'data-line="3"' in wrong.text
    assert "The template is valid." in right.text


async def test_a_failed_execution_names_cause_and_cure(furnished: World) -> None:
    made = await furnished.call(
        "oos",
        "StartExecution",
        TemplateName=TEMPLATE,
        Parameters={
            "dbInstanceId": furnished.ids["redis"],
            "modifyMode": "Append",
            "regionId": "cn-hangzhou",
            "instanceIds": [furnished.ids["member"]],
            "lifecycleHookId": "ash-0",
            "lifecycleActionToken": "0",
        },
    )
    execution = made["Execution"]["ExecutionId"]
    assert (await until(lambda: _ended(furnished, execution))) == "Failed"

    shown = text_of(await (await _owner(furnished, "en")).get(f"/oos/executions/{execution}"))

    async def judged() -> bool:
        timeline = text_of(await (await _owner(furnished, "en")).get(f"/timeline?execution={execution}"))
        return (
            re.search(r"RAM no policy speaks of it ecs:DescribeInstances · acs:ecs:\S+ .*Implicit", timeline)
            is not None
        )

    await until(judged)  # decisions are written down a moment later
    assert "The role that the execution acts under may not make this call." in shown
    assert "Attach a policy that allows the action to the role" in shown


async def test_a_secret_is_shown_once_and_works(furnished: World) -> None:
    browser = await _owner(furnished, "en")
    await furnished.call("ram", "CreateUser", UserName="heidi")

    made = await browser.post("/ram/users/heidi/keys")
    key, secret = re.findall(r'<dd class="id">([^<]+)</dd>', made.text)
    again = await browser.get("/ram/users/heidi")

    assert secret not in again.text
    assert key in again.text
    assert (await furnished.browser().sign_in(key, secret)).url.path == "/console/overview"


async def test_the_simulator_names_the_policy_and_statement_that_decide(furnished: World) -> None:
    browser = await _owner(furnished, "en")
    await furnished.call("ram", "AttachPolicyToUser", PolicyType="Custom", PolicyName="own", UserName="eve")

    denied = text_of(await browser.get("/ram/simulator?who=users/eve&action=ecs:StopInstance"))
    allowed = text_of(await browser.get("/ram/simulator?who=users/eve&action=ecs:DescribeInstances"))
    silent = text_of(await browser.get("/ram/simulator?who=users/eve&action=oos:StartExecution"))

    assert "No, it may not." in denied
    assert "Statement 2 of this policy decides: own" in denied
    assert "Yes, it may." in allowed
    assert "Statement 1 of this policy decides: own" in allowed
    assert "what is not allowed is denied" in silent


async def test_the_simulator_tells_nothing_to_who_may_not_see_the_policies(furnished: World) -> None:
    shown = text_of(await (await _nobody(furnished)).get("/ram/simulator?who=users/eve&action=ecs:StopInstance"))

    assert "may not." not in shown
    assert "ram:GetUser" in shown


async def test_a_policy_that_is_being_written_is_checked(furnished: World) -> None:
    browser = await _owner(furnished, "en")
    statement = '{"Version": "1", "Statement": [{"Effect": "%s", "Action": "ecs:*", "Resource": "*"}]}'

    broken = await browser.post("/ram/check", PolicyDocument='{"Version": "1",\n  oops}')
    wrong = await browser.post("/ram/check", PolicyDocument=statement % "Perhaps")
    right = await browser.post("/ram/check", PolicyDocument=statement % "Allow")
    trust = await browser.post("/ram/check", AssumeRolePolicyDocument=statement % "Allow")

    assert 'data-line="2" data-column="3"' in broken.text
    assert "Statement[0].Effect" in wrong.text
    assert 'data-line="1"' in wrong.text
    assert "The policy is valid." in right.text
    assert "lacks Principal" in trust.text


async def test_a_command_run_on_an_instance_shows_what_it_printed(furnished: World) -> None:
    browser = await _owner(furnished, "en")
    address = f"/ecs/{furnished.ids['member']}"

    await browser.post(
        "/call/ecs/RunCommand",
        **{"Type": "RunShellScript", "ContentEncoding": "PlainText", "lines:InstanceId": furnished.ids["member"]},
        CommandContent=f"echo {NASTY}",
        next=f"/console{address}",
    )
    page = await browser.get(address)

    assert dangers(page.text) == []
    assert "echo" in text_of(page)


async def test_an_execution_that_waits_is_approved_by_a_button(furnished: World) -> None:
    browser = await _owner(furnished, "en")
    content = """
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: ask
    Action: ACS::Approve
    Properties:
      Approvers: [grant]
      NotifyType: WebHook
      WebHook: {URI: "http://127.0.0.1:9/", Headers: {}, Content: {}}
"""
    approver = await furnished.user("grant", "AliyunOOSFullAccess")
    made = await furnished.call("oos", "StartExecution", TemplateContent=content)
    execution = made["Execution"]["ExecutionId"]

    async def status() -> str:
        return (await furnished.call("oos", "ListExecutions", ExecutionId=execution))["Executions"][0]["Status"]

    async def waits() -> bool:
        return await status() == "Waiting"

    await until(waits)
    shown = text_of(await browser.get(f"/oos/executions/{execution}"))
    await approver.post("/call/oos/NotifyExecution", ExecutionId=execution, NotifyType="Approve")

    assert "It waits for an approval" in shown
    assert "Approve" in shown
    assert "Try the task again" not in shown
    assert await until(lambda: _ended(furnished, execution)) == "Success"


async def test_a_failed_task_that_waits_is_tried_again_or_skipped_by_a_button(furnished: World) -> None:
    browser = await _owner(furnished, "en")
    content = """
FormatVersion: OOS-2019-06-01
Tasks:
  - Name: fail
    Action: ACS::ExecuteAPI
    Properties: {Service: ESS, API: DescribeScalingGroups, Parameters: {PageSize: 5000}}
"""
    made = await furnished.call("oos", "StartExecution", TemplateContent=content, Mode="FailurePause")
    execution = made["Execution"]["ExecutionId"]

    async def waits() -> bool:
        found = (await furnished.call("oos", "ListExecutions", ExecutionId=execution))["Executions"][0]
        return bool(found["Status"] == "Waiting")

    await until(waits)
    shown = text_of(await browser.get(f"/oos/executions/{execution}"))
    await browser.post("/call/oos/NotifyExecution", ExecutionId=execution, NotifyType="SkipTask")

    assert "A task failed and it waits" in shown
    assert "Try the task again" in shown
    assert "Reject" not in shown
    assert await until(lambda: _ended(furnished, execution)) == "Success"
    advanced = text_of(await browser.get(f"/oos/executions/{execution}?tab=advanced"))
    assert "ESS DescribeScalingGroups" in advanced
    assert "Skipped" in advanced


async def test_a_template_starts_with_parameters_of_every_type(furnished: World) -> None:
    browser = await _owner(furnished, "en")
    kinds = {
        "text": {"Type": "String", "MaxLength": 9},
        "number": {"Type": "Number", "MinValue": 1, "MaxValue": 5},
        "truth": {"Type": "Boolean", "Default": True},
        "words": {"Type": "List"},
        "tree": {"Type": "Json", "Default": {"a": 1}},
        "one": {"Type": "String", "AllowedValues": ["x", "y"]},
        "machines": {"Type": "List", "AssociationProperty": "ALIYUN::ECS::Instance::InstanceId"},
        "filled": {"Type": "String", "Default": "${regionId}"},
        "secret": {"Type": "String", "NoEcho": True, "Default": ""},
    }
    task = {"Name": "sleep", "Action": "ACS::Sleep", "Properties": {"Duration": "PT1S"}}
    content = json.dumps({"FormatVersion": "OOS-2019-06-01", "Parameters": kinds, "Tasks": [task]})
    await furnished.call("oos", "CreateTemplate", TemplateName="every-type", Content=content)

    page = (await browser.get("/oos/templates/every-type")).text
    member = furnished.ids["member"]
    await browser.post(
        "/call/oos/StartExecution",
        **{
            "TemplateName": "every-type",
            "json:Parameters:text:String": "hello",
            "json:Parameters:number:Number": "2.5",
            "json:Parameters:truth:Boolean": "false",
            "json:Parameters:words:List": "a\nb\n",
            "json:Parameters:tree:Json": '{"b": [2]}',
            "json:Parameters:one:String": "y",
            "json:Parameters:machines:Choices": member,
        },
    )

    for shape in (
        'type="number" step="any" name="json:Parameters:number:Number" value="" min="1" max="5" required',
        'name="json:Parameters:text:String" value="" maxlength="9"',
        f'name="json:Parameters:machines:Choices" multiple size="1" required><option value="{member}"',
        'name="json:Parameters:secret:String" value="" type="password"',
    ):
        assert shape in page, shape
    assert page.index('class="filled"') < page.index("json:Parameters:filled:String")
    (made,) = (await furnished.call("oos", "ListExecutions", TemplateName="every-type"))["Executions"]
    assert made["Parameters"] == {
        "text": "hello",
        "number": 2.5,
        "truth": False,
        "words": ["a", "b"],
        "tree": {"b": [2]},
        "one": "y",
        "machines": [member],
        "filled": "${regionId}",
        "secret": "",
    } | {key: made["Parameters"][key] for key in ("secret",)}


async def test_lists_that_are_paged_by_tokens_are_walked_to_the_end_and_back(furnished: World) -> None:
    browser = await _owner(furnished, "en")
    for number in range(2):
        await furnished.call("oos", "StartExecution", TemplateName="biting", Description=str(number))
    for _ in range(40):
        await furnished.call("oos", "StartExecution", TemplateName="biting")

    seen, address = [], "/oos/executions?template=biting"
    while address:
        page = (await browser.get(address)).text
        seen.append(re.findall(r"/console/oos/executions/(exec-[a-z0-9]+)", page))
        found = re.search(r'href="/console([^"]+)" rel="next"', page)
        address = html.unescape(found[1]) if found else ""
    back = []
    while found := re.search(r'href="/console([^"]+)" rel="prev"', page):
        page = (await browser.get(html.unescape(found[1]))).text
        back.append(re.findall(r"/console/oos/executions/(exec-[a-z0-9]+)", page))

    assert len(seen) == 3
    assert back == seen[-2::-1]


async def _ended(world: World, execution: str) -> str | None:
    found = (await world.call("oos", "ListExecutions", ExecutionId=execution))["Executions"][0]
    return found["Status"] if found.get("EndDate") else None


async def _owner(world: World, language: str) -> Browser:
    for browser in world.browsers:
        if getattr(browser, "owns", "") == language:
            return browser
    made = await world.owner(language)
    made.owns = language  # type: ignore[attr-defined]
    return made


async def _nobody(world: World) -> Browser:
    for browser in world.browsers:
        if getattr(browser, "owns", "") == "nothing":
            return browser
    made = await world.user("nobody")
    made.owns = "nothing"  # type: ignore[attr-defined]
    return made
