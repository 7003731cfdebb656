"""``tidegate up``: start the cloud and keep it running."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from tidegate.cli import loop
from tidegate.cli.options import DataDir, Port
from tidegate.cli.starting import started
from tidegate.errors import ConfigurationError
from tidegate.settings import Settings

_LOOPBACK = ("127.", "localhost", "::1")


def up(
    data_dir: DataDir,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Port = 4599,
    database: Annotated[
        str | None, typer.Option(help="postgresql://… of an outside server instead of the one from the wheel.")
    ] = None,
    ephemeral: Annotated[
        bool, typer.Option(help="Keep nothing: state in a folder that goes away; time can be advanced.")
    ] = False,
    hosts: Annotated[str, typer.Option(help="auto, netns, loopback or memory.")] = "auto",
    gate: Annotated[str, typer.Option(help="auto, nftables, haproxy, aio or memory.")] = "auto",
    balancer: Annotated[str, typer.Option(help="auto, haproxy or memory: what stands behind SLB.")] = "auto",
    region: Annotated[str, typer.Option(help="The region used where a call names none.")] = "cn-hangzhou",
    adjustable_clock: Annotated[bool, typer.Option(help="Let /_tidegate/clock advance the cloud's time.")] = False,
    allow_remote: Annotated[
        bool, typer.Option(help="Allow --host beyond loopback. Calls stay signed, but travel in clear text.")
    ] = False,
    runbook_endpoint: Annotated[
        list[str] | None,
        typer.Option(help="An address that runbooks may send HTTP requests to, with all below it; may be repeated."),
    ] = None,
    roa_endpoint: Annotated[
        list[str] | None,
        typer.Option(help="Where runbooks' calls in ROA style go: cs=http://127.0.0.1:8080; may be repeated."),
    ] = None,
    push_endpoint: Annotated[
        list[str] | None,
        typer.Option(help="An address that topics may push messages to, with all below it; may be repeated."),
    ] = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
) -> None:
    """Start the cloud: every product's API on one port. Ctrl-C stops it; the next `up` goes on where it was."""
    from tidegate.telemetry import configure_logging  # noqa: PLC0415 - `--help` does without

    if not host.startswith(_LOOPBACK) and not allow_remote:
        raise ConfigurationError(f"{host} is reachable from other machines: add --allow-remote if that is meant")
    configure_logging(log_level.upper())
    with ExitStack() as leaving:
        if ephemeral:
            data_dir = Path(leaving.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-")))
        settings = Settings(
            data_dir=data_dir,
            host=host,
            port=port,
            database=database,
            ephemeral=ephemeral,
            region=region,
            hosts=hosts,
            gate=gate,
            balancer=balancer,
            adjustable_clock=adjustable_clock or ephemeral,
            runbook_endpoints=tuple(runbook_endpoint or ()),
            roa_endpoints=tuple(roa_endpoint or ()),
            push_endpoints=tuple(push_endpoint or ()),
        )
        loop.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with started(settings) as cloud:
        typer.echo(cloud.banner)
        typer.echo(_next_steps(settings, cloud.url))
        typer.echo(f"look at it in a browser (the link works once):  {cloud.console_link()}")
        await stopped.wait()
        typer.echo("stopping; instances and Redis servers live on until the next start")


def _next_steps(settings: Settings, url: str) -> str:
    where = f" --data-dir {settings.data_dir}"
    return f'listening on {url} · aim your tools here:  eval "$(tidegate env{where})"'
