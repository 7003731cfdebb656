"""What every verb of the helper works with."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from tidegate.plane.helper.loop import READ, Loop
from tidegate.plane.helper.networks import Networks
from tidegate.plane.helper.processes import Processes
from tidegate.plane.helper.protocol import VERSION
from tidegate.plane.helper.server import LATER, Request, Verb


class Cloud:
    """The state folder, the loop, the processes and the networks of one helper."""

    def __init__(self, directory: str, *, is_root: bool, init: str) -> None:
        self.directory = directory
        #: path of the program that is pid 1 of hosts; empty: a shell has to do
        self.init = init
        #: whether the helper is the machine's root, not only that of its own user namespace
        self.is_root = is_root
        #: changes with every helper: another value means that everything before is gone
        self.boot_id = os.urandom(8).hex()
        #: what to do when all processes have ended and we are about to
        self.at_end: list[Callable[[], None]] = []
        self.loop = Loop()
        self.processes = Processes(self.loop)
        self.networks = Networks(self.loop, self.processes)


def verbs(cloud: Cloud) -> dict[str, Verb]:
    """The verbs about the helper itself and its networks."""

    def hello(_: Request) -> object:
        return {"boot_id": cloud.boot_id, "version": VERSION}

    def stop(_: Request) -> object:
        cloud.loop.stop()
        return None

    def follow(request: Request) -> object:
        """Stop when the process behind the pidfd that came along has ended: a cloud that is not meant to outlive it."""
        (process,) = request.descriptors
        cloud.loop.watch(os.dup(process), READ, lambda _: cloud.loop.stop())
        return None

    def create_network(request: Request) -> object:
        cloud.networks.create(**request.args)
        return None

    def destroy_network(request: Request) -> object:
        cloud.networks.destroy(request.args["owner"], request.answer)
        return LATER

    def links(_: Request) -> object:
        return sorted(cloud.networks.links())

    def open_socket(request: Request) -> object:
        """Pass a fresh TCP socket of a namespace (``owner`` null: the router's) to the client, which connects it."""
        with cloud.networks.inside(request.args["owner"]):
            opened = socket.socket()
        with opened:
            request.answer(None, [opened.fileno()])
        return LATER

    return {
        "hello": hello,
        "stop": stop,
        "follow": follow,
        "network.create": create_network,
        "network.destroy": destroy_network,
        "network.links": links,
        "network.socket": open_socket,
    }
