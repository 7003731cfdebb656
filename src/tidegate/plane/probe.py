"""Finds out which hosts this machine can have by trying, and chooses: isolated ones, else plain processes.

What was chosen for a state folder is remembered there: its hosts have addresses that another driver could not give.
"""

from __future__ import annotations

import asyncio
import errno
import sys
from pathlib import Path

import msgspec

from tidegate.errors import ConfigurationError
from tidegate.plane.helper.client import HelperClient, become, command_of
from tidegate.plane.hosts import loopback, memory
from tidegate.plane.hosts.base import Hosts
from tidegate.plane.hosts.loopback import LoopbackHosts
from tidegate.plane.hosts.memory import MemoryHosts
from tidegate.plane.hosts.netns import NetnsHosts
from tidegate.settings import Settings

#: seconds that the trial may take; it needs less than a tenth of one
_PATIENCE = 20.0
#: the file that names the driver of a state folder
_NOTE = "driver"


class Step(msgspec.Struct, frozen=True):
    """A step of the trial; ``error`` and ``errno`` when it was refused."""

    step: str
    error: str | None = None
    errno: int | None = None


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """What the trial found: ``refusal`` is the step without which there are no isolated hosts; None: all is well."""

    steps: tuple[Step, ...]
    refusal: Step | None

    @property
    def reason(self) -> str:
        """Say in a few words why there are no isolated hosts."""
        return "" if self.refusal is None else f"step '{self.refusal.step}' was refused: {self.refusal.error}"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """The hosts of a cloud, opened. ``helper`` is the netns driver's, to be shared and closed by whoever asked.

    ``reason`` says why these, ``not_enforced`` what they do not enforce (empty: nothing): one line each, for people.
    """

    hosts: Hosts
    helper: HelperClient | None = None
    reason: str
    not_enforced: str


async def choose(settings: Settings) -> Choice:
    """Choose and open the hosts that ``settings.hosts`` asks for; ``auto`` is netns where it works, else loopback.

    ConfigurationError, with the remedy, when they cannot be had: a choice is never quietly replaced.
    """
    folder = settings.data_dir / "plane"
    wanted = settings.hosts
    if wanted not in ("auto", "netns", "loopback", "memory"):
        raise ConfigurationError(f"hosts={wanted} is unknown: choose auto, netns, loopback or memory")
    if wanted == "memory":
        return Choice(hosts=MemoryHosts(), reason="asked for", not_enforced=memory.LIMITS)
    before = _remembered(folder)
    if wanted == "auto":
        wanted = before or "auto"
    elif before is not None and before != wanted:
        raise ConfigurationError(
            f"{settings.data_dir} holds hosts of the driver {before}, and hosts={wanted} cannot take them over: "
            f"use hosts={before}, another data folder, or tidegate reset"
        )
    choice = await _open(wanted, folder)
    _remember(folder, choice.hosts.name)
    return choice


async def _open(wanted: str, folder: Path) -> Choice:
    if wanted == "loopback":
        return _loopback(folder, "asked for")
    helper = HelperClient(folder)
    adopted = await helper.adopt()
    findings = Findings(steps=(), refusal=None) if adopted else await probe()
    if findings.refusal is None:
        hosts = await NetnsHosts.open(helper)
        reason = "adopted" if adopted else "asked for" if wanted == "netns" else "this machine allows namespaces"
        return Choice(hosts=hosts, helper=helper, reason=reason, not_enforced=hosts.limits)
    if wanted == "netns":
        raise ConfigurationError(
            f"hosts=netns cannot be had here, {findings.reason}. Remedy: {remedy(findings.refusal)}; or hosts=loopback"
        )
    return _loopback(folder, findings.reason)


def _loopback(folder: Path, reason: str) -> Choice:
    return Choice(hosts=LoopbackHosts(folder / "loopback"), reason=reason, not_enforced=loopback.LIMITS)


async def probe(interpreter: str = sys.executable, user: int | None = None) -> Findings:
    """Try everything the helper will do in a throw-away process. ``user``: as which uid, where root is to try another."""
    if sys.platform != "linux":
        return _refused((), Step("platform", f"{sys.platform} has no namespaces", errno.ENOSYS))
    process = await asyncio.create_subprocess_exec(
        *command_of("trial", interpreter),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd="/",
        env={},
        start_new_session=True,
        **become(user),
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            output, complaint = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return _refused((), Step("trial", f"no end within {_PATIENCE:g} s", errno.ETIMEDOUT))
    steps = tuple(msgspec.json.decode(line, type=Step) for line in output.splitlines())
    return judge(steps, complaint.decode(errors="replace"))


def judge(steps: tuple[Step, ...], complaint: str = "") -> Findings:
    """Say what the steps of a trial mean. The last one, ``root``, is reached when nothing that counts was refused."""
    last = steps[-1] if steps else Step("start", "nothing was tried")
    if last.error is not None:
        return _refused(steps, last)
    if last.step != "root":
        lines = complaint.strip().splitlines() or ["no word"]
        return _refused(steps, Step("trial", f"it ended after '{last.step}': {lines[-1]}"))
    return Findings(steps=steps, refusal=None)


def _refused(steps: tuple[Step, ...], refusal: Step) -> Findings:
    return Findings(steps=steps, refusal=refusal)


def remedy(refusal: Step, kernel: Path = Path("/proc/sys")) -> str:
    """Say what to do about a step that was refused; ``kernel`` is where the kernel's settings are read."""
    if refusal.step == "platform":
        return "use Linux, or a Linux virtual machine"
    if _setting(kernel / "kernel/apparmor_restrict_unprivileged_userns") == "1":
        return (
            "AppArmor keeps user namespaces from having any effect here: "
            "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run as root"
        )
    if _setting(kernel / "kernel/unprivileged_userns_clone") == "0":
        return "sudo sysctl -w kernel.unprivileged_userns_clone=1, or run as root"
    if _setting(kernel / "user/max_user_namespaces") == "0" or refusal.errno == errno.ENOSPC:
        return "sudo sysctl -w user.max_user_namespaces=10000"
    if refusal.errno == errno.ENOSYS:
        return "use Linux 5.12 or newer"
    if refusal.errno in (errno.EOPNOTSUPP, errno.ENOENT, errno.ENODEV):
        return "load the kernel's modules: sudo modprobe -a bridge veth"
    return (
        "in a container, allow namespaces: --cap-add SYS_ADMIN --cap-add NET_ADMIN "
        "--security-opt apparmor=unconfined --security-opt systempaths=unconfined"
    )


def _setting(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return None


def _remembered(folder: Path) -> str | None:
    try:
        return (folder / _NOTE).read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None


def _remember(folder: Path, driver: str) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / _NOTE).write_text(f"{driver}\n", encoding="ascii")
