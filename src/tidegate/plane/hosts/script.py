"""User data as it is run: unpacked."""

from __future__ import annotations

import zlib

from tidegate.errors import PlaneError

_GZIP = b"\x1f\x8b"
#: bytes of a script; user data itself is at most 32 KB (ecs.md 9)
_LIMIT = 1 << 20


def unpack(user_data: bytes) -> bytes:
    """Return the script in user data, which may be compressed by gzip as cloud-init allows. PlaneError: it is broken."""
    if not user_data.startswith(_GZIP):
        return user_data
    reader = zlib.decompressobj(wbits=31)
    try:
        script = reader.decompress(user_data, _LIMIT)
    except zlib.error as error:
        raise PlaneError(f"the user data cannot be unpacked: {error}") from error
    if reader.unconsumed_tail or not reader.eof:
        raise PlaneError(f"the user data cannot be unpacked: it is cut off or larger than {_LIMIT} bytes")
    return script
