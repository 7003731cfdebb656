"""The vendor's public templates whose operations all exist in this cloud, unchanged, with the vendor's own product actions,
run for real in a cloud in memory.

``TIDEGATE_OOS_TEMPLATES`` names a work tree of their repository; without it there is nothing to run.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from support.corpus.reality import HOPELESS, run_all
from support.stage import open_stage

from .test_lifecycle_family import SCENES, out

CHECKOUT = os.environ.get("TIDEGATE_OOS_TEMPLATES", "")

pytestmark = pytest.mark.skipif(
    not Path(CHECKOUT, "PublicTemplates").is_dir(), reason="TIDEGATE_OOS_TEMPLATES names no work tree"
)


async def test_public_templates_run_for_real(database_dsn: str, tmp_path: Path) -> None:
    async with open_stage(database_dsn, tmp_path / "data") as stage:
        await stage.trust()
        for role in ("AliyunServiceRoleForOOSInstanceScheduler", "AliyunServiceRoleForOOSBandwidthScheduler"):
            await stage.link_role(role)
        stage.use_templates(Path(CHECKOUT))
        results = await asyncio.wait_for(run_all(stage), 500)

    failures = {name: why for name, why in results.items() if why and name not in HOPELESS}
    good = [name for name, why in results.items() if not why]
    for name, why in sorted(failures.items()):
        print(f"{name}: {why}")  # noqa: T201
    print(f"{len(good)} of {len(results)} templates run")  # noqa: T201 - the number is what this test is for
    assert not failures
    assert len(good) >= 120


async def test_public_templates_of_the_lifecycle_family_run_for_real(database_dsn: str, tmp_path: Path) -> None:
    async with open_stage(database_dsn, tmp_path / "data") as stage:
        stage.use_templates(Path(CHECKOUT))
        # The vendor's template for MongoDB asks ECS for the addresses of container groups, which has none.
        stage.left_out = {"MongoDB"}
        # Its rolling update writes the script into the metadata of a hook as it is: quotes would make them no JSON.
        stage.script = "echo 2"
        plays = list(dict.fromkeys(SCENES.values()))
        ends = await asyncio.gather(*(play(stage) for play in plays), return_exceptions=True)
        wishes = dict.fromkeys(("PASIP", "rootPassword", "SAPSID", "userName", "userPassword", "clientNumber"), "a1")
        await out(stage, "LifeCycleInstallAAS", **wishes)

    print(f"{len(SCENES)} of {len(SCENES) + 1} templates of the family run, and one more")  # noqa: T201
    failures = {play.__name__: str(end) for play, end in zip(plays, ends, strict=True) if end is not None}
    assert not failures
