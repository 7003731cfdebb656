"""Runs what users wrote as programs, jq and regular expressions, in limited helper processes.

Nobody waits for somebody else's endless program: every program begins on the quick lane, where it has a fraction of a
second. One that does not end there begins anew on the slow lane, with the whole time limit, and so it does from then on;
so does everything of an owner who had several of these, until some have ended quickly there. Each owner has one program on
its way at a time. A helper that dies or takes too long is replaced. Measured: 0.1 ms a request once the program is
compiled, 2 ms for compiling, 50 ms for starting a helper.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import Any, Final, Protocol

from tidegate.services.oos import limits, sandbox_child
from tidegate.services.oos.helper import DIED, Helper, TooSlowError
from tidegate.services.oos.values import ExpressionError, check_size, from_json, to_json

#: seconds of a request on the quick lane, and at all
QUICK_LIMIT: Final = 0.2
TIME_LIMIT: Final = 2.0
#: slow programs after which everything of an owner goes to the slow lane
STRIKES: Final = 3
#: requests that may wait for the quick lane, and for the slow one
QUEUE_LIMIT: Final = 4096
SLOW_QUEUE_LIMIT: Final = 16
#: programs that are known to compile, or to be slow, and characters of one that is worth remembering
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


class _Lane:
    """A helper, and those who wait for it, in order."""

    def __init__(self, limit: float, queue_limit: int) -> None:
        self.helper = Helper()
        self.limit = limit
        #: seconds of the last exchange
        self.took = 0.0
        self._queue_limit = queue_limit
        self._waiting = 0

    async def ask(self, request: bytes) -> tuple[bytes, str]:
        """Return status and answer. Raises TooSlowError."""
        if self._waiting >= self._queue_limit:
            raise ExpressionError("too many programs are waiting to be run")
        self._waiting += 1
        try:
            async with self.helper.turn:
                begun = time.monotonic()
                answer = await self.helper.exchange(request, self.limit)
                self.took = time.monotonic() - begun
                return answer
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        async with self.helper.turn:
            await self.helper.end()


class _Owner:
    """Somebody whose programs are run, one at a time."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        #: how many programs did not end on the quick lane
        self.strikes = 0


class _Asking:
    """The questions, in the words of the helper."""

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

    async def _ask(self, kind: bytes, program: str, text: str) -> str:
        raise NotImplementedError

    async def _complaint(self, kind: bytes, program: str) -> str | None:
        try:
            await self._ask(kind, program, "")
        except ExpressionError as error:
            return str(error)
        return None


class Share(_Asking):
    """The programs of one owner."""

    def __init__(self, sandbox: Sandbox, owner: str) -> None:
        self._sandbox = sandbox
        self._owner = owner

    async def _ask(self, kind: bytes, program: str, text: str) -> str:
        return await self._sandbox.ask_for(self._owner, kind, program, text)


class Sandbox(_Asking):
    """The helper processes, started when first needed."""

    def __init__(self, time_limit: float = TIME_LIMIT, quick_limit: float = QUICK_LIMIT) -> None:
        self._time_limit = time_limit
        self._quick = _Lane(min(quick_limit, time_limit), QUEUE_LIMIT)
        self._slow = _Lane(time_limit, SLOW_QUEUE_LIMIT)
        self._compiling: set[tuple[bytes, str]] = set()
        #: programs that did not end on the quick lane; long ones are known by their hash
        self._slow_ones: set[tuple[bytes, int]] = set()
        self._owners: OrderedDict[str, _Owner] = OrderedDict()

    @property
    def pids(self) -> list[int]:
        """The processes there are."""
        return [lane.helper.pid for lane in (self._quick, self._slow) if lane.helper.pid is not None]

    def of(self, owner: str) -> Share:
        """Return the programs of one owner: an execution, or an account."""
        return Share(self, owner)

    async def close(self) -> None:
        """End the helpers. The next request would start another."""
        await self._quick.close()
        await self._slow.close()

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

    async def ask_for(self, owner: str, kind: bytes, program: str, text: str) -> str:
        """Ask for an owner, when nothing else is on its way for it."""
        known = self._owner(owner)
        async with known.turn:
            return await self._answer(kind, program, text, known)

    async def _ask(self, kind: bytes, program: str, text: str) -> str:
        return await self._answer(kind, program, text, _Owner())

    async def _answer(self, kind: bytes, program: str, text: str, owner: _Owner) -> str:
        program_bytes, text_bytes = program.encode("utf-8", "replace"), text.encode("utf-8", "replace")
        request = sandbox_child.REQUEST.pack(kind, len(program_bytes), len(text_bytes)) + program_bytes + text_bytes
        status, answer = await self._exchange(request, (kind, hash(program)), owner)
        if status != b"+":
            raise ExpressionError(answer)
        return answer

    async def _exchange(self, request: bytes, program: tuple[bytes, int], owner: _Owner) -> tuple[bytes, str]:
        if program not in self._slow_ones and owner.strikes < STRIKES:
            try:
                answer = await self._quick.ask(request)
            except TooSlowError:
                owner.strikes += 1
                if len(self._slow_ones) >= _KNOWN:
                    self._slow_ones.clear()
                self._slow_ones.add(program)
            else:
                owner.strikes += answer[0] == DIED
                return answer
        try:
            answer = await self._slow.ask(request)
        except TooSlowError:
            return b"-", f"the program took longer than {self._time_limit:g} s"
        if answer[0] != DIED and self._slow.took <= self._quick.limit:  # the machine was busy, not the program slow
            self._slow_ones.discard(program)
            owner.strikes = max(owner.strikes - 1, 0)
        return answer

    def _owner(self, name: str) -> _Owner:
        owner = self._owners.setdefault(name, _Owner())
        self._owners.move_to_end(name)
        if len(self._owners) > _KNOWN:  # one that is in use lives on with its users
            self._owners.popitem(last=False)
        return owner
