"""Executions from start to end: control flow, waits, failures, cancelling, parameters, secrets."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from support.runbooks import ACCOUNT, REGION, ROOT, Runbooks
from tidegate.errors import CloudError
from tidegate.services.operation import Principal
from tidegate.store import events

ALICE = Principal(kind="RAMUser", account_id=ACCOUNT, id="2", name="alice")


def template(*tasks: str, head: str = "", outputs: str = "") -> str:
    parts = ["FormatVersion: OOS-2019-06-01\nRamRole: ''\n", head, "Tasks:\n", *tasks, outputs]
    return "".join(textwrap.dedent(part).lstrip("\n") for part in parts)


def call(name: str, api: str = "Ping", **extra: str) -> str:
    lines = [
        f"- Name: {name}",
        "  Action: ACS::ExecuteAPI",
        "  Properties:",
        "    Service: tide",
        f"    API: {api}",
        *(f"  {key}: {value}" for key, value in extra.items()),
    ]
    return "\n".join(lines) + "\n"


BROKEN = CloudError("Tide.Broken", "It is broken.")


async def test_tasks_run_in_order_with_the_rights_of_the_caller_when_no_role_is_named(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}

    execution = await runbooks.run(template(call("one"), call("two")), principal=ALICE)

    assert execution.status == "Success"
    assert execution.executed_by == "alice"
    assert [seen.principal for seen in runbooks.cloud.calls] == [ALICE, ALICE]


async def test_a_template_without_a_role_acts_as_the_service_role(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    content = template(call("one")).replace("RamRole: ''\n", "")

    execution = await runbooks.run(content)

    assert execution.ram_role == "OOSServiceRole"
    assert runbooks.cloud.calls[0].principal.name == "OOSServiceRole"


async def test_a_user_who_may_not_pass_the_role_is_refused(runbooks: Runbooks) -> None:
    with pytest.raises(CloudError) as raised:
        await runbooks.start(template(call("one")).replace("''", "OOSServiceRole"), principal=ALICE)

    assert (raised.value.code, raised.value.status) == ("NoPermission", 403)
    assert "ram:PassRole" in raised.value.message


async def test_a_failure_without_on_error_ends_the_execution_and_names_the_error(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": BROKEN}

    execution = await runbooks.run(template(call("one"), call("two")))

    assert (execution.status, execution.status_message) == ("Failed", "Tide.Broken message: It is broken.")
    assert await runbooks.path(execution.id) == ["one:Failed"]
    assert execution.ended_at is not None


async def test_the_message_of_the_first_failure_is_visible_while_later_tasks_run(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": BROKEN}
    content = template(
        call("one", OnError="rest"),
        """
        - Name: rest
          Action: ACS::Sleep
          Properties: {Duration: 1M}
        """,
    )

    execution = await runbooks.run(content)

    assert (execution.status, execution.status_message) == ("Running", "Tide.Broken message: It is broken.")
    await runbooks.driver.advance(minutes=1)
    assert (await runbooks.find(execution.id)).status == "Failed"


async def test_a_skipped_task_goes_on_with_the_next_and_its_jump_is_not_taken(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    content = template(call("skipped", When="false", OnSuccess="last"), call("middle"), call("last"))

    execution = await runbooks.run(content)

    assert await runbooks.path(execution.id) == ["skipped:Skipped", "middle:Success", "last:Success"]


async def test_a_choice_takes_the_first_condition_that_holds(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    choice = """
        - Name: choose
          Action: ACS::Choice
          Properties:
            DefaultTask: ACS::END
            Choices:
              - When: {'Fn::Equals': ['{{ wanted }}', other]}
                NextTask: first
              - When: {'Fn::Equals': ['{{ wanted }}', second]}
                NextTask: second
        """
    head = "Parameters: {wanted: {Type: String}}\n"
    content = template(choice, call("first"), call("second"), head=head)

    chosen = await runbooks.run(content, parameters={"wanted": "second"})
    neither = await runbooks.run(content, parameters={"wanted": "none"})

    assert await runbooks.path(chosen.id) == ["choose:Success", "second:Success"]
    assert await runbooks.path(neither.id) == ["choose:Success"]


async def test_jumps_backward_end_at_the_limit_of_task_starts(runbooks: Runbooks, monkeypatch: Any) -> None:
    monkeypatch.setattr("tidegate.services.oos.limits.TASK_STARTS", 5)
    runbooks.cloud.replies = {"tide.Ping": {}}

    execution = await runbooks.run(template(call("a"), call("b", OnSuccess="a")))

    assert execution.status == "Failed"
    assert "more than 5 tasks" in execution.status_message
    assert len(runbooks.cloud.calls) == 5


async def test_sleep_waits_as_a_row_and_survives_a_new_node(runbooks: Runbooks) -> None:
    content = template(
        """
        - Name: rest
          Action: ACS::Sleep
          Properties: {Duration: PT6H}
        """
    )

    execution = await runbooks.run(content)
    assert execution.status == "Running"
    await runbooks.driver.advance(hours=5, minutes=59)
    assert (await runbooks.find(execution.id)).status == "Running"
    await runbooks.driver.advance(minutes=2)

    assert (await runbooks.find(execution.id)).status == "Success"


async def test_wait_for_asks_again_until_the_value_is_desired(runbooks: Runbooks) -> None:
    busy, ready = {"Things": [{"State": "Busy"}]}, {"Things": [{"State": "Ready", "Id": "t-1"}]}
    runbooks.cloud.replies = {"tide.Look": [busy, CloudError("Tide.Busy", "Later."), ready]}
    content = template(
        """
        - Name: wait
          Action: ACS::WaitFor
          Retries: 3
          DelayType: Constant
          Delay: 20
          Properties:
            Service: tide
            API: Look
            PropertySelector: Things[].State
            DesiredValues: [Ready]
          Outputs: {id: {ValueSelector: '.Things[0].Id'}}
        """,
        outputs="Outputs: {id: {Type: String, Value: '{{ wait.id }}'}}\n",
    )

    execution = await runbooks.run(content)
    assert len(runbooks.cloud.calls) == 1
    await runbooks.driver.advance(seconds=21)
    assert len(runbooks.cloud.calls) == 2
    await runbooks.driver.advance(seconds=21)

    execution = await runbooks.find(execution.id)
    assert (execution.status, execution.outputs) == ("Success", {"id": "t-1"})


async def test_wait_for_gives_up_after_its_retries_and_says_what_it_saw(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Look": {"State": "Busy"}}
    content = template(
        """
        - Name: wait
          Action: ACS::WaitFor
          Retries: 2
          Properties: {Service: tide, API: Look, PropertySelector: State, DesiredValues: [Ready]}
        """
    )

    execution = await runbooks.run(content)
    await runbooks.driver.advance(seconds=2.1)
    await runbooks.driver.advance(seconds=4.1)

    execution = await runbooks.find(execution.id)
    assert execution.status == "Failed"
    assert execution.status_message == 'The selected value is "Busy", desired is one of ["Ready"].'
    assert len(runbooks.cloud.calls) == 3


async def test_wait_for_stops_at_once_at_a_stop_value(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Look": {"State": "Broken"}}
    content = template(
        """
        - Name: wait
          Action: ACS::WaitFor
          Properties:
            {Service: tide, API: Look, PropertySelector: State, DesiredValues: [Ready], StopRetryValues: [Broken]}
        """
    )

    assert (await runbooks.run(content)).status == "Failed"


async def test_check_for_sees_an_error_as_data(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Look": BROKEN}
    content = template(
        """
        - Name: tolerate
          Action: ACS::CheckFor
          Properties:
            {Service: tide, API: Look, PropertySelector: .Code | tostring, DesiredValues: [Tide.Broken, 'null']}
        """
    )

    assert (await runbooks.run(content)).status == "Success"


async def test_a_throttled_call_is_tried_again_with_the_same_token(runbooks: Runbooks) -> None:
    throttled = CloudError("Throttling.User", "Request was denied due to user flow control.")
    runbooks.cloud.replies = {"tide.Change": [throttled, throttled, {}]}

    execution = await runbooks.run(template(call("one", "Change")))
    assert execution.status == "Running"
    await runbooks.driver.advance(seconds=1.1)
    await runbooks.driver.advance(seconds=2.1)

    assert (await runbooks.find(execution.id)).status == "Success"
    assert {seen.parameters["ClientToken"] for seen in runbooks.cloud.calls} == {f"{execution.id}:t0001"}


async def test_all_pages_of_a_list_are_merged(runbooks: Runbooks) -> None:
    things = [{"Id": f"t-{number}"} for number in range(25)]

    def look(parameters: Any) -> Any:
        number, size = parameters.get("PageNumber", 1), 10
        page = things[(number - 1) * size : number * size]
        return {"TotalCount": 25, "PageNumber": number, "PageSize": size, "Things": {"Thing": page}}

    runbooks.cloud.replies = {"tide.DescribeThings": look}
    head = call("look", "DescribeThings", Outputs="{ids: {Type: List, ValueSelector: 'Things.Thing[].Id'}}")
    outputs = "Outputs: {ids: {Type: List, Value: '{{ look.ids }}'}}\n"

    execution = await runbooks.run(template(head, outputs=outputs))

    assert execution.outputs == {"ids": [f"t-{number}" for number in range(25)]}
    assert len(runbooks.cloud.calls) == 3


async def test_null_parameters_are_not_sent_and_falsy_ones_are(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Change": {}}
    content = template(
        """
        - Name: one
          Action: ACS::ExecuteAPI
          Properties:
            Service: tide
            API: Change
            Parameters:
              Dropped: {'Fn::If': ['{{ wide }}', x, null]}
              Zero: 0
              No: false
              Note: 'id={{ ACS::AccountId }} {{ numbers }}'
        """,
        head="Parameters: {wide: {Type: Boolean, Default: false}, numbers: {Type: List, Default: [1, 2]}}\n",
    )

    await runbooks.run(content)

    sent = dict(runbooks.cloud.calls[0].parameters)
    sent.pop("ClientToken")
    assert sent == {"Zero": 0, "No": False, "Note": f"id={ACCOUNT} [1,2]"}


async def test_what_a_value_contains_is_never_evaluated_again(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Look": {"Text": "{{ secret }} {{ ACS::AccountId }}"}, "tide.Change": {}}
    content = template(
        call("look", "Look", Outputs="{text: {ValueSelector: .Text}}"),
        """
        - Name: change
          Action: ACS::ExecuteAPI
          Properties:
            Service: tide
            API: Change
            Parameters: {Note: 'got {{ look.text }} and {{ given }}', Joined: {'Fn::Join': ['', ['{{ look.text }}']]}}
        """,
        head="Parameters: {secret: {Type: String, Default: hidden}, given: {Type: String}}\n",
    )

    await runbooks.run(content, parameters={"given": "{{oos-secret:x}}"})

    sent = runbooks.cloud.calls[1].parameters
    assert sent["Note"] == "got {{ secret }} {{ ACS::AccountId }} and {{oos-secret:x}}"
    assert sent["Joined"] == "{{ secret }} {{ ACS::AccountId }}"


async def test_secrets_are_kept_out_of_logs_and_messages_but_are_sent(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Change": CloudError("Tide.Bad", "The password s3cr3t-value is too short.")}
    content = template(
        """
        - Name: one
          Action: ACS::ExecuteAPI
          Properties: {Service: tide, API: Change, Parameters: {Password: '{{ password }}'}}
        """,
        head="Parameters: {password: {Type: String, NoEcho: true}}\n",
    )

    execution = await runbooks.run(content, parameters={"password": "s3cr3t-value"})

    assert runbooks.cloud.calls[0].parameters["Password"] == "s3cr3t-value"
    assert execution.status_message == "Tide.Bad message: The password ****** is too short."
    assert not any("s3cr3t-value" in line.message for line in await runbooks.log(execution.id))


async def test_cancelling_a_sleeping_execution_ends_it_at_once(runbooks: Runbooks) -> None:
    content = template(
        """
        - Name: rest
          Action: ACS::Sleep
          Properties: {Duration: 1H}
        """,
        call("never"),
    )
    execution = await runbooks.run(content)

    await runbooks.oos.executions.cancel(ACCOUNT, REGION, execution.id)
    await runbooks.driver.settle()

    assert (await runbooks.find(execution.id)).status == "Cancelled"
    assert await runbooks.path(execution.id) == ["rest:Cancelled"]
    with pytest.raises(CloudError) as raised:
        await runbooks.oos.executions.cancel(ACCOUNT, REGION, execution.id)
    assert raised.value.code == "OperationDenied.ExecutionStatus"


async def test_an_execution_cancelled_during_a_call_lets_the_call_end_and_starts_nothing(runbooks: Runbooks) -> None:
    started: list[str] = []

    async def cancel() -> None:
        await runbooks.oos.executions.cancel(ACCOUNT, REGION, started[0])

    class Cancelling:
        async def call(self, *_: Any, **__: Any) -> dict[str, Any]:
            await cancel()
            return {}

    runbooks.cloud.call_as = lambda _principal: Cancelling()  # type: ignore[method-assign,assignment,return-value]
    runbooks.controller._call_as = runbooks.cloud.call_as
    started.append(await runbooks.start(template(call("one"), call("two"))))
    await runbooks.driver.settle()

    execution = await runbooks.find(started[0])
    assert execution.status == "Cancelled"
    assert await runbooks.path(execution.id) == ["one:Success", "two:Cancelled"]


async def test_the_same_client_token_starts_one_execution(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    content = template(call("one"))

    first = await runbooks.start(content, client_token="T-1", fingerprint="f")
    again = await runbooks.start(content, client_token="T-1", fingerprint="f")

    assert first == again
    with pytest.raises(CloudError) as raised:
        await runbooks.start(content, client_token="T-1", fingerprint="other")
    assert raised.value.code == "IdempotentParameterMismatch"


async def test_an_execution_deleted_by_force_goes_nowhere(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    execution_id = await runbooks.start(template(call("one")))

    with pytest.raises(CloudError, match="Started"):
        await runbooks.oos.executions.delete(ACCOUNT, REGION, [execution_id], force=False)
    await runbooks.oos.executions.delete(ACCOUNT, REGION, [execution_id], force=True)
    await runbooks.driver.settle()

    assert runbooks.cloud.calls == []


async def test_a_template_that_needs_what_is_not_built_is_kept_but_not_started(runbooks: Runbooks) -> None:
    content = template(
        """
        - Name: ask
          Action: ACS::Nothing::Known
        """
    )

    await runbooks.oos.templates.create(ROOT, REGION, "asking", content)
    with pytest.raises(CloudError) as raised:
        await runbooks.start(template_name="asking")

    assert raised.value.code == "InvalidTemplate"
    assert "line 5, column 11: the action ACS::Nothing::Known is not supported yet" in raised.value.message


async def test_outputs_that_no_task_produced_are_null_unless_the_branch_is_not_chosen(runbooks: Runbooks) -> None:
    content = template(
        call("one", When="false", Outputs="{x: {ValueSelector: .X}}"),
        outputs="""
        Outputs:
          direct: {Type: String, Value: '{{ one.x }}'}
          inside: {Type: String, Value: 'x={{ one.x }}'}
          chosen: {Type: String, Value: {'Fn::If': [true, kept, '{{ one.x }}']}}
        """,
    )

    execution = await runbooks.run(content)

    assert execution.outputs == {"direct": None, "inside": None, "chosen": "kept"}


async def test_values_with_nul_and_large_numbers_survive_the_journal(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Look": {"Odd": "a\0b", "Large": 12345678901234567890123}, "tide.Ping": {}}
    content = template(
        call("look", "Look", Outputs="{odd: {ValueSelector: .Odd}, large: {ValueSelector: .Large}}"),
        call("ping"),
        outputs="Outputs: {odd: {Type: String, Value: '{{ look.odd }}'}}\n",
    )

    execution = await runbooks.run(content)

    assert execution.status == "Success"
    assert execution.outputs == {"odd": "a\0b"}


async def test_every_change_of_an_execution_is_told_to_the_event_bus(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    execution = await runbooks.run(template(call("ping")))

    async with runbooks.database.connection() as db:
        told = await events.page(db, events.Query(account_id=ACCOUNT, source="acs.oos"), limit=10)
    found = [event for event in reversed(told) if event.data["executionId"] == execution.id]
    assert [event.data["status"] for event in found][-1] == "Success"
    assert {(event.product, event.name) for event in found} == {("OOS", "Execution:StatusChange")}
    assert len({event.id for event in found}) == len(found) >= 2
