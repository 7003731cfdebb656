"""The official Python SDK of OOS, unmodified, on every operation; runbooks that act under their role."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.runbook_server import Served, eventually
from support.templates import call, write

GAUGES = write(
    Description={"en": "Reads gauges and opens a gate."},
    Parameters={
        "gauges": {"Type": "List", "Default": ["g-1", "g-2"]},
        "pin": {"Type": "String", "NoEcho": True, "Default": "s3cr3t"},
        "role": {"Type": "String", "Default": "OOSServiceRole"},
    },
    RamRole="{{ role }}",
    Tasks=[
        call(
            "read",
            Properties={
                "Service": "TIDE",
                "API": "describegauges",
                "Parameters": {"GaugeIds": "{{ gauges }}", "Note": "{{ pin }}"},
            },
            Outputs={"ids": {"Type": "List", "ValueSelector": "Gauges.Gauge[].GaugeId"}},
        ),
        call(
            "open",
            Properties={
                "Service": "Tide",
                "API": "OpenGate",
                "Parameters": {"GateId": {"Fn::Join": ["+", "{{ read.ids }}"]}},
            },
            Outputs={"gate": {"ValueSelector": ".GateId"}},
        ),
    ],
    Outputs={"gate": {"Type": "String", "Value": "{{ open.gate }}"}},
)


def models() -> Any:
    from alibabacloud_oos20190601 import models

    return models


def config(served: Served, key: tuple[str, str]) -> Any:
    from alibabacloud_tea_openapi.utils_models import Config

    return Config(
        access_key_id=key[0],
        access_key_secret=key[1],
        region_id="cn-hangzhou",
        endpoint=served.endpoint,
        protocol="http",
    )


@pytest.fixture
def client(served: Served) -> Any:
    from alibabacloud_oos20190601.client import Client

    return Client(config(served, served.root))


@pytest.fixture
def ram(served: Served) -> Any:
    from alibabacloud_ram20150501.client import Client

    return Client(config(served, served.root))


def refusal(call: Any) -> Any:
    from alibabacloud_tea_openapi.exceptions import ClientException

    with pytest.raises(ClientException) as raised:
        call()
    return raised.value


def finish(client: Any, execution_id: str) -> Any:
    """Wait for the end of an execution and return it as ListExecutions shows it."""

    def ended() -> Any:
        listed = client.list_executions(models().ListExecutionsRequest(execution_id=execution_id)).body
        return listed.executions[0] if listed.executions[0].status in ("Success", "Failed", "Cancelled") else None

    return eventually(ended, f"the end of {execution_id}")


def grant(ram: Any, name: str, *actions: str) -> None:
    """Let OOSServiceRole do more."""
    from alibabacloud_ram20150501 import models as ram_models

    document = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
    ram.create_policy(ram_models.CreatePolicyRequest(policy_name=name, policy_document=json.dumps(document)))
    ram.attach_policy_to_role(
        ram_models.AttachPolicyToRoleRequest(policy_type="Custom", policy_name=name, role_name="OOSServiceRole")
    )


def test_a_template_lives_from_its_creation_to_its_deletion(client: Any) -> None:
    made = client.create_template(
        models().CreateTemplateRequest(
            template_name="gauges", content=GAUGES, tags={"team": "tide"}, version_name="first"
        )
    ).body
    assert (made.template.template_version, made.template_type) == ("v1", "Automation")
    assert made.template.tags == {"team": "tide"}
    assert made.template.template_id.startswith("t-")
    again = refusal(
        lambda: client.create_template(models().CreateTemplateRequest(template_name="gauges", content=GAUGES))
    )
    assert (again.code, again.status_code) == ("EntityAlreadyExists.Template", 409)

    same = client.update_template(models().UpdateTemplateRequest(template_name="gauges", content=GAUGES)).body
    assert same.template.template_version == "v1"
    changed = client.update_template(
        models().UpdateTemplateRequest(template_name="gauges", content=GAUGES + "# more\n", version_name="second")
    ).body
    assert changed.template.template_version == "v2"
    assert changed.template.hash != made.template.hash

    first = client.get_template(models().GetTemplateRequest(template_name="gauges", template_version="v1")).body
    assert first.content == GAUGES
    assert first.template.version_name == "first"
    versions = client.list_template_versions(models().ListTemplateVersionsRequest(template_name="gauges")).body
    assert [(each.template_version, each.version_name) for each in versions.template_versions] == [
        ("v2", "second"),
        ("v1", "first"),
    ]
    listed = client.list_templates(models().ListTemplatesRequest(share_type="Private", tags={"team": "tide"})).body
    assert [each.template_name for each in listed.templates] == ["gauges"]

    client.delete_template(models().DeleteTemplateRequest(template_name="gauges"))
    gone = refusal(lambda: client.get_template(models().GetTemplateRequest(template_name="gauges")))
    assert (gone.code, gone.status_code) == ("EntityNotExists.Template", 404)


def test_the_vendor_s_template_is_there_for_everybody_and_cannot_be_changed(client: Any) -> None:
    name = "ACS-ESS-LifeCycleModifyRedisIPWhitelist"
    listed = client.list_templates(models().ListTemplatesRequest(template_name="redisip", created_by="ACS")).body

    assert (name, "Public") in [(each.template_name, each.share_type) for each in listed.templates]
    assert all("redisip" in each.template_name.lower() for each in listed.templates)
    assert "dbInstanceId" in client.get_template(models().GetTemplateRequest(template_name=name)).body.content
    assert (
        refusal(lambda: client.delete_template(models().DeleteTemplateRequest(template_name=name))).code
        == "NoPermission"
    )
    taken = refusal(
        lambda: client.create_template(models().CreateTemplateRequest(template_name="ACS-Mine", content=GAUGES))
    )
    assert taken.code == "InvalidParameter"


def test_a_runbook_is_denied_until_its_role_may_do_what_it_does(client: Any, ram: Any, served: Served) -> None:
    client.create_template(models().CreateTemplateRequest(template_name="denied", content=GAUGES))
    start = models().StartExecutionRequest(template_name="denied", parameters=json.dumps({"gauges": ["g-7"]}))

    started = client.start_execution(start).body.execution
    assert started.status == "Started"
    assert json.loads(started.parameters) == {"gauges": ["g-7"], "pin": "******", "role": "OOSServiceRole"}
    denied = finish(client, started.execution_id)
    assert denied.status == "Failed"
    assert denied.status_message == (
        "Forbidden.RAM message: User not authorized to operate on the specified resource, or this API doesn't support RAM."
    )
    tasks = client.list_task_executions(models().ListTaskExecutionsRequest(execution_id=started.execution_id)).body
    assert [(task.task_name, task.status) for task in tasks.task_executions] == [("read", "Failed")]
    assert tasks.task_executions[0].status_message == denied.status_message

    grant(ram, "Tide", "tide:DescribeGauges", "tide:OpenGate")
    allowed = finish(client, client.start_execution(start).body.execution.execution_id)
    assert (allowed.status, json.loads(allowed.outputs)) == ("Success", {"gate": "g-7"})
    assert allowed.parameters == {"gauges": ["g-7"], "pin": "******", "role": "OOSServiceRole"}
    assert allowed.counters == {"Success": 2, "Total": 2}
    assert served.tide.opened[-1] == "g-7"

    tasks = client.list_task_executions(
        models().ListTaskExecutionsRequest(execution_id=allowed.execution_id, sort_order="Ascending")
    ).body.task_executions
    assert [task.task_execution_id for task in tasks] == [
        f"{allowed.execution_id}.t0001",
        f"{allowed.execution_id}.t0002",
    ]
    assert json.loads(tasks[0].properties)["Parameters"] == {"GaugeIds": ["g-7"], "Note": "******"}
    assert json.loads(tasks[1].outputs) == {"gate": "g-7"}
    logs = client.list_execution_logs(models().ListExecutionLogsRequest(execution_id=allowed.execution_id)).body
    messages = [line.message for line in logs.execution_logs]
    assert messages[0] == "The execution is started."
    assert messages[-1] == "The execution ended: Success."
    assert not any("s3cr3t" in message for message in messages)
    template = client.get_execution_template(
        models().GetExecutionTemplateRequest(execution_id=allowed.execution_id)
    ).body
    assert template.content == GAUGES

    client.delete_executions(models().DeleteExecutionsRequest(execution_ids=json.dumps([allowed.execution_id])))
    listed = client.list_executions(models().ListExecutionsRequest(execution_id=allowed.execution_id)).body
    assert listed.executions == []


def test_lists_are_cut_into_pages(client: Any) -> None:
    content = write(RamRole="", Tasks=[{"Name": "rest", "Action": "ACS::Sleep", "Properties": {"Duration": "1H"}}])
    started = {
        client.start_execution(
            models().StartExecutionRequest(template_content=content, description="paged")
        ).body.execution.execution_id
        for _ in range(5)
    }
    request = models().ListExecutionsRequest(max_results=2, description="paged")
    seen: list[str] = []
    while True:
        page = client.list_executions(request).body
        seen.extend(each.execution_id for each in page.executions)
        if not page.next_token:
            break
        assert page.total_count == 5
        request.next_token = page.next_token

    assert len(seen) == len(set(seen)) == 5
    assert set(seen) == started
    for execution_id in started:
        client.cancel_execution(models().CancelExecutionRequest(execution_id=execution_id))
    assert {finish(client, execution_id).status for execution_id in started} == {"Cancelled"}


def test_an_invalid_text_is_answered_with_every_problem(client: Any) -> None:
    error = refusal(
        lambda: client.validate_template_content(
            models().ValidateTemplateContentRequest(
                content="FormatVersion: OOS-2019-06-01\nTasks:\n- Name: a\n  Action: ACS::No\n"
            )
        )
    )
    assert error.code == "InvalidTemplate"
    assert "line 4, column 11: there is no action ACS::No [V4]" in error.message

    valid = client.validate_template_content(models().ValidateTemplateContentRequest(content=GAUGES)).body
    assert [(task.name, task.type) for task in valid.tasks] == [
        ("read", "ACS::ExecuteAPI"),
        ("open", "ACS::ExecuteAPI"),
    ]
    assert json.loads(valid.parameters)["gauges"]["Type"] == "List"
    assert valid.ram_role == "{{ role }}"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ("{", "InvalidParameter.Type"),
        ('{"other": 1}', "InvalidParameter.NotDeclared"),
        ('{"role": "Nobody"}', "AssumeRoleNotExist"),
    ],
)
def test_a_start_that_cannot_work_is_refused_at_once(client: Any, parameters: str, code: str) -> None:
    error = refusal(
        lambda: client.start_execution(models().StartExecutionRequest(template_content=GAUGES, parameters=parameters))
    )

    assert (error.code, error.status_code) == (code, 400)


def test_a_repeated_start_returns_the_first_execution(client: Any) -> None:
    request = models().StartExecutionRequest(template_content=GAUGES, client_token="once-1")

    first, second = (client.start_execution(request).body.execution.execution_id for _ in range(2))

    assert first == second
    request.parameters = '{"gauges": []}'
    assert refusal(lambda: client.start_execution(request)).code == "IdempotentParameterMismatch"


def test_the_policy_of_a_template_and_what_the_role_lacks(client: Any) -> None:
    body = client.generate_execution_policy(
        models().GenerateExecutionPolicyRequest(
            template_name="ACS-ESS-LifeCycleModifyRedisIPWhitelist", ram_role="OOSServiceRole"
        )
    ).body

    actions = ["ecs:DescribeInstances", "kvstore:ModifySecurityIps", "ess:CompleteLifecycleAction"]
    assert json.loads(body.policy)["Statement"][0]["Action"] == actions
    assert [each["Action"] for each in json.loads(body.missing_policy)] == actions


def test_a_user_needs_rights_on_the_template_the_executions_and_the_role(client: Any, ram: Any, served: Served) -> None:
    from alibabacloud_oos20190601.client import Client
    from alibabacloud_ram20150501 import models as ram_models

    client.create_template(models().CreateTemplateRequest(template_name="shared", content=GAUGES))
    ram.create_user(ram_models.CreateUserRequest(user_name="carla"))
    key = ram.create_access_key(ram_models.CreateAccessKeyRequest(user_name="carla")).body.access_key
    carla = Client(config(served, (key.access_key_id, key.access_key_secret)))

    def allow(name: str, *statements: tuple[str, str]) -> None:
        document = {
            "Version": "1",
            "Statement": [
                {"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in statements
            ],
        }
        ram.create_policy(ram_models.CreatePolicyRequest(policy_name=name, policy_document=json.dumps(document)))
        ram.attach_policy_to_user(
            ram_models.AttachPolicyToUserRequest(policy_type="Custom", policy_name=name, user_name="carla")
        )

    def start(name: str) -> Any:
        return carla.start_execution(models().StartExecutionRequest(template_name=name))

    assert refusal(lambda: start("shared")).code == "NoPermission"
    allow(
        "Start",
        ("oos:StartExecution", "acs:oos:*:*:template/shared"),
        ("oos:StartExecution", "acs:oos:*:*:execution/*"),
    )
    error = refusal(lambda: start("shared"))
    assert error.code == "NoPermission"
    assert "Action: ram:PassRole. Resource: acs:ram:*:" in error.message
    assert refusal(lambda: start("other")).code == "NoPermission"
    allow("Pass", ("ram:PassRole", f"acs:ram:*:{served.account}:role/oosservicerole"))
    assert start("shared").body.execution.executed_by == "carla"


def test_actions_and_regions_are_listed(client: Any) -> None:
    actions = client.list_actions(models().ListActionsRequest()).body.actions
    regions = client.describe_regions(models().DescribeRegionsRequest()).body.regions

    assert {each.oosaction_name for each in actions} >= {"ACS::ExecuteAPI", "ACS::WaitFor", "ACS::Sleep"}
    assert "cn-hangzhou" in {each.region_id for each in regions}


def test_a_loop_shows_its_items_and_a_person_lets_it_go_on(client: Any, served: Served) -> None:
    each = call(
        "each",
        Properties={"Service": "Tide", "API": "OpenGate", "Parameters": {"GateId": "{{ ACS::TaskLoopItem }}"}},
        Outputs={"gate": {"ValueSelector": ".GateId"}},
        Loop={
            "Items": ["a", "b"],
            "RateControl": {"Mode": "Batch", "Batch": [1], "BatchPauseOption": "EveryBatchPause"},
            "Outputs": {"gates": {"AggregateType": "Fn::ListJoin", "AggregateField": "gate"}},
        },
    )
    outputs = {"gates": {"Type": "List", "Value": "{{ each.gates }}"}}
    start = models().StartExecutionRequest(template_content=write(RamRole="", Tasks=[each], Outputs=outputs))
    execution_id = client.start_execution(start).body.execution.execution_id

    def listed(status: str) -> Any:
        request = models().ListExecutionsRequest(execution_id=execution_id, status=status)
        return (client.list_executions(request).body.executions or [None])[0]

    assert eventually(lambda: listed("Waiting"), "the pause").waiting_status == "BatchPause"
    client.notify_execution(
        models().NotifyExecutionRequest(execution_id=execution_id, notify_type="Approve", notify_note="go")
    )

    assert json.loads(eventually(lambda: listed("Success"), "the end").outputs) == {"gates": ["a", "b"]}
    items = client.list_task_executions(
        models().ListTaskExecutionsRequest(
            execution_id=execution_id, parent_task_execution_id=f"{execution_id}.t0001", sort_order="Ascending"
        )
    ).body.task_executions
    assert [(item.task_execution_id[-6:], item.loop_item, item.loop_batch_number) for item in items] == [
        (".i0001", "a", 1),
        (".i0002", "b", 2),
    ]
    refused = refusal(
        lambda: client.notify_execution(
            models().NotifyExecutionRequest(execution_id=execution_id, notify_type="Approve")
        )
    )
    assert refused.code == "OperationDenied.ExecutionStatus"
