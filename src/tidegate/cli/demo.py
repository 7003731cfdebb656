"""``tidegate demo``: the whole tutorial, for real, in a cloud of its own."""

from __future__ import annotations

import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from tidegate.cli import loop
from tidegate.cli.starting import started
from tidegate.cli.tutorial import STEPS, Observation, Tutorial
from tidegate.settings import Settings

if TYPE_CHECKING:
    from tidegate.assembly import Cloud


def demo(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, a summary last.")] = False,
    keep: Annotated[
        Path | None,
        typer.Option(help="Keep the cloud's state in this folder: `tidegate up --data-dir FOLDER` goes on from there."),
    ] = None,
    hosts: Annotated[str, typer.Option(help="auto, netns or loopback.")] = "auto",
    gate: Annotated[str, typer.Option(help="auto, nftables, haproxy or aio.")] = "auto",
) -> None:
    """Watch the tutorial happen: an instance is suspended, whitelisted, let in, and refused again when it leaves.

    Exit status 0 only if every step was observed. Leaves nothing behind unless --keep.
    """
    with _folder(keep) as folder:
        settings = Settings(data_dir=folder, port=0, ephemeral=keep is None, hosts=hosts, gate=gate)
        try:
            ok = loop.run(_run(settings, _JsonLines() if as_json else _Timeline()))
        except asyncio.CancelledError:
            raise typer.Exit(128 + signal.SIGTERM) from None
    raise typer.Exit(0 if ok else 1)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="tidegate-demo-") as folder:
        yield Path(folder)


class _JsonLines:
    """For programs: one object a line."""

    def begin(self, cloud: Cloud) -> None:
        pass

    def show(self, observation: Observation) -> None:
        print(msgspec.json.encode(observation).decode(), flush=True)

    def end(self, summary: dict[str, Any]) -> None:
        print(msgspec.json.encode(summary).decode(), flush=True)


#: What each step tells a person; the names are those of its detail.
_STORY = {
    "policy-granted": "{role} may {actions}",
    "group-enabled": "group {group} is Active, Redis {redis} is Normal at {address}",
    "hooks-created": "two hooks run {template}, two hold the door so that you can look",
    "refused-before": "{instance} at {address} is on no list: {seen}",
    "scale-out": "{instance} is made …",
    "pending-wait": "… and held: {state}",
    "execution-succeeded": "the runbook ended: {execution} {status}",
    "whitelisted": "{address} is on the list: {whitelist}",
    "in-service": "{instance} is {state}",
    "redis-roundtrip": "from inside it, with Redis: {seen}",
    "scale-in": "{activity} takes it out …",
    "removing-wait": "… and it is held once more: {state}",
    "unlisted": "{address} is off the list: {whitelist}",
    "refused-after": "{instance} still runs at {address}: {seen}",
}


class _Timeline:
    """For people: what happened, when, and the fact that proves it."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - `--json` does without

        self._console = Console(highlight=False)
        self._started = time.monotonic()

    def begin(self, cloud: Cloud) -> None:
        self._console.print(f"[dim]{cloud.banner}[/dim]", soft_wrap=True)

    def show(self, observation: Observation) -> None:
        mark = "[green]✓[/green]" if observation.ok else "[red]✗[/red]"
        seconds = time.monotonic() - self._started
        fact = _tell(observation)
        self._console.print(f"{seconds:7.2f} s  {mark} [bold]{observation.step:<20}[/bold] {fact}", soft_wrap=True)

    def end(self, summary: dict[str, Any]) -> None:
        verdict = "[green]every step observed[/green]" if summary["ok"] else "[red]not every step was observed[/red]"
        about = f"hosts {summary['hosts']}, gate {summary['gate']}, {summary['redis']}"
        self._console.print(f"{summary['seconds']:7.2f} s  {verdict}  [dim]{about}[/dim]")


def _tell(observation: Observation) -> str:
    """Return a step's line for people, safe for the terminal's markup."""
    detail = {
        name: ", ".join(map(str, value)) if isinstance(value, list) else value
        for name, value in observation.detail.items()
    }
    told = _STORY[observation.step].format(**detail) if observation.ok else f"{detail['error']}"
    return told.replace("[", r"\[")


async def _run(settings: Settings, screen: _JsonLines | _Timeline) -> bool:
    told_to_stop = asyncio.current_task()
    assert told_to_stop is not None
    # Ctrl-C already does this; whoever ends the demo, it cleans up behind itself.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told_to_stop.cancel)
    began = time.monotonic()
    observed: list[Observation] = []
    async with started(settings) as cloud:
        screen.begin(cloud)
        async with cloud.client() as client:
            async for observation in Tutorial(client, region=settings.region, clock=cloud.clock).run():
                observed.append(observation)
                screen.show(observation)
        world = cloud.world.summary
    ok = len(observed) == len(STEPS) and all(observation.ok for observation in observed)
    seconds = round(time.monotonic() - began, 3)
    screen.end({"step": "summary", "ok": ok, **world, "seconds": seconds})
    if not ok:
        print("not observed: see the last step above", file=sys.stderr)
    return ok
