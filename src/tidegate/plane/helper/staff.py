"""The helper's verbs about the processes of rooms: started in a room's namespace, followed to their end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence

from tidegate.plane.helper.cloud import Cloud
from tidegate.plane.helper.processes import Process
from tidegate.plane.helper.server import LATER, RefusedError, Request, Verb

#: Id of the room and name of the process.
Key = tuple[str, str]


class Staff:
    """The running processes of all rooms, and who wants to know when one ends."""

    def __init__(self, cloud: Cloud) -> None:
        self._networks = cloud.networks
        self._processes = cloud.processes
        self._loop = cloud.loop
        self._running: dict[Key, Process] = {}
        self._waiting: dict[Key, list[Callable[[], None]]] = {}

    def start(
        self,
        key: Key,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: str,
        log: str,
        started: Callable[[bool], None],
        failed: Callable[[str], None],
    ) -> None:
        """Start a process and call ``started(True)``; one that runs already is left alone: ``started(False)``."""
        if key in self._running:
            started(False)
            return
        namespace = self._networks.get(key[0])
        if namespace is None:
            raise RefusedError(f"{key[0]} has no network")

        def broken(reason: str) -> None:
            self._over(key)
            failed(reason)

        self._running[key] = self._processes.spawn(
            argv,
            environment=environment,
            network=namespace.descriptor,
            directory=directory,
            log=log,
            running=lambda: started(True),
            failed=broken,
            ended=lambda _: self._over(key),
        )

    def stop(self, key: Key, grace: float, ended: Callable[[], None]) -> None:
        """Ask a process to end, insist after ``grace`` seconds, and call ``ended`` when it has."""
        process = self._running.get(key)
        if process is None:
            ended()
            return
        insist = self._loop.call_later(grace, process.kill_group)

        def over() -> None:
            insist.cancel()
            ended()

        self.watch(key, over)
        process.kill(signal.SIGTERM)

    def watch(self, key: Key, ended: Callable[[], None]) -> None:
        """Call ``ended`` when the process has ended; at once when it does not run."""
        if key in self._running:
            self._waiting.setdefault(key, []).append(ended)
        else:
            ended()

    def of(self, owner: str) -> list[str]:
        """Return the names of the processes that run in a room."""
        return sorted(name for room, name in self._running if room == owner)

    def _over(self, key: Key) -> None:
        self._running.pop(key, None)
        for ended in self._waiting.pop(key, []):
            ended()


def verbs(cloud: Cloud) -> dict[str, Verb]:
    """The verbs about the processes of rooms."""
    staff = Staff(cloud)

    def key(request: Request) -> Key:
        return request.args["owner"], request.args["process"]

    def start(request: Request) -> object:
        args = request.args
        staff.start(
            key(request),
            args["argv"],
            environment=args["environment"],
            directory=args["directory"],
            log=args["log"],
            started=request.answer,
            failed=request.fail,
        )
        return LATER

    def stop(request: Request) -> object:
        staff.stop(key(request), request.args["grace"], request.answer)
        return LATER

    def ended(request: Request) -> object:
        """Answer when the process ends."""
        staff.watch(key(request), request.answer)
        return LATER

    def running(request: Request) -> object:
        return staff.of(request.args["owner"])

    return {"process.start": start, "process.stop": stop, "process.ended": ended, "process.running": running}
