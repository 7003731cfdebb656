"""Templates in the store: versions, filters, deletion with what they started, what Auto Scaling reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from support.runbooks import ACCOUNT, REGION, ROOT, SERVICE, Runbooks
from support.templates import call, write
from tidegate.errors import CloudError
from tidegate.services.oos import limits
from tidegate.services.oos.templates import TemplateFilter

SIMPLE = write(RamRole="", Description="Pings.")
SLEEPING = write(RamRole="", Tasks=[{"Name": "rest", "Action": "ACS::Sleep", "Properties": {"Duration": "1H"}}])
TIMED = write(
    Tasks=[
        {
            "Name": "timer",
            "Action": "ACS::TimerTrigger",
            "Properties": {"Type": "rate", "Expression": "5 minutes", "EndDate": "2099-01-01"},
        },
        call("ping"),
    ]
)


async def refused(coroutine: Any) -> str:
    with pytest.raises(CloudError) as raised:
        await coroutine
    return raised.value.code


async def test_a_name_belongs_to_one_account_and_region(runbooks: Runbooks) -> None:
    templates = runbooks.oos.templates
    other = msgspec.structs.replace(ROOT, account_id="999")

    await templates.create(ROOT, REGION, "same", SIMPLE)
    await templates.create(other, REGION, "same", SLEEPING)
    await templates.create(ROOT, "cn-beijing", "same", TIMED)

    assert await templates.text(await templates.find("999", REGION, "same")) == SLEEPING
    assert (await templates.find(ACCOUNT, "cn-beijing", "same")).category == "TimerTrigger"
    assert await refused(templates.find(ACCOUNT, "cn-shanghai", "same")) == "EntityNotExists.Template"


@pytest.mark.parametrize("name", ["", "a b", "x" * 201, "ACS-Mine", "aliyun_x", "AlibabaCloud", "alicloud-1", "ü"])
async def test_names_are_checked(runbooks: Runbooks, name: str) -> None:
    assert await refused(runbooks.oos.templates.create(ROOT, REGION, name, SIMPLE)) == "InvalidParameter"


async def test_an_invalid_text_is_not_kept(runbooks: Runbooks) -> None:
    templates = runbooks.oos.templates
    await templates.create(ROOT, REGION, "one", SIMPLE)

    assert await refused(templates.create(ROOT, REGION, "two", "Tasks: 1")) == "InvalidTemplate"
    assert await refused(templates.update(ROOT, REGION, "one", "Tasks: 1")) == "InvalidTemplate"
    assert [view.name for view in await templates.list(ACCOUNT, REGION, TemplateFilter(share_type="Private"))] == [
        "one"
    ]


async def test_an_account_has_a_limit_of_templates(runbooks: Runbooks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TEMPLATES", 2)
    for name in ("a", "b"):
        await runbooks.oos.templates.create(ROOT, REGION, name, SIMPLE)

    assert await refused(runbooks.oos.templates.create(ROOT, REGION, "c", SIMPLE)) == "QuotaExceeded.Template"


async def test_lists_are_filtered_and_ordered(runbooks: Runbooks) -> None:
    templates = runbooks.oos.templates
    await templates.create(ROOT, REGION, "timed", TIMED, tags={"team": "a", "env": "x"})
    runbooks.clock.advance(timedelta(hours=1))
    middle = runbooks.clock.now()
    await templates.create(ROOT, REGION, "simple", SIMPLE, tags={"team": "a"})
    await runbooks.start(template_name="simple")

    async def names(**wanted: Any) -> list[str]:
        return [
            view.name for view in await templates.list(ACCOUNT, REGION, TemplateFilter(share_type="Private", **wanted))
        ]

    assert await names() == ["simple", "timed"]
    assert await names(sort_by="TemplateName", descending=False) == ["simple", "timed"]
    assert await names(sort_by="CreatedDate", descending=False) == ["timed", "simple"]
    assert await names(name="TIM") == ["timed"]
    assert await names(has_trigger=True) == ["timed"]
    assert await names(category="Other") == ["simple"]
    assert await names(tags={"team": "a", "env": "x"}) == ["timed"]
    assert await names(created_before=middle) == ["timed"]
    assert await names(created_after=middle) == ["simple"]
    assert await names(kind="State") == []
    assert await names(created_by="ACS") == []


async def test_an_old_version_is_still_run(runbooks: Runbooks) -> None:
    await runbooks.oos.templates.create(ROOT, REGION, "both", SIMPLE)
    await runbooks.oos.templates.update(ROOT, REGION, "both", SLEEPING)

    old = await runbooks.find(await runbooks.start(template_name="both", template_version="v1"))
    new = await runbooks.find(await runbooks.start(template_name="both"))

    assert (old.template_version, await runbooks.oos.library.text(old.hash)) == ("v1", SIMPLE)
    assert (new.template_version, await runbooks.oos.library.text(new.hash)) == ("v2", SLEEPING)
    for version in ("v3", "v0", "1", "latest"):
        assert (
            await refused(runbooks.start(template_name="both", template_version=version)) == "EntityNotExists.Template"
        )


async def test_a_running_execution_keeps_its_template_from_being_deleted(runbooks: Runbooks) -> None:
    templates = runbooks.oos.templates
    await templates.create(ROOT, REGION, "asleep", SLEEPING)
    execution = await runbooks.run(template_name="asleep")

    assert await refused(templates.delete(ACCOUNT, REGION, ["asleep"])) == "DeleteConflict.Template"
    await templates.delete(ACCOUNT, REGION, ["asleep"], with_executions=True)
    await runbooks.driver.settle()

    assert await refused(runbooks.find(execution.id)) == "EntityNotExists.Execution"
    assert (await runbooks.driver.find(f"execution/{execution.id}")).status != "Active"


async def test_several_templates_are_deleted_all_or_none(runbooks: Runbooks) -> None:
    templates = runbooks.oos.templates
    await templates.create(ROOT, REGION, "one", SIMPLE)

    assert await refused(templates.delete(ACCOUNT, REGION, ["one", "gone"])) == "EntityNotExists.Template"
    assert (await templates.find(ACCOUNT, REGION, "one")).name == "one"


async def test_an_execution_outlives_its_template(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    await runbooks.oos.templates.create(ROOT, REGION, "short", SIMPLE)
    execution = await runbooks.run(template_name="short")
    await runbooks.oos.templates.delete(ACCOUNT, REGION, ["short"])

    assert (await runbooks.find(execution.id)).status == "Success"
    assert await runbooks.oos.library.text(execution.hash) == SIMPLE


async def test_a_text_compiled_by_another_process_is_run_by_this_one(runbooks: Runbooks) -> None:
    runbooks.cloud.replies = {"tide.Ping": {}}
    execution_id = await runbooks.start(SIMPLE)
    runbooks.oos.library._known.clear()

    await runbooks.driver.settle()

    assert (await runbooks.find(execution_id)).status == "Success"


async def test_auto_scaling_starts_the_newest_version_once_per_token(runbooks: Runbooks) -> None:
    content = write(
        RamRole="", Parameters={"a": {"Type": "String"}, "b": {"Type": "List", "Default": ["${instanceIds}"]}}
    )
    await runbooks.oos.templates.create(ROOT, REGION, "hooked", content)

    defaults = await runbooks.oos.template_defaults(ACCOUNT, REGION, "hooked")
    first, second = [
        await runbooks.oos.start(ACCOUNT, REGION, "hooked", {"a": "x", "b": ["i-1"]}, client_token="asa-1:hook")
        for _ in range(2)
    ]

    assert defaults == {"a": msgspec.UNSET, "b": ["${instanceIds}"]}
    assert await runbooks.oos.template_defaults(ACCOUNT, REGION, "none") is None
    assert first == second
    execution = await runbooks.find(first)
    assert execution.executed_by == SERVICE.name
    assert execution.parameters == {"a": "x", "b": ["i-1"]}


async def test_a_controller_that_cannot_go_on_ends_the_execution_too(runbooks: Runbooks) -> None:
    def broken(_parameters: Any) -> Any:
        raise RuntimeError("a bug")

    runbooks.cloud.replies = {"tide.Ping": broken}
    execution_id = await runbooks.start(SIMPLE)
    for _ in range(25):
        await runbooks.driver.advance(minutes=2)

    execution = await runbooks.find(execution_id)
    assert execution.status == "Failed"
    assert execution.status_message == "The execution was given up after 20 attempts: RuntimeError"


async def test_a_text_that_is_no_template_any_more_ends_its_executions(runbooks: Runbooks) -> None:
    execution_id = await runbooks.start(SIMPLE)
    runbooks.oos.library._known.clear()
    async with runbooks.database.connection() as connection:
        await connection.execute("update oos_content set content = 'Tasks: 1'")

    await runbooks.driver.settle()

    execution = await runbooks.find(execution_id)
    assert execution.status == "Failed"
    assert "InvalidTemplate message: line 1, column 1: FormatVersion is missing" in execution.status_message


async def test_a_template_of_states_is_kept_and_shown_but_never_run(runbooks: Runbooks) -> None:
    content = (
        "FormatVersion: OOS-2019-06-01-State\nParameters: {policy: {Type: Json}}\n"
        "States: [{ResourceType: 'ACS:Inventory', Properties: {Policy: '{{ policy }}'}}]\n"
    )

    view = await runbooks.oos.templates.create(ROOT, REGION, "inventory", content)

    assert view.kind == "State"
    listed = await runbooks.oos.templates.list(ACCOUNT, REGION, TemplateFilter(share_type="Private", kind="State"))
    assert [one.name for one in listed] == ["inventory"]
    template = (await runbooks.oos.validate(content)).require()
    assert [state.resource_type for state in template.states] == ["ACS:Inventory"]
    with pytest.raises(CloudError, match="running a template of the type State is not supported"):
        await runbooks.start(template_name="inventory", parameters={"policy": {}})
