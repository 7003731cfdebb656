"""The page about leading runbooks does what it says, on a real ``tidegate up`` with a world outside."""

from __future__ import annotations

import json
import re
import shlex
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from string import Template
from typing import Any

import pytest
from typer.testing import CliRunner

from support.runbook_server import eventually
from support.running import ROOT, RunningCloud
from tidegate.cli.app import app

PAGES = ROOT / "docs" / "how-to"
PAGE = "lead-runbooks.md"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (PAGES / page).read_text(encoding="utf-8"), re.DOTALL)


class World(ThreadingHTTPServer):
    """Takes messages, and answers calls in ROA style."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.template = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, World)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append((self.command, self.path, headers, body))
        content = self.server.template if self.path.endswith(".yml") else b'{"task_id": "T-1"}'
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self.do_POST()

    def do_PUT(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    made = World()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture(scope="module")
def running(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    options = ("--runbook-endpoint", f"{world.url}/hooks", "--roa-endpoint", f"cs={world.url}")
    folder = tmp_path_factory.mktemp("page") / "cloud"
    with RunningCloud(folder, "--hosts", "memory", "--gate", "memory", *options) as made:
        yield made


@pytest.fixture
def call(running: RunningCloud, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in running.variables.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> dict[str, Any]:
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, (words, done.output, done.exception)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


def shown(call: Any, execution_id: str) -> dict[str, Any]:
    found: dict[str, Any] = call("call", "oos", "ListExecutions", "--ExecutionId", execution_id)["Executions"][0]
    return found


def ended(call: Any, execution_id: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        one = shown(call, execution_id)
        return one if one["Status"] in ("Success", "Failed", "Cancelled") else None

    found: dict[str, Any] = eventually(look, "the end")
    return found


def test_the_page_works(call: Any, world: World) -> None:
    [content] = blocks(PAGE, "yaml")
    known = {"CONTENT": content.replace("http://127.0.0.1:8099", world.url)}
    start, answer = blocks(PAGE, "console")

    def run(block: str) -> dict[str, Any]:
        said: dict[str, Any] = {}
        for line in block.splitlines():
            dollar, program, *words = shlex.split(line)
            assert (dollar, program) == ("$", "tidegate")
            said = call(*(Template(word).substitute(known) for word in words))
        return said

    known["EXECUTION"] = run(start)["Execution"]["ExecutionId"]
    eventually(lambda: shown(call, known["EXECUTION"])["WaitingStatus"] == "RiskConfirm", "the question")
    run(answer)

    assert ended(call, known["EXECUTION"])["Status"] == "Success"
    [(method, path, _, body)] = world.seen
    text = json.loads(body)["text"]["content"]
    assert (method, path) == ("POST", "/hooks/ops")
    assert re.fullmatch(rf"about to delete vpc-\w+\nhttp://\S+/console/oos/executions/{known['EXECUTION']}", text)


def test_a_stopped_instance_fires_a_trigger_and_an_alarm_reads_the_monitor(call: Any) -> None:
    def start(trigger: dict[str, Any]) -> str:
        rest = {"Name": "look", "Action": "ACS::ExecuteAPI", "Properties": {"Service": "ecs", "API": "DescribeRegions"}}
        content = {
            "FormatVersion": "OOS-2019-06-01",
            "RamRole": "",
            "Tasks": [{"Name": "begin", **trigger, "Outputs": {"id": {"ValueSelector": ".content.resourceId"}}}, rest],
            "Outputs": {"id": {"Type": "String", "Value": "{{ begin.id }}"}},
        }
        started = call("call", "oos", "StartExecution", "--TemplateContent", json.dumps(content))
        execution_id: str = started["Execution"]["ExecutionId"]
        eventually(lambda: shown(call, execution_id)["WaitingStatus"] == "Trigger", "the trigger")
        return execution_id

    stopped = {"Product": "ECS", "Name": ["Instance:StateChange"], "Content": {"state": ["Stopped"]}}
    event = start({"Action": "ACS::EventTrigger", "Properties": stopped})
    alarm = {
        "Namespace": "acs_ecs_dashboard",
        "MetricName": "CPUUtilization",
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 99,
        "Resources": [],
    }
    watch = start({"Action": "ACS::AlarmTrigger", "Properties": alarm})
    vpc = call("call", "vpc", "CreateVpc", "--CidrBlock", "172.30.0.0/16")["VpcId"]
    words = ("--VpcId", vpc, "--CidrBlock", "172.30.0.0/24", "--ZoneId", "cn-hangzhou-h")
    vswitch = call("call", "vpc", "CreateVSwitch", *words)["VSwitchId"]
    group = call("call", "ecs", "CreateSecurityGroup", "--VpcId", vpc)["SecurityGroupId"]
    words = ("--VSwitchId", vswitch, "--SecurityGroupId", group, "--InstanceType", "ecs.g6.large")
    image = call("call", "ecs", "DescribeImages")["Images"]["Image"][0]["ImageId"]
    made = call("call", "ecs", "RunInstances", *words, "--ImageId", image)
    [instance] = made["InstanceIdSets"]["InstanceIdSet"]

    def status() -> str:
        found = call("call", "ecs", "DescribeInstances", "--InstanceIds", json.dumps([instance]))
        return str(found["Instances"]["Instance"][0]["Status"])

    eventually(lambda: status() == "Running", "the instance")
    call("call", "ecs", "StopInstance", "--InstanceId", instance)

    fired = eventually(lambda: shown(call, event).get("LastSuccessfulTriggerTime") and shown(call, event), "the firing")
    assert json.loads(fired["LastTriggerOutputs"]) == {"id": instance}
    assert shown(call, watch)["Status"] == "Waiting"
    for execution_id in (event, watch):
        call("call", "oos", "CancelExecution", "--ExecutionId", execution_id)
        assert ended(call, execution_id)["Status"] == "Cancelled"


def test_both_languages_show_the_same() -> None:
    for language in ("console", "yaml", "bash"):
        assert blocks(PAGE, language) == blocks(PAGE.replace(".md", ".zh-CN.md"), language)


def test_a_template_is_started_from_an_address(call: Any, world: World) -> None:
    world.template = (
        b"FormatVersion: OOS-2019-06-01\nTasks: [{Name: a, Action: 'ACS::Pause', When: false}]\nRamRole: ''\n"
    )

    started = call("call", "oos", "StartExecution", "--TemplateURL", f"{world.url}/hooks/t.yml")
    shown_tasks = call("call", "oos", "ValidateTemplateContent", "--TemplateURL", f"{world.url}/hooks/t.yml")["Tasks"]

    assert ended(call, started["Execution"]["ExecutionId"])["Status"] == "Success"
    assert [task["Name"] for task in shown_tasks] == ["a"]


def test_requests_and_roa_calls_leave_and_others_do_not(call: Any, world: World) -> None:
    world.seen.clear()
    content = {
        "FormatVersion": "OOS-2019-06-01",
        "RamRole": "",
        "Tasks": [
            {
                "Name": "ask",
                "Action": "ACS::ExecuteHttpRequest",
                "Properties": {"URL": f"{world.url}/hooks/ask", "Body": {"a": 1}},
                "Outputs": {"id": {"ValueSelector": ".task_id"}},
            },
            {
                "Name": "scale",
                "Action": "ACS::ExecuteAPI",
                "Properties": {
                    "Service": "CS",
                    "API": "ScaleOutCluster",
                    "Method": "PUT",
                    "URI": "/clusters/{{ ask.id }}",
                    "Body": {"count": 2},
                },
            },
            {"Name": "astray", "Action": "ACS::ExecuteHttpRequest", "Properties": {"URL": f"{world.url}/admin"}},
        ],
    }

    started = call("call", "oos", "StartExecution", "--TemplateContent", json.dumps(content))
    end = ended(call, started["Execution"]["ExecutionId"])

    assert "/admin may not be reached; start the cloud with --runbook-endpoint" in end["StatusMessage"]
    assert [(method, path, body) for method, path, _, body in world.seen] == [
        ("POST", "/hooks/ask", b'{"a":1}'),
        ("PUT", "/clusters/T-1", b'{"count":2}'),
    ]
    assert world.seen[1][2]["authorization"].startswith("ACS3-HMAC-SHA256 Credential=")
