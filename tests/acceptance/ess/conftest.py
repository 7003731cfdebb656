"""A started cloud with simulated hosts and a clock that can be moved, and the official SDKs aimed at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.running import RunningCloud
from support.sdks import Sdks


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    folder = tmp_path_factory.mktemp("ess") / "cloud"
    with RunningCloud(folder, "--adjustable-clock", "--hosts", "memory", "--gate", "memory") as running:
        yield running


@pytest.fixture(scope="module")
def sdks(cloud: RunningCloud) -> Sdks:
    variables = cloud.variables
    return Sdks(cloud.endpoint, variables["ALIBABA_CLOUD_ACCESS_KEY_ID"], variables["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
