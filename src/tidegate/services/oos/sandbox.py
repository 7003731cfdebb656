"""Runs what users wrote as programs, jq and regular expressions, in a limited helper process.

One request at a time, in order, each with a limit of wall-clock time; a helper that dies or takes too long is replaced.
Measured: 0.1 ms a request once the program is compiled, 2 ms for compiling, 50 ms for starting the helper.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from typing import Any, Final, Protocol

from tidegate.services.oos import limits, sandbox_child
from tidegate.services.oos.values import ExpressionError, check_size, from_json, to_json
from tidegate.telemetry import get_logger

_logger = get_logger("oos.sandbox")

TIME_LIMIT: Final = 1.0
START_LIMIT: Final = 10.0
QUEUE_LIMIT: Final = 4096
#: programs that are known to compile, and characters of one that is worth remembering
_KNOWN, _KNOWN_LENGTH = 2048, 1024


class Programs(Protocol):
    """What evaluating a template needs of the helper."""

    async def run_jq(self, program: str, value: Any) -> list[Any]:
        """Return all results of a jq program; raises ExpressionError."""
        ...

    async def matches(self, pattern: str, text: str) -> bool:
        """Whether the whole text matches a regular expression; raises ExpressionError."""
        ...

    async def check_jq(self, program: str) -> str | None:
        """Return why a jq program does not compile, or None."""
        ...

    async def check_pattern(self, pattern: str) -> str | None:
        """Return why a regular expression does not compile, or None."""
        ...


class Sandbox:
    """The helper process, started when first needed."""

    def __init__(self, time_limit: float = TIME_LIMIT) -> None:
        self._time_limit = time_limit
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._process: Process | None = None
        self._compiling: set[tuple[bytes, str]] = set()

    async def run_jq(self, program: str, value: Any) -> list[Any]:
        """Return all results of a jq program; raises ExpressionError."""
        text = await self._ask(b"j", program, to_json(check_size(value, limits.ANSWER_CHARACTERS)))
        return list(from_json(f"[{text.replace(chr(10), ',')}]"))

    async def matches(self, pattern: str, text: str) -> bool:
        """Whether the whole text matches a regular expression; raises ExpressionError."""
        return await self._ask(b"r", pattern, text) == "true"

    async def check_jq(self, program: str) -> str | None:
        """Return why a jq program does not compile, or None."""
        return await self._complaint(b"J", program)

    async def check_pattern(self, pattern: str) -> str | None:
        """Return why a regular expression does not compile, or None."""
        return await self._complaint(b"R", pattern)

    async def close(self) -> None:
        """End the helper. The next request would start another."""
        async with self._turn:
            await self._end()

    async def _complaint(self, kind: bytes, program: str) -> str | None:
        """Return why a program does not compile. Templates repeat their programs, so what compiled is remembered."""
        if (kind, program) in self._compiling:
            return None
        try:
            await self._ask(kind, program, "")
        except ExpressionError as error:
            return str(error)
        if len(program) <= _KNOWN_LENGTH:
            if len(self._compiling) >= _KNOWN:
                self._compiling.clear()
            self._compiling.add((kind, program))
        return None

    async def _ask(self, kind: bytes, program: str, text: str) -> str:
        if self._waiting >= QUEUE_LIMIT:
            raise ExpressionError("too many programs are waiting to be run")
        program_bytes, text_bytes = program.encode("utf-8", "replace"), text.encode("utf-8", "replace")
        request = sandbox_child.REQUEST.pack(kind, len(program_bytes), len(text_bytes)) + program_bytes + text_bytes
        self._waiting += 1
        try:
            async with self._turn:
                status, answer = await self._exchange(request)
        finally:
            self._waiting -= 1
        if status != b"+":
            raise ExpressionError(answer)
        return answer

    async def _exchange(self, request: bytes) -> tuple[bytes, str]:
        process = await self._helper()
        try:
            async with asyncio.timeout(self._time_limit):
                return await _converse(process, request)
        except TimeoutError:
            await self._end()
            return b"-", f"the program took longer than {self._time_limit:g} s"
        except (OSError, asyncio.IncompleteReadError):
            code = await self._end()
            _logger.warning("the helper died", extra={"exit": code})
            return b"-", "the program used more memory or time than it may"
        except BaseException:  # the caller was cancelled: the answer would be taken for the next one's
            await self._end()
            raise

    async def _helper(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            await self._end()
            # -I: neither the environment nor the user's site may add code. The file is run by path, for the same reason.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", str(Path(sandbox_child.__file__)), stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}
            )
            try:
                async with asyncio.timeout(START_LIMIT):
                    await _converse(self._process, sandbox_child.REQUEST.pack(b"J", 1, 0) + b".")
            except BaseException:
                await self._end()
                raise
        return self._process

    async def _end(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        if process.returncode is None:
            process.kill()
        if process.stdin:
            process.stdin.close()
        return await process.wait()


async def _converse(process: Process, request: bytes) -> tuple[bytes, str]:
    if process.stdin is None or process.stdout is None:
        raise OSError("the helper has no pipes")
    process.stdin.write(request)
    await process.stdin.drain()
    status, length = sandbox_child.ANSWER.unpack(await process.stdout.readexactly(sandbox_child.ANSWER.size))
    return status, (await process.stdout.readexactly(length)).decode()
