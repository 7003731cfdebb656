"""How commands find a cloud that was started by another one, and how they call it."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tidegate.cloud.caller import Caller
from tidegate.errors import ConfigurationError
from tidegate.folder import DataFolder

_PATIENCE = 5.0


def environment(data_dir: Path, port: int) -> dict[str, str]:
    """Return the variables that aim tools at the cloud of ``data_dir``: where it says it listens, else ``port``."""
    folder = DataFolder(data_dir)
    key = folder.read_local_key()
    endpoint = folder.read_endpoint()
    url = endpoint.url if endpoint else f"http://127.0.0.1:{port}"
    return {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret,
        "ALIBABA_CLOUD_REGION_ID": key.region,
        "TIDEGATE_ENDPOINT": url,
        # where SDKs of MNS ask for http://<account>.mns.<region>.aliyuncs.com
        "TIDEGATE_MNS_ENDPOINT": url,
    }


def health(data_dir: Path) -> dict[str, Any]:
    """Return the health page of the cloud of ``data_dir``. Raises ConfigurationError when none answers."""
    endpoint = DataFolder(data_dir).read_endpoint()
    if endpoint is None:
        raise ConfigurationError(f"no cloud runs in {data_dir}: start it with `tidegate up`")
    try:
        with urllib.request.urlopen(f"{endpoint.url}/_tidegate/health", timeout=_PATIENCE) as answer:  # noqa: S310 - http
            page: dict[str, Any] = msgspec.json.decode(answer.read())
    except urllib.error.HTTPError as error:
        page = msgspec.json.decode(error.read())
    except OSError as error:
        raise ConfigurationError(
            f"the cloud of {data_dir} does not answer at {endpoint.url} ({error}): start it with `tidegate up`"
        ) from error
    return {"url": endpoint.url, **page}


@asynccontextmanager
async def connect(data_dir: Path, profile: str | None) -> AsyncIterator[Caller]:
    """Yield a caller: of the real cloud with ``profile``, else of the cloud the environment or ``data_dir`` names."""
    from tidegate.cloud.client import Client  # noqa: PLC0415 - only this command needs it
    from tidegate.cloud.credentials import from_environment, from_profile  # noqa: PLC0415

    if profile is not None:
        made = Client(from_profile(profile))
    elif "TIDEGATE_ENDPOINT" in os.environ:
        made = Client(from_environment(os.environ))
    else:
        made = Client(from_environment(environment(data_dir, 4599)))
    async with made as client:
        yield client
