"""Tags of templates, executions and parameters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.clouds import Memory, open_memory
from support.templates import write

SLEEPING = write(RamRole="", Tasks=[{"Name": "nap", "Action": "ACS::Sleep", "Properties": {"Duration": "PT1H"}}])


@pytest.fixture
async def cloud(database_dsn: str, tmp_path: Path) -> AsyncIterator[Memory]:
    async with open_memory(database_dsn, tmp_path / "data") as running:
        yield running


async def make(cloud: Memory, kind: str) -> str:
    match kind:
        case "template":
            await cloud.call("oos", "CreateTemplate", TemplateName="mine", Content=SLEEPING)
            return "mine"
        case "execution":
            started = await cloud.call("oos", "StartExecution", TemplateContent=SLEEPING)
            return str(started["Execution"]["ExecutionId"])
        case "parameter":
            await cloud.call("oos", "CreateParameter", Name="mine", Type="String", Value="x")
            return "mine"
    await cloud.call("oos", "CreateSecretParameter", Name="mine", Value="x")
    return "mine"


async def tags(cloud: Memory, kind: str, **filters: Any) -> list[tuple[str, str, str]]:
    answer = await cloud.call("oos", "ListTagResources", ResourceType=kind, **filters)
    return [(one["ResourceId"], one["TagKey"], one["TagValue"]) for one in answer["TagResources"]["TagResource"]]


@pytest.mark.parametrize("kind", ["template", "execution", "parameter", "secretparameter"])
async def test_tags_come_and_go(cloud: Memory, kind: str) -> None:
    one = await make(cloud, kind)
    of_it = {"ResourceType": kind, "ResourceIds": [one]}

    await cloud.call("oos", "TagResources", **of_it, Tags={"team": "tide", "stage": "test"})
    await cloud.call("oos", "TagResources", **of_it, Tags={"stage": "live"})
    keys = await cloud.call("oos", "ListTagKeys", ResourceType=kind)
    values = await cloud.call("oos", "ListTagValues", ResourceType=kind, Key="stage")
    found = await tags(cloud, kind, Tags={"team": "tide"})
    others = await tags(cloud, kind, Tags={"team": "ebb"})
    await cloud.call("oos", "UntagResources", **of_it, TagKeys=["team", "unknown"])
    left = await tags(cloud, kind, ResourceIds=[one])
    await cloud.call("oos", "UntagResources", **of_it, All=True)

    assert (keys["Keys"], values["Values"]) == (["stage", "team"], ["live"])
    assert found == [(one, "stage", "live"), (one, "team", "tide")]
    assert others == []
    assert left == [(one, "stage", "live")]
    assert await tags(cloud, kind, ResourceIds=[one]) == []


async def test_tags_are_what_lists_filter_by(cloud: Memory) -> None:
    await make(cloud, "template")

    await cloud.call("oos", "TagResources", ResourceType="template", ResourceIds=["mine"], Tags={"team": "tide"})

    listed = await cloud.call("oos", "ListTemplates", Tags={"team": "tide"})
    assert [one["TemplateName"] for one in listed["Templates"]] == ["mine"]


async def test_all_resources_are_tagged_or_none(cloud: Memory) -> None:
    await make(cloud, "template")

    unknown = await cloud.refused(
        "oos", "TagResources", ResourceType="template", ResourceIds=["mine", "nobody"], Tags={"a": "b"}
    )

    assert (unknown.code, unknown.status) == ("InvalidResourceId.NotFound", 404)
    assert await tags(cloud, "template", ResourceIds=["mine"]) == []


@pytest.mark.parametrize(
    ("action", "wrong"),
    [
        ("TagResources", {"Tags": {"acs:x": "y"}}),
        ("TagResources", {"Tags": {"k": "v" * 129}}),
        ("TagResources", {"Tags": {f"k{n}": "v" for n in range(21)}}),
        ("TagResources", {"Tags": {"k": "v"}, "ResourceType": "cloud"}),
        ("TagResources", {"Tags": {"k": "v"}, "ResourceIds": []}),
        ("UntagResources", {}),
        ("ListTagResources", {"ResourceIds": []}),
    ],
)
async def test_what_no_tag_can_be_is_refused(cloud: Memory, action: str, wrong: dict[str, Any]) -> None:
    await make(cloud, "template")

    refusal = await cloud.refused("oos", action, **{"ResourceType": "template", "ResourceIds": ["mine"], **wrong})

    assert refusal.code in {"InvalidParameter", "MissingParameter"}
