"""A started cloud on real hosts, and the official SDKs aimed at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.running import RunningCloud
from support.sdks import Sdks


@pytest.fixture(scope="module", params=["auto", "loopback"])
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    """Hosts as this machine can have them, and hosts as every machine can."""
    folder = tmp_path_factory.mktemp("slb") / "cloud"
    with RunningCloud(folder, "--hosts", request.param) as running:
        yield running


@pytest.fixture(scope="module")
def sdks(cloud: RunningCloud) -> Sdks:
    variables = cloud.variables
    return Sdks(cloud.endpoint, variables["ALIBABA_CLOUD_ACCESS_KEY_ID"], variables["ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
