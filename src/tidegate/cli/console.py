"""``tidegate console``: a link that opens the console of the running cloud."""

from __future__ import annotations

import typer

from tidegate.cli.options import DataDir
from tidegate.clock import SystemClock
from tidegate.console import links
from tidegate.errors import ConfigurationError
from tidegate.folder import DataFolder


def console(data_dir: DataDir) -> None:
    """Print a link that signs in to the console, once, as the account; links printed before become worthless."""
    endpoint = DataFolder(data_dir).read_endpoint()
    if endpoint is None:
        raise ConfigurationError(f"no cloud runs in {data_dir}: start it with `tidegate up`")
    token = links.make(data_dir, SystemClock().now())
    typer.echo(f"{endpoint.url}/console/sign-in?token={token}")
