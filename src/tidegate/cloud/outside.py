"""Sends HTTP requests to the addresses that the settings allow: bounded in time and size, redirects included."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urljoin

import msgspec

from tidegate.errors import TidegateError
from tidegate.wire.addresses import is_allowed, without_query

if TYPE_CHECKING:
    import httpx

#: seconds for the whole exchange, redirects included; bytes of an answer; redirects that are followed
SECONDS: Final = 10.0
ANSWER_BYTES: Final = 1024 * 1024
_REDIRECTS: Final = 3
_SAME_METHOD: Final = frozenset({307, 308})
_MOVED: Final = frozenset({301, 302, 303}) | _SAME_METHOD


class OutsideError(TidegateError):
    """The address may not be reached, or does not answer as it should."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered."""

    status: int
    body: bytes


class Outside(Protocol):
    """The world beyond the cloud."""

    def may_reach(self, url: str) -> bool:
        """Whether an address is allowed."""
        ...

    async def send(self, request: Request) -> Reply:
        """Send one request, once; raises OutsideError."""
        ...


class HttpOutside:
    """Reaches what is ``allowed``: addresses, each of which allows itself and all below it. Nothing else."""

    def __init__(self, allowed: Sequence[str], transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._allowed = allowed
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    def may_reach(self, url: str) -> bool:
        """Whether an address is allowed."""
        return is_allowed(url, self._allowed)

    async def send(self, request: Request) -> Reply:
        """Send one request and follow redirects to allowed addresses; raises OutsideError."""
        import httpx  # noqa: PLC0415 - a quarter of a second, which a cloud that reaches nothing does without

        try:
            async with asyncio.timeout(SECONDS):
                return await self._follow(request)
        except TimeoutError:
            raise OutsideError(f"{without_query(request.url)} did not answer within {SECONDS:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise OutsideError(f"{without_query(request.url)} cannot be reached: {type(error).__name__}") from error

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.aclose()

    async def _follow(self, request: Request) -> Reply:
        for _ in range(_REDIRECTS + 1):
            if not self.may_reach(request.url):
                raise OutsideError(
                    f"{without_query(request.url)} may not be reached; start the cloud with --runbook-endpoint to allow it"
                )
            reply, location = await self._once(request)
            if location is None:
                return reply
            method, body = request.method, request.body
            if reply.status not in _SAME_METHOD:
                method, body = "GET", b""
            request = msgspec.structs.replace(request, url=urljoin(request.url, location), method=method, body=body)
        raise OutsideError(f"{without_query(request.url)}: more than {_REDIRECTS} redirects")

    async def _once(self, request: Request) -> tuple[Reply, str | None]:
        """Return the answer, and where it sends us."""
        import httpx  # noqa: PLC0415

        if self._client is None:
            self._client = httpx.AsyncClient(trust_env=False, timeout=SECONDS, transport=self._transport)
        async with self._client.stream(
            request.method, request.url, headers=dict(request.headers), content=request.body or None
        ) as answer:
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > ANSWER_BYTES:
                    raise OutsideError(f"{without_query(request.url)} answers more than {ANSWER_BYTES // 1024} KB")
            location = answer.headers.get("location") if answer.status_code in _MOVED else None
            return Reply(status=answer.status_code, body=bytes(body)), location


class Nowhere:
    """A world of which nothing can be reached."""

    def may_reach(self, url: str) -> bool:  # noqa: ARG002
        """Nothing may be reached."""
        return False

    async def send(self, request: Request) -> Reply:
        """Refuse."""
        raise OutsideError(f"{without_query(request.url)} may not be reached from here")
