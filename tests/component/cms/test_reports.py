"""Custom metrics and events: reported, listed, asked for."""

from __future__ import annotations

import json
from typing import Any

from component.cms.conftest import Watched
from support.ess import ACCOUNT

SPACE = f"acs_customMetric_{ACCOUNT}"


def report(value: float, **changes: Any) -> dict[str, Any]:
    return {
        "GroupId": "7",
        "MetricName": "queue",
        "Type": "0",
        "Dimensions": json.dumps({"shop": "b", "city": "a"}),
        "Values": json.dumps({"value": value}),
        **changes,
    }


async def put(watched: Watched, *reports: dict[str, Any]) -> dict[str, Any]:
    return await watched.call("PutCustomMetric", MetricList=list(reports))


async def custom(watched: Watched, **parameters: Any) -> list[Any]:
    return await watched.points("queue", Namespace=SPACE, **{"Period": 60, **parameters})


async def test_values_of_one_period_are_joined(watched: Watched) -> None:
    assert await put(watched, report(1), report(2)) == {"Code": "200", "Message": "success"}
    await put(watched, report(9))

    await watched.pass_periods(1, 60)

    [point] = await custom(watched)
    assert {name: point[name] for name in ("Average", "Minimum", "Maximum", "Sum", "SampleCount")} == {
        "Average": 4.0,
        "Minimum": 1.0,
        "Maximum": 9.0,
        "Sum": 12.0,
        "SampleCount": 3,
    }
    assert (point["groupId"], point["dimension"], point["userId"]) == ("7", "city=a&shop=b", ACCOUNT)


async def test_what_was_aggregated_already_keeps_its_numbers(watched: Watched) -> None:
    values = {"Average": 5, "Minimum": 2, "Maximum": 8, "SampleCount": 10}
    await put(watched, report(0, Type="1", Period="60", Values=json.dumps(values)))

    await watched.pass_periods(1, 60)

    [point] = await custom(watched)
    assert (point["Average"], point["Minimum"], point["Maximum"], point["SampleCount"]) == (5, 2, 8, 10)


async def test_a_metric_is_found_by_group_and_dimensions_and_by_its_owner_only(watched: Watched) -> None:
    await put(watched, report(1), report(2, GroupId="8"), report(3, Dimensions='{"city":"x"}'))
    await watched.pass_periods(1, 60)

    by_group = await custom(watched, Dimensions='[{"groupId":"8"}]')
    by_words = await custom(watched, Dimensions='[{"city":"a","shop":"b","groupId":"7"}]')
    by_text = await custom(watched, Dimensions='[{"groupId":"7","dimension":"city=x"}]')

    assert [point["Average"] for point in by_group] == [2.0]
    assert [point["Average"] for point in by_words] == [1.0]
    assert [point["Average"] for point in by_text] == [3.0]
    assert len(await custom(watched)) == 3
    assert await watched.refused("DescribeMetricList", Namespace=SPACE, MetricName="queue", account="9") == (
        "ResourceNotFound"
    )


async def test_reported_metrics_are_listed(watched: Watched) -> None:
    await put(watched, report(1), report(2), report(2, MetricName="depth"))

    answer = await watched.call("DescribeCustomMetricList", GroupId="7", MetricName="queue")
    nobody = await watched.call("DescribeCustomMetricList", account="9")

    result = json.loads(answer["Result"])
    [one] = result["list"]
    assert result["all"] == 1
    assert (one["metricName"], one["groupId"], one["dimension"]) == ("queue", "7", "city=a&shop=b")
    again = await watched.call("DescribeCustomMetricList", Md5=one["md5"])
    assert json.loads(again["Result"])["list"] == [one]
    assert json.loads(nobody["Result"])["list"] == []


async def test_reports_that_make_no_sense_are_refused_and_nothing_of_them_is_kept(watched: Watched) -> None:
    for wrong in (
        {"Values": "{}"},
        {"Values": '{"value":"many"}'},
        {"Type": "2"},
        {"Type": "1", "Values": '{"Average":1}'},
        {"Type": "1", "Period": "60", "Values": '{"Maximum":1}'},
        {"Time": "soon"},
        {"Time": "1"},
        {"Dimensions": "x"},
    ):
        code = await watched.refused("PutCustomMetric", MetricList=[report(1), report(1, **wrong)])
        assert code == "ParameterInvalid", wrong
    assert await watched.refused("PutCustomMetric", MetricList=[report(1)] * 22) == "ParameterInvalid"
    assert json.loads((await watched.call("DescribeCustomMetricList"))["Result"])["all"] == 0


async def test_events_are_kept_and_counted(watched: Watched) -> None:
    events = [
        {"EventName": "deploy", "Content": "version 1"},
        {"EventName": "deploy", "Content": "version 2"},
        {"EventName": "alert", "Content": "too hot", "GroupId": "7"},
    ]
    await watched.call("PutCustomEvent", EventInfo=events)
    await watched.world.advance(seconds=1)

    listed = await watched.call("DescribeCustomEventAttribute", Name="deploy")
    found = await watched.call("DescribeCustomEventAttribute", SearchKeywords="hot")
    counted = await watched.call("DescribeCustomEventCount")

    assert [one["Content"] for one in listed["CustomEvents"]["CustomEvent"]] == ["version 2", "version 1"]
    assert [one["GroupId"] for one in found["CustomEvents"]["CustomEvent"]] == ["7"]
    counts = {one["Name"]: one["Num"] for one in counted["CustomEventCounts"]["CustomEventCount"]}
    assert counts == {"alert": 1, "deploy": 2}
