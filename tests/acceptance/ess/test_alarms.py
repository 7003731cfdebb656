"""Alarm tasks through the official SDKs: a custom metric reported by CloudMonitor's own, tasks read by old clients."""

from __future__ import annotations

import json
import shlex
from string import Template
from typing import Any

from alibabacloud_cms20190101 import models as cms
from alibabacloud_ess20140828 import models as v14
from alibabacloud_ess20220222 import models as v22
from typer.testing import CliRunner

from support.running import ROOT, RunningCloud
from support.sdks import REGION, Sdks, eventually
from tidegate.cli.app import app

from .test_triggers import make_group, total


def make_rule(sdks: Sdks, group: str) -> str:
    rule: str = sdks.ess.create_scaling_rule(
        v22.CreateScalingRuleRequest(
            region_id=REGION, scaling_group_id=group, adjustment_type="TotalCapacity", adjustment_value=2
        )
    ).body.scaling_rule_ari
    return rule


def report(sdks: Sdks, value: float) -> None:
    one = cms.PutCustomMetricRequestMetricList(
        group_id="12",
        metric_name="queue",
        type="0",
        dimensions=json.dumps({"shop": "east"}),
        values=json.dumps({"value": value}),
    )
    assert sdks.cms.put_custom_metric(cms.PutCustomMetricRequest(metric_list=[one])).body.code == "200"


def test_a_metric_that_a_user_reports_scales_the_group(sdks: Sdks, cloud: RunningCloud) -> None:
    group = make_group(sdks)
    request = v22.CreateAlarmRequest(
        region_id=REGION,
        scaling_group_id=group,
        name="long-queue",
        metric_type="custom",
        metric_name="queue",
        group_id=12,
        dimensions=[v22.CreateAlarmRequestDimensions(dimension_key="shop", dimension_value="east")],
        threshold=100,
        period=60,
        evaluation_count=1,
        alarm_actions=[make_rule(sdks, group)],
    )
    task = sdks.ess.create_alarm(request).body.alarm_task_id

    report(sdks, 150)
    cloud.advance(64)

    eventually(lambda: total(sdks, group), lambda count: count == 2, "two members")
    account = sdks.sts.get_caller_identity().body.account_id
    query = cms.DescribeMetricListRequest(namespace=f"acs_customMetric_{account}", metric_name="queue", period="60")
    [point] = json.loads(sdks.cms.describe_metric_list(query).body.datapoints)
    assert (point["Average"], point["groupId"], point["dimension"]) == (150.0, "12", "shop=east")
    sdks.ess.disable_alarm(v22.DisableAlarmRequest(region_id=REGION, alarm_task_id=task))
    [seen] = sdks.ess.describe_alarms(v22.DescribeAlarmsRequest(region_id=REGION, alarm_task_id=task)).body.alarm_list
    assert (seen.name, seen.state, seen.enable, seen.metric_name) == ("long-queue", "INSUFFICIENT_DATA", False, "queue")


def test_the_sdk_of_cloudmonitor_reads_what_is_measured_and_what_was_reported(sdks: Sdks, cloud: RunningCloud) -> None:
    report(sdks, 1)
    event = cms.PutCustomEventRequestEventInfo(event_name="deploy", content="version 2")
    sdks.cms.put_custom_event(cms.PutCustomEventRequest(event_info=[event]))
    cloud.advance(1)

    metas = sdks.cms.describe_metric_meta_list(cms.DescribeMetricMetaListRequest(namespace="acs_ess_dashboard")).body
    projects = sdks.cms.describe_project_meta(cms.DescribeProjectMetaRequest()).body
    listed = sdks.cms.describe_custom_metric_list(cms.DescribeCustomMetricListRequest(metric_name="queue")).body
    events = sdks.cms.describe_custom_event_attribute(cms.DescribeCustomEventAttributeRequest(name="deploy")).body
    counts = sdks.cms.describe_custom_event_count(cms.DescribeCustomEventCountRequest()).body

    assert "CpuUtilization" in {one.metric_name for one in metas.resources.resource}
    assert {one.namespace for one in projects.resources.resource} == {"acs_ecs_dashboard", "acs_ess_dashboard"}
    assert [one["dimension"] for one in json.loads(listed.result)["list"]] == ["shop=east"]
    assert [one.content for one in events.custom_events.custom_event] == ["version 2"]
    assert [(one.name, one.num) for one in counts.custom_event_counts.custom_event_count] == [("deploy", 1)]


def test_the_old_sdk_and_libcloud_read_alarm_tasks_and_the_alarms_of_rules(sdks: Sdks, cloud: RunningCloud) -> None:
    group = make_group(sdks)
    rule = make_rule(sdks, group)
    task = sdks.ess2014.create_alarm(
        v14.CreateAlarmRequest(
            region_id=REGION,
            scaling_group_id=group,
            name="hot",
            metric_name="TcpConnection",
            threshold=80,
            dimension=[v14.CreateAlarmRequestDimension(dimension_key="state", dimension_value="ESTABLISHED")],
            alarm_action=[rule],
        )
    ).body.alarm_task_id

    listed = sdks.ess2014.describe_alarms(v14.DescribeAlarmsRequest(region_id=REGION, scaling_group_id=group)).body
    tree = libcloud(cloud, sdks, {"Action": "DescribeAlarms", "RegionId": REGION, "AlarmTaskId": task})

    [shown] = listed.alarm_list.alarm
    assert (shown.alarm_task_id, shown.period, shown.evaluation_count, shown.enable) == (task, 300, 3, True)
    assert shown.alarm_actions.alarm_action == [rule]
    assert {one.dimension_key for one in shown.dimensions.dimension} == {"user_id", "scaling_group", "state"}
    assert tree.tag == "DescribeAlarmsResponse"
    assert tree.findtext("AlarmList/Alarm/AlarmTaskId") == task
    assert tree.findtext("AlarmList/Alarm/AlarmActions/AlarmAction") == rule
    assert tree.findtext("AlarmList/Alarm/Threshold") in {"80", "80.0"}
    sdks.ess2014.delete_alarm(v14.DeleteAlarmRequest(region_id=REGION, alarm_task_id=task))


def commands(page: str) -> list[str]:
    lines = (ROOT / "docs" / "how-to" / page).read_text(encoding="utf-8").splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def test_the_commands_of_the_page_run_as_they_stand_there(sdks: Sdks, cloud: RunningCloud) -> None:
    group = make_group(sdks)
    rule = make_rule(sdks, group)
    page = commands("scale-on-load.md")

    for command in page:
        program, *words = shlex.split(Template(command).substitute(GROUP=group, RULE=rule))
        assert program == "tidegate"
        done = CliRunner().invoke(app, [*words, "--data-dir", str(cloud.folder)])
        assert done.exit_code == 0, (command, done.output)

    assert len(page) == 12
    assert page == commands("scale-on-load.zh-CN.md")


def libcloud(cloud: RunningCloud, sdks: Sdks, parameters: dict[str, str]) -> Any:
    """Ask as libcloud does, which signs the older way and reads XML."""
    from libcloud.common.aliyun import AliyunXmlResponse, SignedAliyunConnection

    class Response(AliyunXmlResponse):
        namespace = None

    class Connection(SignedAliyunConnection):
        api_version = version = "2014-08-28"
        responseCls = Response  # noqa: N815 - its name

    host, _, port = cloud.endpoint.partition(":")
    return Connection(sdks.key, sdks.secret, secure=False, host=host, port=int(port)).request("/", parameters).object
