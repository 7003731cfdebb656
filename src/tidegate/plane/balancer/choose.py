"""Chooses what stands behind SLB: HAProxy where hosts are real and it is installed, else records."""

from __future__ import annotations

from pathlib import Path

from tidegate.errors import ConfigurationError
from tidegate.plane.balancer.base import Balancers
from tidegate.plane.balancer.haproxy import HaproxyBalancers
from tidegate.plane.balancer.memory import MemoryBalancers
from tidegate.plane.haproxy import find_haproxy
from tidegate.plane.helper.client import HelperClient
from tidegate.plane.rooms.loopback import LoopbackRooms
from tidegate.plane.rooms.netns import NetnsRooms


def choose_balancers(
    hosts: str, folder: Path, *, wanted: str = "auto", helper: HelperClient | None = None
) -> tuple[Balancers, str]:
    """Return the load balancers for the chosen ``hosts`` driver, their files in ``folder``, and a note for people.

    ``wanted`` is the setting ``balancer``; what cannot be had raises ConfigurationError with the remedy.
    """
    if wanted not in ("auto", "haproxy", "memory"):
        raise ConfigurationError(f"balancer={wanted} is unknown: choose auto, haproxy or memory")
    if hosts == "memory" or wanted == "memory":
        if wanted == "haproxy":
            raise ConfigurationError("balancer=haproxy needs real hosts: choose hosts=netns or hosts=loopback")
        return MemoryBalancers(), "" if hosts == "memory" else "load balancers are records and pass nothing on"
    try:
        program = find_haproxy("balancer=haproxy")
    except ConfigurationError as error:
        if wanted == "haproxy":
            raise
        return MemoryBalancers(), f"load balancers are records and pass nothing on ({error})"
    rooms = NetnsRooms(helper, folder) if helper else LoopbackRooms(folder)
    return HaproxyBalancers(rooms, program), ""
