"""Runbooks run offline: the cloud's own conductor and actions, answers from a file, time that passes at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.templates import call, vendor, write
from tidegate.errors import CloudError
from tidegate.rehearsal import Answers, Asked, RehearsalError, Report, rehearse
from tidegate.rehearsal.answers import make_answers
from tidegate.rehearsal.performance import Performance
from tidegate.rehearsal.stage import VirtualClock
from tidegate.services.oos.catalog import Catalog
from tidegate.services.oos.sandbox import Sandbox


async def play(template: str, answers: dict[str, Any] | None = None, **options: Any) -> Report:
    return await rehearse(template, make_answers({"Now": "2026-01-01T00:00:00Z", **(answers or {})}), **options)


async def nobody(_asked: Asked) -> None:
    return None


def act(name: str, action: str, **keys: Any) -> dict[str, Any]:
    return {"Name": name, "Action": action, **keys}


def select(**keys: Any) -> dict[str, Any]:
    return {name: {"ValueSelector": selector} for name, selector in keys.items()}


WHITELIST = {
    "Parameters": {
        "dbInstanceId": "r-1",
        "modifyMode": "Append",
        "regionId": "cn-hangzhou",
        "instanceIds": ["i-1"],
        "lifecycleHookId": "ash-1",
        "lifecycleActionToken": "TOKEN",
    },
    "ECS.DescribeInstances": {
        "Instances": {
            "Instance": [
                {
                    "VpcAttributes": {"PrivateIpAddress": {"IpAddress": ["10.0.0.1"]}},
                    "InnerIpAddress": {"IpAddress": []},
                }
            ]
        }
    },
    "R-KVSTORE.ModifySecurityIps": {},
    "ESS.CompleteLifecycleAction": {},
}


async def test_the_whitelist_template_runs_with_every_call_in_its_order() -> None:
    report = await play(vendor("ACS-ESS-LifeCycleModifyRedisIPWhitelist").text, WHITELIST)

    assert report.succeeded
    assert report.outputs == {"ipAddresses": ["10.0.0.1"]}
    assert [(each.operation, each.task) for each in report.calls] == [
        ("ECS.DescribeInstances", "getInstanceIpAddress"),
        ("R-KVSTORE.ModifySecurityIps", "modifySecurityIps"),
        ("ESS.CompleteLifecycleAction", "CompleteLifecycleActionForContinue"),
    ]
    assert report.calls[1].parameters == {
        "RegionId": "cn-hangzhou",
        "ModifyMode": "Append",
        "InstanceId": "r-1",
        "SecurityIps": "10.0.0.1",
    }
    assert report.unused == []


async def test_a_canned_error_leads_where_the_template_says() -> None:
    refused = {"Error": {"Code": "IncorrectDBInstanceState", "Message": "The instance is busy."}}

    report = await play(
        vendor("ACS-ESS-LifeCycleModifyRedisIPWhitelist").text, WHITELIST | {"R-KVSTORE.ModifySecurityIps": refused}
    )

    assert (report.status, report.message) == ("Failed", "IncorrectDBInstanceState message: The instance is busy.")
    assert report.calls_of("ess.completelifecycleaction")[0].parameters["LifecycleActionResult"] == "ABANDON"
    assert report.task("modifySecurityIps").status == "Failed"
    assert report.calls[1].error == "IncorrectDBInstanceState message: The instance is busy."


async def test_a_missing_answer_says_which_call_it_is_for_and_what_to_write() -> None:
    missing = {key: value for key, value in WHITELIST.items() if key != "ECS.DescribeInstances"}

    with pytest.raises(RehearsalError) as raised:
        await play(vendor("ACS-ESS-LifeCycleModifyRedisIPWhitelist").text, missing)

    told = str(raised.value)
    assert "the task getInstanceIpAddress calls ECS.DescribeInstances" in told
    assert '"InstanceIds":["i-1"]' in told
    assert "ECS.DescribeInstances:\n  Instances:\n    Instance:\n" in told


async def test_sleeps_and_polls_pass_at_once() -> None:
    wait = act(
        "wait",
        "ACS::WaitFor",
        Properties={"Service": "ECS", "API": "Ask", "PropertySelector": "State", "DesiredValues": ["Done"]},
        DelayType="Constant",
        Delay=60,
        Retries=5,
    )
    template = write(Tasks=[act("sleep", "ACS::Sleep", Properties={"Duration": "P1DT2H"}), wait])

    report = await play(template, {"ECS.Ask": [{"State": "Busy"}, {"State": "Busy"}, {"State": "Done"}]})

    assert report.succeeded
    assert report.seconds == 26 * 3600 + 2 * 60
    assert len(report.calls) == 3


async def test_a_loop_calls_in_the_order_of_its_items_and_shows_each_of_them() -> None:
    task = call(
        "each",
        Properties={"Service": "ECS", "API": "Stop", "Parameters": {"Id": "{{ ACS::TaskLoopItem }}"}},
        Outputs=select(id="Id"),
        Loop={
            "Items": "{{ ids }}",
            "RateControl": {"Mode": "Concurrency", "Concurrency": 5, "MaxErrors": 1},
            "Outputs": {"ids": {"AggregateType": "Fn::ListJoin", "AggregateField": "id"}},
        },
    )
    template = write(
        Parameters={"ids": {"Type": "List"}},
        Tasks=[task],
        Outputs={"ids": {"Type": "List", "Value": "{{ each.ids }}"}},
    )
    answers = {
        "ECS.Stop": [
            {"With": {"Id": "i-1"}, "Answer": {"Id": "one"}},
            {"With": {"Id": "i-2"}, "Error": {"Code": "Gone", "Message": "no such instance"}},
            {"Id": "other"},
        ]
    }

    report = await play(template, answers, parameters={"ids": ["i-1", "i-2", "i-3"]})

    assert report.succeeded
    assert report.outputs == {"ids": ["one", "other"]}
    assert [(item.item, item.status) for item in report.task("each").items] == [
        ("i-1", "Success"),
        ("i-2", "Failed"),
        ("i-3", "Success"),
    ]


async def test_the_tasks_of_a_loop_run_for_every_item() -> None:
    turn = call("measure", Outputs=select(found="Found"))
    turn["Properties"]["Parameters"] = {"Id": "{{ ACS::TaskLoopItem }}"}
    loop = act(
        "turns",
        "ACS::Loop",
        Properties={
            "LoopItems": ["a", "b"],
            "LoopTasks": [turn, act("rest", "ACS::Sleep", Properties={"Duration": "1M"})],
        },
        Outputs={"all": {"Type": "List", "ValueSelector": "{{ measure.found }}"}},
    )
    answers = {"tide.Ping": [{"With": {"Id": "a"}, "Answer": {"Found": 1}}, {"Found": 2}]}

    report = await play(write(Tasks=[loop], Outputs={"all": {"Type": "List", "Value": "{{ turns.all }}"}}), answers)

    assert (report.outputs, report.seconds) == ({"all": [1, 2]}, 120)
    assert [each.task for each in report.calls] == ["turns/measure", "turns/measure"]
    assert [[task.name for task in item.child] for item in report.task("turns").items] == [["measure", "rest"]] * 2


async def test_a_product_action_runs_as_a_child_whose_calls_are_the_child_s(tmp_path: Path) -> None:
    (tmp_path / "ACS::ECS::Tidy.yml").write_text(
        write(
            Parameters={"id": {"Type": "String"}},
            Tasks=[call("inside", Outputs=select(answer="Count"))],
            Outputs={"answer": {"Type": "String", "Value": "{{ inside.answer }}"}},
        )
    )
    template = write(
        Tasks=[act("tidy", "acs::ecs::tidy", Properties={"id": "i-1"}, Outputs=select(got="answer"))],
        Outputs={"got": {"Type": "String", "Value": "{{ tidy.got }}"}},
    )

    report = await play(template, {"tide.Ping": {"Count": 42}}, catalog=Catalog(folders=(tmp_path,)))

    assert report.outputs == {"got": 42}
    assert report.calls[0].task == "tidy/inside"
    assert [each.name for each in report.task("tidy").child] == ["inside"]


async def test_decisions_are_taken_in_turn_and_rejecting_cancels() -> None:
    approve = act("ask", "ACS::Approve", Properties={"NotifyType": "WebHook", "Approvers": ["alice", "bob"]})
    approve["Properties"]["MinRequiredApprovals"] = 2
    template = write(Tasks=[approve, act("pause", "ACS::Pause")])

    approved = await play(template, {"Decisions": ["Approve", {"Decision": "Approve", "By": "bob"}, "Approve"]})
    rejected = await play(template, {"Decisions": ["Approve", "Approve", "Reject"]})

    assert approved.path() == ["ask:Success", "pause:Success"]
    assert rejected.path() == ["ask:Success", "pause:Cancelled"]
    assert rejected.status == "Cancelled"


async def test_an_undecided_pause_says_what_to_add_unless_everything_is_approved() -> None:
    template = write(Tasks=[act("pause", "ACS::Pause")])

    with pytest.raises(RehearsalError, match="the task pause waits for people"):
        await play(template)
    assert (await play(template, approve=True)).succeeded


async def test_a_timer_fires_once_or_as_often_as_asked() -> None:
    timer = act(
        "timer",
        "ACS::TimerTrigger",
        Properties={"Type": "cron", "Expression": "0 0 12 ? * *", "EndDate": "2099-01-01T00:00:00Z"},
    )
    template = write(
        Tasks=[timer, call("work", Outputs=select(n="N"))], Outputs={"n": {"Type": "Number", "Value": "{{ work.n }}"}}
    )

    once = await play(template, {"tide.Ping": {"N": 1}})
    thrice = await play(
        template, {"tide.Ping": [{"N": 1}, {"N": 2}, {"Error": {"Code": "E", "Message": "m"}}]}, fires=3
    )

    assert (once.status, once.outputs, once.seconds) == ("Success", {"n": 1}, 12 * 3600)
    assert (thrice.status, thrice.message) == ("Failed", "E message: m")
    assert [[task.status for task in firing] for firing in thrice.firings] == [["Success"], ["Success"], ["Failed"]]


async def test_an_event_trigger_fires_for_every_message() -> None:
    trigger = act(
        "event",
        "ACS::EventTrigger",
        Properties={"Product": "ECS", "Name": ["Instance:StateChange"], "Level": ["INFO"]},
        Outputs=select(instance="content.resourceId"),
    )
    work = call("work")
    work["Properties"]["Parameters"] = {"Id": "{{ event.instance }}"}
    template = write(Tasks=[trigger, work])
    messages = [{"name": "Instance:StateChange", "content": {"resourceId": each}} for each in ("i-1", "i-2")]

    report = await play(template, {"tide.Ping": {}, "Messages": messages})

    assert [each.parameters for each in report.calls] == [{"Id": "i-1"}, {"Id": "i-2"}]
    assert report.succeeded
    with pytest.raises(RehearsalError, match="Messages:\\n- content:\\n    resourceId: ''"):
        await play(template, {"tide.Ping": {}})


async def test_an_alarm_trigger_fires_for_a_message_and_looks_in_vain_for_data() -> None:
    trigger = act(
        "alarm",
        "ACS::AlarmTrigger",
        Properties={
            "Namespace": "acs_ecs_dashboard",
            "MetricName": "CPUUtilization",
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 90,
            "Resources": [{"instanceId": "i-1"}],
        },
        Outputs=select(instance="instanceId"),
    )
    work = call("work")
    work["Properties"]["Parameters"] = {"Id": "{{ alarm.instance }}"}
    template = write(Tasks=[trigger, work])

    report = await play(template, {"tide.Ping": {}, "Messages": [{"instanceId": "i-1"}]})
    broken = await play(template, {"Cms.DescribeMetricList": {"Datapoints": "none"}, "Messages": [{}]})

    assert (report.status, report.calls_of("tide.Ping")[0].parameters) == ("Success", {"Id": "i-1"})
    assert broken.message == "the Datapoints of CPUUtilization are not the JSON text of a list"


async def test_a_timer_that_waits_for_people_does_not_fire_again() -> None:
    timer = act(
        "timer",
        "ACS::TimerTrigger",
        Properties={"Type": "rate", "Expression": "1 hour", "EndDate": "2099-01-01T00:00:00Z"},
    )

    report = await play(write(Tasks=[timer, act("pause", "ACS::Pause")]), {"Decisions": ["Approve"]})

    assert (report.status, report.seconds) == ("Success", 3600)


async def test_messages_need_no_answer_and_http_requests_and_roa_calls_have_their_own() -> None:
    notify = act(
        "tell",
        "ACS::Notify",
        Properties={
            "NotifyType": "WebHook",
            "WebHook": {"URI": "https://example.test/hook", "Content": {"text": "hi"}},
        },
    )
    http = act("http", "ACS::ExecuteHttpRequest", Properties={"URL": "https://example.test/a", "Method": "GET"})
    http["Outputs"] = select(n="N")
    nodes = call(
        "nodes",
        Properties={"Service": "CS", "API": "DescribeClusters", "Method": "GET", "URI": "/clusters"},
        Outputs={"ids": {"Type": "List", "ValueSelector": ".[].cluster_id"}},
    )

    report = await play(
        write(Tasks=[notify, http, nodes]),
        {"HTTP.GET": {"N": 3}, "CS.DescribeClusters": {"Answer": [{"cluster_id": "c-1"}]}},
    )

    assert report.succeeded, report.message
    assert (report.task("http").outputs, report.task("nodes").outputs) == ({"n": 3}, {"ids": ["c-1"]})
    assert [(each.operation, each.parameters) for each in report.calls] == [
        ("HTTP.POST", {"URL": "https://example.test/hook", "Body": {"text": "hi"}}),
        ("HTTP.GET", {"URL": "https://example.test/a"}),
        ("CS.DescribeClusters", {"Path": "GET /clusters"}),
    ]
    refused = {"HTTP.GET": {"Error": {"Code": "Gone", "Status": 410}}}
    assert (await play(write(Tasks=[http]), refused)).message == "https://example.test/a answered with the status 410."


async def test_parameter_store_is_part_of_the_answers_and_secrets_are_not_shown() -> None:
    task = call("t")
    task["Properties"]["Parameters"] = {"Port": "{{ oos:app/port }}", "Password": "{{ oos-secret:app/password }}"}
    template = write(Tasks=[task])

    report = await play(
        template, {"tide.Ping": {}, "Store": {"app/port": "6379"}, "Secrets": {"app/password": "Tide7"}}
    )

    assert report.calls[0].parameters == {"Port": "6379", "Password": "******"}
    assert "Tide7" not in report.as_json() + report.as_text()
    with pytest.raises(RehearsalError, match=r"app/port \}\} has no value"):
        await play(template, {"tide.Ping": {}})


async def test_values_without_echo_are_shown_nowhere() -> None:
    task = call("t", Outputs=select(echo="Echo"))
    task["Properties"]["Parameters"] = {"Password": "{{ password }}"}
    template = write(
        Parameters={"password": {"Type": "String", "NoEcho": True}},
        Tasks=[task],
        Outputs={"echo": {"Type": "String", "Value": "{{ t.echo }} {{ password }}"}},
    )

    report = await play(template, {"tide.Ping": {"Echo": "it is Tide7"}}, parameters={"password": "Tide7"})

    assert report.outputs == {"echo": "it is ****** ******"}
    assert "Tide7" not in report.as_json() + report.as_text()


async def test_a_clock_that_comes_back_early_is_asked_again() -> None:
    class EarlyClock(VirtualClock):
        async def wait_until(self, moment: datetime) -> None:
            left = moment - self.now()
            await super().wait_until(moment if left < timedelta(seconds=1) else self.now() + left / 2)

    programs = Sandbox()
    performance = Performance(
        Answers(), Catalog(), programs, approve=False, fires=1, otherwise=nobody, clock=EarlyClock()
    )

    report = await performance.give(write(Tasks=[act("rest", "ACS::Sleep", Properties={"Duration": "1H"})]), {})

    await programs.close()
    assert (report.status, report.seconds) == ("Success", 3600)


async def test_parameters_are_checked_as_the_cloud_does() -> None:
    with pytest.raises(CloudError, match="modifyMode"):
        await play(vendor("ACS-ESS-LifeCycleModifyRedisIPWhitelist").text, parameters={"dbInstanceId": "r-1"})


async def test_operations_that_nobody_called_are_reported() -> None:
    report = await play(write(), {"tide.Ping": {}, "ECS.StopInstance": {}})

    assert report.unused == ["ECS.StopInstance"]
    assert "never called: ECS.StopInstance" in report.as_text()


async def test_calls_without_an_answer_are_asked_of_somebody_else() -> None:
    asked: list[Asked] = []

    async def otherwise(call: Asked) -> dict[str, Any] | CloudError:
        asked.append(call)
        return CloudError("Gone", "no such thing") if call.parameters["Id"] == "i-2" else {"Id": call.parameters["Id"]}

    task = call(
        "each",
        Properties={"Service": "ECS", "API": "Stop", "Parameters": {"Id": "{{ ACS::TaskLoopItem }}"}},
        Loop={"Items": ["i-1", "i-2"], "RateControl": {"Mode": "Concurrency", "Concurrency": 2, "MaxErrors": 1}},
    )

    report = await play(write(Tasks=[task]), otherwise=otherwise)

    assert [item.status for item in report.task("each").items] == ["Success", "Failed"]
    assert [(each.operation, each.task.name, each.properties["Parameters"]) for each in asked] == [
        ("ECS.Stop", "each", {"Id": "i-1"}),
        ("ECS.Stop", "each", {"Id": "i-2"}),
    ]


async def test_selected_targets_stand_where_all_public_templates_look_for_them() -> None:
    select_databases = act(
        "select",
        "ACS::SelectTargets",
        Properties={"ResourceType": "ALIYUN::RDS::Instance", "Filters": [{"Type": "All"}]},
        Outputs={
            "ids": {"Type": "List", "ValueSelector": "Instances.Instance[].InstanceId"},
            "own": {"Type": "List", "ValueSelector": "Items.DBInstance[].DBInstanceId"},
        },
    )

    report = await play(
        write(Tasks=[select_databases]),
        {"RDS.DescribeDBInstances": {"Items": {"DBInstance": [{"DBInstanceId": "rm-1"}]}}},
    )

    assert report.task("select").outputs == {"ids": ["rm-1"], "own": ["rm-1"]}


async def test_a_list_handed_to_a_child_s_text_arrives_as_json(tmp_path: Path) -> None:
    (tmp_path / "ACS::OSS::Write.yml").write_text(
        write(
            Parameters={"text": {"Type": "String"}},
            Outputs={"text": {"Type": "String", "Value": "{{ text }}"}},
        )
    )
    template = write(Tasks=[act("w", "ACS::OSS::Write", Properties={"text": ["a", "b"]}, Outputs=select(got="text"))])

    report = await play(template, {"tide.Ping": {}}, catalog=Catalog(folders=(tmp_path,)))

    assert report.task("w").outputs == {"got": '["a","b"]'}
