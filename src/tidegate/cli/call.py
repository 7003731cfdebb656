"""``tidegate call``: any operation of any product, signed, on the local or the real cloud."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
import typer

from tidegate.cli.options import DataDir
from tidegate.cli.running import connect
from tidegate.errors import ConfigurationError

PASS_THROUGH = {"allow_extra_args": True, "ignore_unknown_options": True}


def call(
    context: typer.Context,
    product: Annotated[str, typer.Argument(help="ess, oos, ecs, r-kvstore, ram, sts …")],
    action: Annotated[str, typer.Argument(help="For example DescribeScalingGroups.")],
    data_dir: DataDir,
    profile: Annotated[
        str | None, typer.Option(help="A profile of ~/.aliyun/config.json: call the real cloud with it.")
    ] = None,
    region: Annotated[str, typer.Option(help="Used when no --RegionId is given.")] = "cn-hangzhou",
) -> None:
    """Call an operation: `tidegate call ess DescribeScalingGroups --RegionId cn-hangzhou`.

    Everything after the action is a parameter of the operation, spelled as on the wire: --PageSize 50
    --InstanceId.1 i-… . Prints the answer as JSON; an API error is printed and the exit status is 1.
    """
    parameters = parse_parameters(context.args)
    answer = asyncio.run(_call(data_dir, profile, product, action, parameters, parameters.get("RegionId", region)))
    typer.echo(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())


def parse_parameters(words: list[str]) -> dict[str, str]:
    """Read ``--Name value`` and ``--Name=value`` pairs; a name without value is ``true``.

    Raises ConfigurationError for a word that belongs to no name.
    """
    parameters: dict[str, str] = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if not word.startswith("--") or len(word) == 2:
            raise ConfigurationError(f"'{word}' is not a parameter: write --Name value")
        name, given, value = word[2:].partition("=")
        if not given:
            value = rest.pop(0) if rest and not rest[0].startswith("--") else "true"
        parameters[name] = value
    return parameters


async def _call(
    data_dir: Any, profile: str | None, product: str, action: str, parameters: dict[str, str], region: str
) -> dict[str, Any]:
    async with connect(data_dir, profile) as client:
        return await client.call(product, action, parameters, region=region)
