"""Public templates and product actions taken from a checkout: what is taken, what is refused, and that a cloud sees them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.runbooks import ACCOUNT, REGION, ROOT, Runbooks
from support.templates import call, write
from tidegate.clock import AdjustableClock
from tidegate.errors import CloudError
from tidegate.ids import Ids
from tidegate.services.oos.catalog import Catalog
from tidegate.services.oos.imports import Taken, counts, import_templates
from tidegate.services.oos.sandbox import Sandbox
from tidegate.services.oos.templates import TemplateFilter
from tidegate.store.database import Database

ACTION = write(
    Parameters={"id": {"Type": "String"}},
    Tasks=[call("inside")],
    Outputs={"id": {"Type": "String", "Value": "{{ id }}"}},
)
USER = write(
    RamRole="",
    Description={"en": "Tidies up.", "zh-cn": "整理。"},
    Tasks=[{"Name": "tidy", "Action": "ACS::ECS::Tidy", "Properties": {"id": "i-1"}}],
)
STATE = "FormatVersion: OOS-2019-06-01-State\nStates: [{ResourceType: 'ACS:Inventory', Properties: {}}]\n"


@pytest.fixture
async def programs() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    await sandbox.close()


def checkout(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / "YAML" / name.replace("__", "::").replace("_dash_", "-").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def outcomes(taken: list[Taken] | tuple[Taken, ...]) -> dict[str, str]:
    return {one.name: one.outcome for one in taken}


async def test_every_file_has_its_outcome_and_a_repeat_changes_nothing(tmp_path: Path, programs: Sandbox) -> None:
    source = checkout(
        tmp_path / "source",
        ACS__ECS__Tidy_dot_yml=ACTION,
        ACS_dash_ECS_dash_Use_dot_yml=USER,
        ACS_dash_ECS_dash_Use_dot_json="{}",
        ACS_dash_Collect_dot_yml=STATE,
        ACS_dash_ECS_dash_Broken_dot_yml="FormatVersion: OOS-2019-06-01\nTasks: []\n",
        ACS__ECS__RunCommand_dot_yml=ACTION,
        mine_dot_yml=ACTION,
        README_dot_yml="nothing: here\n",
    )

    first = await import_templates(source, tmp_path / "catalog", programs)
    second = await import_templates(source, tmp_path / "catalog", programs)

    assert outcomes(list(first)) == {
        "ACS-Collect": "new",
        "ACS-ECS-Broken": "refused",
        "ACS-ECS-Use": "new",
        "ACS::ECS::RunCommand": "own",
        "ACS::ECS::Tidy": "new",
        "mine": "refused",
    }
    assert "line 2, column 8: Tasks must be a list" in next(one.reason for one in first if one.name == "ACS-ECS-Broken")
    assert counts(second) == {"new": 0, "changed": 0, "unchanged": 3, "own": 1, "refused": 2}
    assert Catalog(tmp_path / "catalog").product("acs::ecs::tidy") == "ACS::ECS::Tidy"


async def test_a_changed_file_is_taken_again_and_what_is_gone_stays(tmp_path: Path, programs: Sandbox) -> None:
    source = checkout(tmp_path / "a", ACS__ECS__Tidy_dot_yml=ACTION, ACS_dash_ECS_dash_Use_dot_yml=USER)
    await import_templates(source, tmp_path / "catalog", programs)
    changed = checkout(tmp_path / "b", ACS_dash_ECS_dash_Use_dot_yml=USER.replace("Tidies up.", "Cleans."))

    taken = await import_templates(changed, tmp_path / "catalog", programs)

    catalog = Catalog(tmp_path / "catalog")
    assert outcomes(list(taken)) == {"ACS-ECS-Use": "changed"}
    found = catalog.find("ACS-ECS-Use")
    assert found is not None
    assert found.features.description == "Cleans."
    assert catalog.find("ACS::ECS::Tidy") is not None


async def test_a_file_that_was_deleted_is_no_template_until_it_is_imported_again(
    tmp_path: Path, programs: Sandbox
) -> None:
    source = checkout(tmp_path / "a", ACS__ECS__Tidy_dot_yml=ACTION)
    await import_templates(source, tmp_path / "catalog", programs)
    (tmp_path / "catalog" / "ACS.ECS.Tidy.yml").unlink()

    assert Catalog(tmp_path / "catalog").find("ACS::ECS::Tidy") is None
    assert outcomes(list(await import_templates(source, tmp_path / "catalog", programs))) == {
        "ACS::ECS::Tidy": "changed"
    }
    assert Catalog(tmp_path / "catalog").find("ACS::ECS::Tidy") is not None
    (tmp_path / "catalog" / "index.json").write_text("no index")
    assert Catalog(tmp_path / "catalog").find("ACS::ECS::Tidy") is None


async def test_a_running_cloud_sees_what_is_imported_and_runs_it(
    database: Database, clock: AdjustableClock, ids: Ids, tmp_path: Path, programs: Sandbox
) -> None:
    folder = tmp_path / "catalog"
    runbooks = Runbooks(database, clock, ids, programs, imported=folder)
    runbooks.cloud.replies = {"tide.Ping": {}}
    templates = runbooks.oos.templates
    await templates.create(ROOT, REGION, "mine", USER)
    with pytest.raises(CloudError, match="ACS::ECS::Tidy is not supported yet"):
        await runbooks.start(template_name="mine")
    source = checkout(
        tmp_path / "source",
        ACS__ECS__Tidy_dot_yml=ACTION,
        ACS_dash_ECS_dash_Use_dot_yml=USER,
        ACS_dash_Collect_dot_yml=STATE,
    )

    await import_templates(source, folder, programs)

    assert (await runbooks.run(template_name="ACS-ECS-Use")).status == "Success"
    assert (await runbooks.run(template_name="mine")).status == "Success"
    listed = await templates.list(ACCOUNT, REGION, TemplateFilter(share_type="Public", name="ACS-"))
    shown = {view.name: (view.kind, view.created_by, view.description) for view in listed}
    assert shown["ACS-ECS-Use"] == ("Automation", "ACS", "Tidies up.")
    assert shown["ACS-Collect"][0] == "State"
    assert await templates.text(await templates.find(ACCOUNT, REGION, "ACS-ECS-Use")) == USER
