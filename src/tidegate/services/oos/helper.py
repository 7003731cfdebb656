"""One limited helper process, which answers one request at a time (``sandbox_child`` is its other side)."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Final

from tidegate.services.oos import sandbox_child
from tidegate.telemetry import get_logger

_logger = get_logger("oos.sandbox")

START_LIMIT: Final = 10.0
#: the status of an answer when the process died of the request
DIED: Final = b"!"


class TooSlowError(Exception):
    """The request took longer than it may."""


class Helper:
    """A process that is started when first needed, and again whenever it died or was too slow."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """The process's id, while there is one."""
        return None if self._process is None else self._process.pid

    async def exchange(self, request: bytes, limit: float) -> tuple[bytes, str]:
        """Return status and answer; whoever calls holds ``turn``. Raises TooSlowError; what else goes wrong is an answer."""
        process = await self._running()
        try:
            async with asyncio.timeout(limit):
                return await _converse(process, request)
        except TimeoutError:
            await self.end()
            raise TooSlowError from None
        except (OSError, asyncio.IncompleteReadError):
            code = await self.end()
            _logger.warning("the helper died", extra={"exit": code})
            return DIED, "the program used more memory or time than it may"
        except BaseException:  # the caller was cancelled: the answer would be taken for the next one's
            await self.end()
            raise

    async def end(self) -> int | None:
        """End the process. The next request would start another."""
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None:
            process.kill()
        if process.stdin:
            process.stdin.close()
        return await process.wait()

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            await self.end()
            # -I: neither the environment nor the user's site may add code. The file is run by path, for the same reason.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", str(Path(sandbox_child.__file__)), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}
            )
            try:
                async with asyncio.timeout(START_LIMIT):
                    await _converse(self._process, sandbox_child.REQUEST.pack(b"J", 1, 0) + b".")
            except BaseException:
                await self.end()
                raise
        return self._process


async def _converse(process: Process, request: bytes) -> tuple[bytes, str]:
    if process.stdin is None or process.stdout is None:
        raise OSError("the helper has no pipes")
    process.stdin.write(request)
    await process.stdin.drain()
    status, length = sandbox_child.ANSWER.unpack(await process.stdout.readexactly(sandbox_child.ANSWER.size))
    return status, (await process.stdout.readexactly(length)).decode()
