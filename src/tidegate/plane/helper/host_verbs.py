"""The verbs about hosts: what the driver asks for, each of them idempotent."""

from __future__ import annotations

import base64
import contextlib
import time
from functools import partial

from tidegate.plane.helper.cloud import Cloud
from tidegate.plane.helper.commands import Kept, Program
from tidegate.plane.helper.hosts import GONE, RUNNING, STOPPED, Host, Hosts
from tidegate.plane.helper.server import LATER, RefusedError, Request, Verb

#: what of a request to create makes up the host; user data is kept apart
_SPEC = ("switch", "network", "gateway", "address", "hostname", "memory")
#: commands at one time, all hosts together
_COMMANDS = 512
#: hosts measured at one time
_MEASURED = 25
#: bytes of output that one command may ask to be kept
_KEEP = 4 << 20


def verbs(cloud: Cloud) -> dict[str, Verb]:
    """Return the verbs by name."""
    hosts = Hosts(cloud)

    def create(request: Request) -> object:
        spec = {key: request.args[key] for key in _SPEC}
        host = hosts.create(request.args["id"], spec, base64.b64decode(request.args["user_data"]))
        host.settled(lambda: _boot_first(host, request))
        return LATER

    def start(request: Request) -> object:
        host = hosts.get(request.args["id"])
        if host is None:
            raise RefusedError(f"there is no host {request.args['id']}")
        host.settled(lambda: _boot(host, request))
        return LATER

    def stop(request: Request) -> object:
        host = hosts.get(request.args["id"])
        if host is None:
            return None
        host.settled(lambda: _stop(host, request))
        return LATER

    def destroy(request: Request) -> object:
        host = hosts.get(request.args["id"])
        if host is None:
            return None
        host.settled(lambda: _destroy(host, request))
        return LATER

    def list_all(_: Request) -> object:
        return [describe(host) for host in hosts.all()]

    def console(request: Request) -> object:
        host = hosts.get(request.args["id"])
        return base64.b64encode(host.console.tail()).decode() if host else ""

    def facts(_: Request) -> object:
        return {
            "users": hosts.guests.is_possible,
            "memory": hosts.limits.are_enforced,
            "overlays": hosts.disks.has_overlays,
        }

    return {
        "host.create": create,
        "host.start": start,
        "host.stop": stop,
        "host.destroy": destroy,
        "host.list": list_all,
        "host.console": console,
        "host.facts": facts,
        "host.measure": partial(_measure, hosts),
        "host.run": _Commands(hosts).run,
    }


def _measure(hosts: Hosts, request: Request) -> object:
    """Measure the next running hosts by id: few at a time, because everybody else waits meanwhile."""
    after = request.args["after"]
    ids = sorted(host.id for host in hosts.all() if host.state == RUNNING and host.id > after)
    measured = []
    for host_id in ids[:_MEASURED]:
        with contextlib.suppress(OSError):
            measured.append(hosts.running(host_id).measure())
    return {"at": time.monotonic(), "hosts": measured, "next": ids[_MEASURED - 1] if len(ids) > _MEASURED else None}


def describe(host: Host) -> dict[str, str]:
    """Tell what a host is to the driver: it runs, or its disk is there."""
    state = RUNNING if host.state == RUNNING else STOPPED
    return {"id": host.id, "address": host.spec["address"], "state": state}


def _boot_first(host: Host, request: Request) -> None:
    """Boot a host that never was; when it cannot be, leave nothing of it."""
    if host.state == GONE:
        request.fail(f"the host {host.id} has been destroyed meanwhile")
    elif host.state == RUNNING or host.has_booted:
        request.answer(describe(host))
    else:

        def failed(reason: str) -> None:
            host.remove(lambda: request.fail(reason), lambda _: request.fail(reason))

        host.boot(lambda: request.answer(describe(host)), failed)


def _boot(host: Host, request: Request) -> None:
    if host.state == GONE:
        request.fail(f"the host {host.id} has been destroyed meanwhile")
    elif host.state == RUNNING:
        request.answer(describe(host))
    else:
        host.boot(lambda: request.answer(describe(host)), request.fail)


def _stop(host: Host, request: Request) -> None:
    if host.state == RUNNING:
        host.halt()
        host.settled(request.answer)
    else:
        request.answer()


def _destroy(host: Host, request: Request) -> None:
    if host.state == RUNNING:
        host.halt()
        host.settled(lambda: _destroy(host, request))
    elif host.state == STOPPED:
        host.remove(request.answer, request.fail)
    else:
        request.answer()


class _Commands:
    """The commands that run in hosts now."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self._running = 0

    def run(self, request: Request) -> object:
        """Run a command and answer when it has ended; time limit and cancellation end its whole process group."""
        host = self._hosts.running(request.args["id"])
        if self._running >= _COMMANDS:
            raise RefusedError(f"{_COMMANDS} commands run already")
        program = Program.of(request.args, host.environment())
        kept = Kept(min(request.args["keep"], _KEEP))
        is_late = False

        def expire() -> None:
            nonlocal is_late
            is_late = True
            process.kill_group()

        def ended(code: int) -> None:
            self._running -= 1
            timer.cancel()
            output = base64.b64encode(kept.whole()).decode()
            request.answer({"exit_code": None if is_late else code, "output": output, "dropped": kept.dropped})

        def failed(reason: str) -> None:
            self._running -= 1
            timer.cancel()
            request.fail(reason)

        process = host.start(program, kept.add, failed=failed, ended=ended)
        self._running += 1
        request.cancelled = process.kill_group
        timer = self._hosts.cloud.loop.call_later(request.args["timeout"], expire)
        return LATER
