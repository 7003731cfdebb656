"""The arithmetic of VPC and vSwitch blocks: what is usable, what is the router, where the next free block lies."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

#: Size of the vSwitches of a default VPC, as in production.
DEFAULT_VSWITCH_PREFIX = 20
_PRIVATE = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))


def parse_block(text: str) -> IPv4Network | None:
    """Read ``172.16.0.0/20``; None when it is no block or has bits set beyond its prefix."""
    if "/" not in text:
        return None
    try:
        return IPv4Network(text)
    except (AddressValueError, NetmaskValueError, ValueError):
        return None


def usable(block: IPv4Network) -> tuple[int, int]:
    """Return the first and the last address for instances: production keeps the first one and the last three."""
    return int(block.network_address) + 1, int(block.broadcast_address) - 3


def router(block: IPv4Network) -> IPv4Address:
    """Return the address of the vSwitch's router, the third from the end as in production."""
    return block.broadcast_address - 2


def is_possible(block: IPv4Network, plane: IPv4Network) -> bool:
    """Tell whether hosts may live in ``block``: inside what the hosts driver owns, or private where it is not loopback."""
    return block.subnet_of(plane) or (not plane.is_loopback and any(block.subnet_of(one) for one in _PRIVATE))


def free_blocks(within: IPv4Network, taken: Iterable[IPv4Network], prefix: int, count: int) -> list[IPv4Network] | None:
    """Return the ``count`` lowest blocks of size ``prefix`` that touch none of ``taken``; None when there are too few."""
    occupied = sorted(
        (int(block.network_address), int(block.broadcast_address)) for block in taken if block.overlaps(within)
    )
    size = 1 << (32 - prefix)
    end = int(within.broadcast_address) + 1
    start = int(within.network_address)
    found: list[IPv4Network] = []
    while len(found) < count:
        if start + size > end:
            return None
        in_the_way = next((last for first, last in occupied if first < start + size and last >= start), None)
        if in_the_way is None:
            found.append(IPv4Network((start, prefix)))
            start += size
        else:
            start = -(-(in_the_way + 1) // size) * size
    return found
