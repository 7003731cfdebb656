"""What runbooks send to the world: messages, HTTP requests, calls in ROA style (oos.md 5.1, 5.6, 5.7, 5.12)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.runbooks import REGION, ROOT, Runbooks
from support.templates import write
from tidegate.cloud.outside import OutsideError, Reply
from tidegate.errors import CloudError


def runbook(action: str, outputs: Any = None, **properties: Any) -> str:
    task = {"Name": "only", "Action": action, "Properties": properties, "Outputs": outputs or {}}
    return write(
        RamRole="",
        Tasks=[task],
        Outputs={name: {"Type": "Json", "Value": f"{{{{ only.{name} }}}}"} for name in outputs or {}},
    )


def message(content: Any, url: str = "https://allowed/robot?access_token=s3cr3t") -> dict[str, Any]:
    return {"NotifyType": "WebHook", "WebHook": {"URI": url, "Headers": {"X-Team": 7}, "Content": content}}


OK = Reply(status=200, body=b"{}")


@pytest.mark.parametrize(
    ("content", "with_link", "sent"),
    [
        ({"msgtype": "text", "text": {"content": "hi"}}, False, {"msgtype": "text", "text": {"content": "hi"}}),
        ({"text": {"content": "hi"}}, True, {"text": {"content": "hi\nLINK"}}),
        ({"markdown": {"text": "hi", "title": "t"}}, "true", {"markdown": {"text": "hi\n\nLINK", "title": "t"}}),
        ({"a": 1}, True, {"a": 1, "ExecutionLink": "LINK"}),
    ],
)
async def test_a_message_is_posted_as_json(runbooks: Runbooks, content: Any, with_link: Any, sent: Any) -> None:
    runbooks.outside.replies = [OK]

    execution = await runbooks.run(runbook("ACS::Notify", **message(content), AppendExecutionLink=with_link))

    assert execution.status == "Success"
    (request,) = runbooks.outside.sent
    assert (request.method, request.headers["x-team"]) == ("POST", "7")
    text = request.body.decode().replace(f"http://console/{execution.id}", "LINK")
    assert json.loads(text) == sent
    assert "s3cr3t" not in "".join(line.message for line in await runbooks.log(execution.id))


@pytest.mark.parametrize(
    ("properties", "reply", "complaint"),
    [
        (message({}), Reply(status=500, body=b""), "https://allowed/robot answered with the status 500"),
        (message({}), OutsideError("it is silent"), "it is silent"),
        (message({}, "http://elsewhere/"), OK, "may not be reached"),
        ({"NotifyType": "Mail", "Mail": {"Host": "mail"}}, OK, "the NotifyType Mail are not sent"),
        ({"NotifyType": "EventBridge"}, OK, "the NotifyType EventBridge are not sent"),
        ({"NotifyType": "WebHook", "WebHook": {"Content": {}}}, OK, "needs a URI"),
    ],
)
async def test_a_message_that_is_not_taken_fails_the_task(
    runbooks: Runbooks, properties: dict[str, Any], reply: Any, complaint: str
) -> None:
    runbooks.outside.replies = [reply]

    execution = await runbooks.run(runbook("ACS::Notify", **properties))

    assert execution.status == "Failed"
    assert complaint in execution.status_message


async def test_approvers_are_told_once_with_a_link(runbooks: Runbooks) -> None:
    runbooks.outside.replies = [OK]
    properties = message({"text": {"content": "please"}})
    execution = await runbooks.run(runbook("ACS::Approve", **properties, MinRequiredApprovals=2, Approvers=[]))
    assert execution.waiting == "Approve"

    await runbooks.driver.advance(hours=1)

    (request,) = runbooks.outside.sent
    assert execution.id in request.body.decode()


@pytest.mark.parametrize("properties", [message({}, "http://elsewhere/"), {"NotifyType": "Mail", "Mail": {}}])
async def test_without_a_way_to_tell_people_an_approval_still_waits(
    runbooks: Runbooks, properties: dict[str, Any]
) -> None:
    execution = await runbooks.run(runbook("ACS::Approve", **properties))
    assert execution.waiting == "Approve"
    assert any("Nobody is told" in line.message for line in await runbooks.log(execution.id))

    await runbooks.oos.notifying.notify(ROOT, REGION, execution.id, "Approve")
    await runbooks.driver.settle()

    assert (await runbooks.find(execution.id)).status == "Success"


async def test_a_request_is_sent_and_its_answer_selected(runbooks: Runbooks) -> None:
    runbooks.outside.replies = [Reply(status=200, body=b'{"level": 5}')]
    content = runbook(
        "ACS::ExecuteHttpRequest",
        {"level": {"ValueSelector": ".level"}},
        URL="https://allowed/gauges",
        Query={"a": 1, "b": None, "c": "x y"},
        Body={"open": True},
        CheckFor={"Rules": [{"PropertySelector": "level", "Operator": "In", "Value": [4, 5]}]},
    )

    execution = await runbooks.run(content)

    assert (execution.status, execution.outputs) == ("Success", {"level": 5})
    (request,) = runbooks.outside.sent
    assert (request.method, request.url) == ("POST", "https://allowed/gauges?a=1&c=x+y")
    assert request.body == b'{"open":true}'


async def test_a_request_is_repeated_until_its_rules_hold(runbooks: Runbooks) -> None:
    runbooks.outside.replies = [
        Reply(status=503, body=b""),
        OutsideError("it is silent"),
        Reply(status=200, body=b'{"state": "busy"}'),
        Reply(status=200, body=b'{"state": "ready"}'),
    ]
    wait = {
        "Rules": [
            {"PropertySelector": ".state", "Operator": "NotIn", "Value": ["busy"]},
            {"PropertySelector": ".state", "Operator": "Equals", "Value": "ready"},
        ],
        "DelayType": "Constant",
        "Delay": 5,
    }

    execution = await runbooks.run(
        runbook("ACS::ExecuteHttpRequest", URL="https://allowed/x", Method="get", WaitFor=wait)
    )
    for _ in range(3):
        assert (await runbooks.find(execution.id)).status == "Running"
        await runbooks.driver.advance(seconds=5.1)

    assert (await runbooks.find(execution.id)).status == "Success"
    assert len(runbooks.outside.sent) == 4


@pytest.mark.parametrize(
    ("properties", "complaint"),
    [
        ({"URL": "https://elsewhere/"}, "may not be reached"),
        ({"URL": "https://allowed/", "Method": "DELETE"}, "POST or GET"),
        ({"URL": "https://allowed/", "CheckFor": {"Rules": [{"PropertySelector": "."}]}}, "CheckFor must hold Rules"),
        (
            {
                "URL": "https://allowed/",
                "CheckFor": {"Rules": [{"PropertySelector": ".", "Operator": "Less", "Value": 1}]},
            },
            "Operator of a rule",
        ),
        (
            {
                "URL": "https://allowed/",
                "CheckFor": {"Rules": [{"PropertySelector": ".", "Operator": "Equals", "Value": 1}]},
            },
            'The selected value is "text"',
        ),
        ({"URL": ""}, "URL must be a text"),
        ({"URL": "https://allowed/", "Query": [1]}, "Query must be a map"),
    ],
)
async def test_a_request_that_is_wrong_or_refused_fails(
    runbooks: Runbooks, properties: dict[str, Any], complaint: str
) -> None:
    runbooks.outside.replies = [Reply(status=200, body=b"text")]

    execution = await runbooks.run(runbook("ACS::ExecuteHttpRequest", **properties))

    assert execution.status == "Failed"
    assert complaint in execution.status_message


async def test_a_call_in_roa_style_has_a_method_a_path_and_a_body(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"CS.ScaleCluster": {"task_id": "T-1"}}
    content = runbook(
        "ACS::ExecuteAPI",
        {"id": {"ValueSelector": "task_id"}},
        Service="CS",
        API="ScaleCluster",
        Method="PUT",
        URI="/clusters/c-1?force",
        Headers=None,
        Body={"count": 3},
        Parameters={"RegionId": "cn-beijing", "ids": ["a"], "dry": True, "none": None},
    )

    execution = await runbooks.run(content)

    assert execution.outputs == {"id": "T-1"}
    (called,) = runbooks.cloud.calls
    assert called.region == "cn-beijing"
    assert called.parameters == {
        "method": "PUT",
        "path": "/clusters/c-1",
        "query": {"force": "", "ids.1": "a", "dry": "true"},
        "headers": {},
        "body": '{"count":3}',
    }


async def test_an_error_of_a_call_in_roa_style_fails_the_task(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"CS.DeleteCluster": CloudError("ErrorClusterNotFound", "No such cluster.", 404)}

    execution = await runbooks.run(
        runbook("ACS::ExecuteAPI", Service="CS", API="DeleteCluster", Method="DELETE", URI="/clusters/c-1")
    )

    assert execution.status_message == "ErrorClusterNotFound message: No such cluster."


async def test_a_template_is_read_from_an_address_that_is_allowed(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    runbooks.outside.replies = [
        Reply(status=200, body=write(RamRole="").encode()),
        Reply(status=404, body=b""),
        Reply(status=200, body=b"\xff"),
    ]
    urls = ["https://allowed/t.yml", "https://allowed/t.yml?token=s3cr3t", "https://allowed/x", "http://elsewhere/"]

    executions = [await runbooks.run(runbook("ACS::Template", TemplateURL=url)) for url in urls]

    assert executions[0].status == "Success"
    messages = [execution.status_message for execution in executions[1:]]
    assert "https://allowed/t.yml answered with the status 404" in messages[0]
    assert "The template cannot be read" in messages[1]
    assert "may not be reached" in messages[2]
    assert "s3cr3t" not in str(messages)


async def test_a_code_repository_is_refused_with_words(runbooks: Runbooks) -> None:
    execution = await runbooks.run(runbook("ACS::GitCodeRepo", Platform="github", Owner="o", Repository="r"))

    assert "not authorized by github" in execution.status_message
