"""Templates run offline with answers shaped by the official SDKs' models: ours always, the cloud's own when there is a clone.

``TIDEGATE_OOS_TEMPLATES`` names a checkout of the public templates; see ``bench/corpus.py`` for the list of results.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.corpus.models import shape_of
from support.corpus.runs import run
from support.corpus.steering import enrich, reach
from tidegate.services.oos.catalog import Catalog, packaged_files
from tidegate.services.oos.sandbox import Sandbox

CHECKOUT = os.environ.get("TIDEGATE_OOS_TEMPLATES", "")
#: of 282, those that must end well; the rest and its reasons are in bench/results/corpus.json
LEAST = 275


@pytest.fixture
async def programs() -> AsyncIterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    await sandbox.close()


# One test, not one for each: every process that runs it reads the models of a dozen SDKs.
async def test_every_template_of_this_cloud_runs_to_its_end(programs: Sandbox) -> None:
    catalog = Catalog()
    templates = [template for name, _ in packaged_files() if (template := catalog.find(name)) is not None]

    results = [await run(template, catalog, programs) for template in templates]

    assert len(results) == len(packaged_files()) >= 12
    assert {result.name: result.message for result in results if result.status != "Success"} == {}


@pytest.mark.skipif(not (Path(CHECKOUT) / "PublicTemplates").is_dir() or not CHECKOUT, reason="no checkout is named")
@pytest.mark.timeout(600)
async def test_the_public_templates_run_to_their_end(programs: Sandbox) -> None:
    catalog = Catalog(folders=(Path(CHECKOUT),))
    names = sorted(file.stem for file in (Path(CHECKOUT) / "PublicTemplates" / "YAML").glob("*.yml"))
    results = [await run(template, catalog, programs) for name in names if (template := catalog.find(name)) is not None]

    failed = {result.name: result.message for result in results if result.status != "Success"}
    assert len(results) == 282
    assert len(results) - len(failed) >= LEAST, failed


def test_a_model_of_the_sdk_gives_the_shape_of_an_answer() -> None:
    shape = shape_of("ECS", "describeinstances")

    assert shape is not None
    assert shape["Instances"]["Instance"][0]["VpcAttributes"]["PrivateIpAddress"] == {"IpAddress": [""]}
    assert shape_of("ECS", "NoSuchOperation") is None
    assert shape_of("no-such-product", "DescribeInstances") is None


def test_an_answer_is_bent_until_what_is_waited_for_stands_in_it() -> None:
    answer = {"Disks": {"Disk": [{"Category": "", "Encrypted": True}]}}
    properties = {
        "PropertySelector": '.Disks.Disk[] as $d | $d.Category | startswith("cloud") and ($d.Encrypted | not) | tostring',
        "DesiredValues": ["true"],
    }
    gone = {"PropertySelector": "Disks.Disk[].Category", "DesiredValues": [None]}

    assert reach(answer, properties) != answer
    assert reach(answer, gone)["Disks"]["Disk"][0]["Category"] is None
    assert enrich(answer, ['.Disks.Disk[] | select(.Category == "system") | .Encrypted'])["Disks"]["Disk"][1] == {
        "Category": "system",
        "Encrypted": True,
    }
