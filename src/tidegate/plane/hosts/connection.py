"""Connecting a socket that was opened somewhere else."""

from __future__ import annotations

import asyncio
import errno
import os
import socket


async def connected(opened: socket.socket, address: str, port: int, timeout: float) -> socket.socket:
    """Connect a socket and return it blocking; OSError as ``connect`` raises it, and the socket is closed."""
    try:
        opened.setblocking(False)
        async with asyncio.timeout(timeout):
            await asyncio.get_running_loop().sock_connect(opened, (address, port))
    except TimeoutError:
        opened.close()
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)) from None
    except BaseException:
        opened.close()
        raise
    opened.setblocking(True)
    return opened
