"""The world outside: only what is allowed is reached, redirects included, and never without bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tidegate.cloud import outside
from tidegate.cloud.outside import HttpOutside, OutsideError, Request
from tidegate.wire.addresses import is_allowed, without_query

ALLOWED = ("https://good.example/hooks/", "http://127.0.0.1:8080")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://good.example/hooks", True),
        ("https://GOOD.example/hooks/a/b?c=d", True),
        ("https://good.example/hooksmith", False),
        ("https://good.example/", False),
        ("http://good.example/hooks", False),
        ("https://good.example:444/hooks", False),
        ("https://good.example.evil/hooks", False),
        ("https://user@good.example/hooks", False),
        ("https://good.example/hooks/../admin", False),
        ("https://good.example/hooks/%2e%2e/admin", False),
        ("https://good.example\\@evil/hooks", False),
        ("https://good.example/hooks#x", False),
        ("http://127.0.0.1:8080/anything", True),
        ("http://127.0.0.1:80/anything", False),
        ("http://[::1/", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_what_lies_below_an_allowed_address_is_allowed(address: str, expected: bool) -> None:
    assert is_allowed(address, ALLOWED) is expected


def test_tokens_are_not_shown() -> None:
    assert without_query("https://a/b?token=c#d") == "https://a/b"


def world(pages: Mapping[str, httpx.Response]) -> tuple[HttpOutside, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return pages[str(request.url)]

    return HttpOutside(ALLOWED, httpx.MockTransport(answer)), seen


def moved(to: str, status: int = 302) -> httpx.Response:
    return httpx.Response(status, headers={"location": to})


async def send(outside: HttpOutside, url: str) -> Any:
    try:
        return await outside.send(Request(method="POST", url=url, headers={"a": "b"}, body=b"{}"))
    finally:
        await outside.close()


async def test_a_request_is_sent_as_it_is() -> None:
    reached, seen = world({"http://127.0.0.1:8080/x": httpx.Response(404, content=b"no")})

    reply = await send(reached, "http://127.0.0.1:8080/x")

    assert (reply.status, reply.body) == (404, b"no")
    assert (seen[0].method, seen[0].headers["a"], seen[0].content) == ("POST", "b", b"{}")


@pytest.mark.parametrize(("status", "method", "body"), [(302, "GET", b""), (307, "POST", b"{}")])
async def test_a_redirect_is_followed_where_it_is_allowed(status: int, method: str, body: bytes) -> None:
    pages = {"http://127.0.0.1:8080/x": moved("/y", status), "http://127.0.0.1:8080/y": httpx.Response(200)}
    reached, seen = world(pages)

    assert (await send(reached, "http://127.0.0.1:8080/x")).status == 200
    assert (seen[1].method, seen[1].content) == (method, body)


@pytest.mark.parametrize(
    ("pages", "reason", "requests"),
    [
        ({"http://127.0.0.1:8080/x": moved("http://169.254.169.254/")}, "may not be reached", 1),
        ({"http://127.0.0.1:8080/x": moved("/x")}, "more than 3 redirects", 4),
        ({"http://127.0.0.1:8080/x": httpx.Response(200, content=b"x" * (1 << 20) + b"x")}, "more than 1024 KB", 1),
    ],
)
async def test_what_leads_astray_is_refused(pages: dict[str, httpx.Response], reason: str, requests: int) -> None:
    reached, seen = world(pages)

    with pytest.raises(OutsideError, match=reason):
        await send(reached, "http://127.0.0.1:8080/x")
    assert len(seen) == requests


async def test_what_is_not_allowed_is_not_even_asked() -> None:
    reached, seen = world({})

    with pytest.raises(OutsideError, match="--runbook-endpoint"):
        await send(reached, "http://localhost:8080/x?token=1")
    assert seen == []


async def test_who_is_silent_or_breaks_off_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(_request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    def broken(_request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("gone")

    monkeypatch.setattr(outside, "SECONDS", 0.01)
    with pytest.raises(OutsideError, match="did not answer"):
        await send(HttpOutside(ALLOWED, httpx.MockTransport(silent)), "http://127.0.0.1:8080/x")
    with pytest.raises(OutsideError, match="ReadError"):
        await send(HttpOutside(ALLOWED, httpx.MockTransport(broken)), "http://127.0.0.1:8080/x")
