"""The hosts of the cloud: made, booted, ended and removed, without ever making the loop wait."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from tidegate.plane import usage
from tidegate.plane.helper import disk, guest, kernel, root, template, userdata
from tidegate.plane.helper.cloud import Cloud
from tidegate.plane.helper.commands import Output, Place, Program
from tidegate.plane.helper.console import Console
from tidegate.plane.helper.limits import Limits
from tidegate.plane.helper.processes import Process
from tidegate.plane.helper.server import RefusedError

STOPPED: Final = "Stopped"
BOOTING: Final = "Booting"
RUNNING: Final = "Running"
ENDING: Final = "Ending"
GONE: Final = "Gone"
#: states that pass by themselves
_PASSING = (BOOTING, ENDING)
_NEW = kernel.NEWNS | kernel.NEWUTS | kernel.NEWIPC | kernel.NEWPID
#: what a host does when it has nothing to do; the shell form reaps orphans where there is no real init
_IDLE = ("sleep", "2147483647")
_FALLBACK_INIT = ("/bin/sh", "-c", "trap : TERM; while :; do sleep 2147483647 & wait; done")


class Host:
    """One host: its folder, and while it runs its first process and its network."""

    def __init__(self, hosts: Hosts, host_id: str, spec: dict[str, Any]) -> None:
        self.id, self.spec = host_id, spec
        self.state: str = STOPPED
        self.folder = disk.Folder(hosts.directory, host_id)
        self.console = Console(self.folder.console)
        self._hosts = hosts
        self._cloud = hosts.cloud
        self._process: Process | None = None
        self._waiting: list[Callable[[], None]] = []
        #: processor time of commands that have ended: they are our children, not the host's
        self._cpu_of_ended = 0.0

    # -- states ---------------------------------------------------------------------------------------------------

    def settled(self, action: Callable[[], None]) -> None:
        """Call ``action`` as soon as the host is in a state that lasts, one action after the other."""
        self._waiting.append(action)
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and self.state not in _PASSING:
            self._waiting.pop(0)()

    def _enter(self, state: str) -> None:
        self.state = state
        self._go_on()

    # -- boot -----------------------------------------------------------------------------------------------------

    def boot(self, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Start the host from its disk, which is made at the first boot."""
        spec = self.spec
        self.state = BOOTING
        self._cpu_of_ended = 0.0
        self.console.begin()
        self.console.line(f"booting {self.id} as {spec['hostname']}")
        try:
            network = self._cloud.networks.create(
                self.id, **{key: spec[key] for key in ("switch", "network", "gateway", "address")}
            )
            self._hosts.limits.create(self.id, spec["memory"])
        except (OSError, ValueError) as error:
            self._fail(str(error), failed)
            return
        users: list[int | None] = []
        is_known = self.has_booted

        # The first process needs next to nothing and stays out of the host's group, which would cost it up to 20 ms.
        def prepare() -> None:
            users.append(self._hosts.guests.make())
            kernel.setns(network.descriptor, kernel.NEWNET)
            kernel.unshare(_NEW)

        self._process = self._cloud.processes.launch(
            lambda: self._begin(users[0], is_known=is_known),
            prepare=prepare,
            keep=[network.descriptor],
            running=lambda: self._up(done),
            failed=lambda reason: self._fail(reason, failed),
            ended=lambda _: self._down(),
        )

    def _begin(self, users: int | None, *, is_known: bool) -> None:
        """Be the first process of the host; ``is_known``: it has booted before."""
        os.setsid()
        os.umask(0o022)
        kernel.set_hostname(self.spec["hostname"])
        init = self._hosts.open_init()
        kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        place = self._hosts.disks.mount(self.folder)
        if not is_known:
            self._write_names(place)
            self.folder.note("booted")
        root.enter(place, memory=self.spec["memory"], owner=self.owner)
        _silence()
        guest.become(users, self._hosts.memory_of_one(self.spec["memory"]))
        if init is None:
            os.execve(_FALLBACK_INIT[0], _FALLBACK_INIT, self.environment())
        else:
            os.execve(init, ("init", *_IDLE), self.environment())

    def _write_names(self, place: str) -> None:
        """Write the files that make a new disk, mounted at ``place``, this host's."""
        name, address = self.spec["hostname"], self.spec["address"]
        template.write_file(f"{place}/etc/hostname", f"{name}\n".encode(), self.owner)
        template.write_file(f"{place}/etc/hosts", f"127.0.0.1 localhost\n{address} {name}\n".encode(), self.owner)

    def _up(self, done: Callable[[], None]) -> None:
        self.console.line(f"eth0 has {self.spec['address']}, the gateway is {self.spec['gateway']}")
        self.state = RUNNING
        done()
        try:
            userdata.run(self)
        except OSError as error:
            self.console.line(f"user data did not start: {error}")
        self._go_on()

    def _fail(self, reason: str, failed: Callable[[str], None]) -> None:
        self.console.line(f"the host did not boot: {reason}")

        def cut() -> None:
            self.state = STOPPED
            failed(reason)
            self._go_on()

        self._process = None
        self._hosts.limits.destroy(self.id)
        self._cloud.networks.destroy(self.id, cut)

    # -- end ------------------------------------------------------------------------------------------------------

    def halt(self) -> None:
        """End everything on a running host; the kernel does, when its first process is gone."""
        assert self._process is not None
        self.state = ENDING
        self._process.kill(signal.SIGKILL)

    def _down(self) -> None:
        """The first process has ended, with or without our doing, and all others with it."""
        self.state = ENDING
        self._process = None
        self.console.line("powered off")
        self._hosts.limits.destroy(self.id)
        self._cloud.networks.destroy(self.id, lambda: self._enter(STOPPED))

    def remove(self, done: Callable[[], None], failed: Callable[[str], None]) -> None:
        """Remove the folder of a stopped host."""
        self.state = ENDING

        def removed(code: int) -> None:
            if code == 0:
                self._hosts.forget(self)
                self.state = GONE
                done()
            else:
                self.state = STOPPED
                failed(f"the disk of {self.id} cannot be removed; see the helper's log")
            self._go_on()

        self._cloud.processes.work(partial(disk.remove_tree, self.folder.path), ended=removed)

    @property
    def has_booted(self) -> bool:
        """Whether the host has ever run."""
        return self.folder.has("booted")

    def see(self, path: str) -> str:
        """Return how the helper names a file of the running host. What the host has made of it is another matter."""
        assert self._process is not None
        return f"/proc/{self._process.pid}/root{path}"

    @property
    def owner(self) -> int:
        """Return the uid, as the helper sees it, of root on the host."""
        return self._hosts.guests.owner

    # -- programs -------------------------------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """Return the environment of every program on the host."""
        return {
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "LOGNAME": "root",
            "PATH": template.search_path(),
            "PRIVATE_IP": self.spec["address"],
            "SHELL": "/bin/sh",
            "USER": "root",
        }

    def start(
        self,
        program: Program,
        sink: Callable[[bytes], None],
        *,
        closed: Callable[[], None] = lambda: None,
        failed: Callable[[str], None],
        ended: Callable[[int], None],
    ) -> Process:
        """Start a program on the running host.

        ``sink`` gets its output as it comes, until ``closed``, which may be long after ``ended``: a program that goes
        on in the background still has its output.
        """
        assert self._process is not None
        output = Output(self._cloud.loop, sink, closed)
        place = Place(
            self._process.pid,
            join=lambda: self._hosts.limits.join(self.id),
            has_guest=self._hosts.guests.is_possible,
            memory=self._hosts.memory_of_one(self.spec["memory"]),
        )

        def body() -> None:
            place.settle()
            program.start(output.writer)

        def over(code: int) -> None:
            self._cpu_of_ended += process.cpu
            output.drain()
            ended(code)

        process = self._cloud.processes.launch(
            body, prepare=place.enter, keep=[output.writer], failed=failed, ended=over
        )
        output.started()
        return process

    # -- measuring ------------------------------------------------------------------------------------------------

    def measure(self) -> dict[str, float | int | str | None]:
        """Tell what the running host has used since its boot and uses now. OSError: it is ending."""
        assert self._process is not None
        proc, own = self.see("/proc"), f"/proc/{self._process.pid}/net"
        cpu, memory = self._hosts.limits.usage(self.id)
        used = usage.tally(proc, usage.processes(proc), memory=memory is None)
        traffic = usage.traffic(f"{own}/dev", "eth0")
        total, established = usage.connections(own)
        return {
            "id": self.id,
            "cpu": used.cpu + self._cpu_of_ended if cpu is None else cpu,
            "memory": used.memory if memory is None else memory,
            "loading": used.loading,
            "connections": total,
            "established": established,
            **(traffic._asdict() if traffic else {}),
        }


class Hosts:
    """All hosts of one helper, those of earlier helpers included: their disks are still there."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.directory = f"{cloud.directory}/hosts"
        self.guests = guest.Guests(is_root=cloud.is_root)
        self.limits = Limits(cloud.directory)
        cloud.at_end.append(self.limits.end)
        self.disks = disk.Disks(cloud.directory, owner=self.guests.owner, is_root=cloud.is_root)
        self._hosts: dict[str, Host] = {}
        self._find()

    def _find(self) -> None:
        """Take up the hosts whose folders are there, stopped; remove folders that were never finished."""
        os.makedirs(self.directory, exist_ok=True)
        for host_id in os.listdir(self.directory):
            folder = disk.Folder(self.directory, host_id)
            spec = folder.spec()
            if spec is None:
                self.cloud.processes.work(partial(disk.remove_tree, folder.path), ended=lambda _: None)
            else:
                self._hosts[host_id] = Host(self, host_id, spec)

    def get(self, host_id: str) -> Host | None:
        """Return a host."""
        return self._hosts.get(host_id)

    def running(self, host_id: str) -> Host:
        """Return a host that runs; RefusedError when it does not or is unknown."""
        host = self._hosts.get(host_id)
        if host is None:
            raise RefusedError(f"there is no host {host_id}")
        if host.state != RUNNING:
            raise RefusedError(f"the host {host_id} is not running")
        return host

    def all(self) -> Sequence[Host]:
        """Return every host."""
        return list(self._hosts.values())

    def create(self, host_id: str, spec: dict[str, Any], user_data: bytes) -> Host:
        """Return the host of that id, made when it is not there; RefusedError when another one has the id."""
        host = self._hosts.get(host_id)
        if host is None:
            host = Host(self, host_id, spec)
            host.folder.create(spec, user_data)
            self._hosts[host_id] = host
        elif host.spec != spec or host.folder.user_data() != user_data:
            raise RefusedError(f"the host {host_id} is there and made of something else")
        return host

    def forget(self, host: Host) -> None:
        """Take a removed host off the list."""
        self._hosts.pop(host.id, None)

    def open_init(self) -> int | None:
        """Open the program that is pid 1 of hosts, while the machine's files can be named."""
        init = self.cloud.init
        return os.open(init, os.O_RDONLY | os.O_CLOEXEC) if init else None

    def memory_of_one(self, memory: int) -> int | None:
        """Return the limit of each process, MiB, where the host as a whole has none."""
        return None if self.limits.are_enforced else memory


def _silence() -> None:
    """Let the first process talk to nobody: the helper's own descriptors end here."""
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
