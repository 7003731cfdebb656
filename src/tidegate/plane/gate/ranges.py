"""Arithmetic on sets of IPv4 addresses kept as disjoint, sorted, inclusive ranges of integers.

Pure, and free of third-party imports: the helper process uses it too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache

#: Disjoint, sorted, inclusive, and never touching: ``((first, last), …)``.
Ranges = tuple[tuple[int, int], ...]

#: The last IPv4 address.
LAST = 0xFFFFFFFF
#: Ranges one gate may hold: what an nf_tables transaction of an ordinary user can carry on stock kernel settings.
MOST_RANGES = 10_000
#: Seconds for which a gate remembers an attempt to connect, and addresses it counts at most: newer ones go uncounted.
MEMORY, MOST_VISITORS = 86_400, 4_096


def merge(pairs: Iterable[tuple[int, int]]) -> Ranges:
    """Return the union of any (first, last) pairs."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(pairs):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def intersect(left: Ranges, right: Ranges) -> Ranges:
    """Return the addresses that are in both."""
    common: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        first, last = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if first <= last:
            common.append((first, last))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(common)


def contains(ranges: Ranges, address: int) -> bool:
    """Tell whether ``address`` is in one of the ranges."""
    place = bisect_right(ranges, (address, LAST)) - 1
    return place >= 0 and address <= ranges[place][1]


def difference(old: Ranges, new: Ranges) -> tuple[Ranges, Ranges]:
    """Return which whole ranges must go and which must come to turn ``old`` into ``new``."""
    before, after = set(old), set(new)
    return tuple(sorted(before - after)), tuple(sorted(after - before))


def blocks(ranges: Ranges) -> Iterator[str]:
    """Write the ranges as the fewest CIDR blocks: ``10.0.0.0/24``; a single address has ``/32``."""
    for first, last in ranges:
        start = first
        while start <= last:
            size = min(start & -start or LAST + 1, 1 << (last - start + 1).bit_length() - 1)
            yield f"{dotted(start)}/{33 - size.bit_length()}"
            start += size


def dotted(address: int) -> str:
    """Write an address as ``a.b.c.d``."""
    return f"{address >> 24}.{address >> 16 & 255}.{address >> 8 & 255}.{address & 255}"


def number(address: str) -> int:
    """Read ``a.b.c.d``, known to be well formed."""
    a, b, c, d = address.split(".")
    return int(a) << 24 | int(b) << 16 | int(c) << 8 | int(d)


@lru_cache(maxsize=1 << 14)
def block(text: str) -> tuple[int, int]:
    """Read ``a.b.c.d`` or ``a.b.c.d/n``, known to be well formed, as the range of the block it lies in."""
    address, _, prefix = text.partition("/")
    size = 1 << 32 - int(prefix or 32)
    first = number(address) & -size
    return first, first + size - 1
