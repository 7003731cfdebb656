"""Calls in ROA style leave the cloud: authorized here, signed over their path, answered by another (oos.md 5.1)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tidegate.cloud.caller import PathCall
from tidegate.cloud.credentials import Keys
from tidegate.errors import CloudError, ConfigurationError
from tidegate.gateway.elsewhere import Elsewhere, read_endpoints
from tidegate.services.operation import Principal
from tidegate.wire.signatures import acs3_signature, acs3_string_to_sign

ROOT = Principal(kind="Account", account_id="1", id="1")


@dataclass
class Decision:
    allowed: bool
    resource: str = "*"
    detail: dict[str, str] = field(default_factory=dict)


class Authority:
    def __init__(self) -> None:
        self.asked: list[str] = []

    async def decide_all(self, principal: Principal, action: str, resources: Any, context: Any) -> Decision:
        self.asked.append(action)
        return Decision(action != "cs:DeleteCluster")


class Server:
    """Takes one request at a time, and answers as told when its signature is right."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        self.answer: tuple[int, Any] = (200, {})
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append((method, target, body))
        status, tree = self.answer if _is_signed(method, target, headers) else (403, {"code": "SignatureDoesNotMatch"})
        content = json.dumps(tree).encode() if tree is not None else b""
        writer.write(
            f"HTTP/1.1 {status} X\r\ncontent-length: {len(content)}\r\nconnection: close\r\n\r\n".encode() + content
        )
        await writer.drain()
        writer.close()


def _is_signed(method: str, target: str, headers: dict[str, str]) -> bool:
    path, _, text = target.partition("?")
    query = dict(part.split("=", 1) for part in text.split("&") if part)
    given = dict(part.strip().split("=", 1) for part in headers["authorization"].partition(" ")[2].split(","))
    to_sign = acs3_string_to_sign(
        method=method,
        path=path,
        query=query,
        headers=headers,
        signed_headers=given["SignedHeaders"].split(";"),
        body_digest=headers["x-acs-content-sha256"],
    )
    return given["Credential"] == "own" and given["Signature"] == acs3_signature("secret", to_sign)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    yield made
    listening.close()
    await listening.wait_closed()


@pytest.fixture
async def elsewhere(server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Elsewhere]:
    for name in ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)

    async def own_keys() -> Keys:
        return Keys(access_key_id="own", access_key_secret="secret")

    made = Elsewhere([f"CS=http://127.0.0.1:{server.port}"], Authority(), own_keys)  # type: ignore[arg-type]
    yield made
    await made.close()


async def test_a_call_is_signed_over_its_path_and_body(server: Server, elsewhere: Elsewhere) -> None:
    server.answer = (200, [{"id": 1}])
    request = PathCall(method="POST", path="/clusters/c 1/nodes", query={"dry": "true"}, body='{"count":3}')

    answer = await elsewhere.call(ROOT, "CS", "ScaleCluster", request, region="cn-hangzhou")

    assert answer == [{"id": 1}]
    assert server.requests == [("POST", "/clusters/c%201/nodes?dry=true", b'{"count":3}')]
    server.answer = (204, None)
    assert await elsewhere.call(ROOT, "cs", "X", PathCall(method="PUT", path="/"), region="cn-hangzhou") == {}


async def test_what_goes_wrong_is_an_error_of_the_cloud(server: Server, elsewhere: Elsewhere) -> None:
    async def call(product: str, action: str) -> Any:
        return await elsewhere.call(ROOT, product, action, PathCall(method="GET", path="/"), region="cn-hangzhou")

    server.answer = (404, {"code": "ErrorClusterNotFound", "message": "none"})
    with pytest.raises(CloudError, match="ErrorClusterNotFound message: none"):
        await call("CS", "DescribeCluster")
    with pytest.raises(CloudError, match=r"Forbidden\.RAM"):
        await call("CS", "DeleteCluster")
    with pytest.raises(CloudError, match="--roa-endpoint fc=URL"):
        await call("FC", "InvokeFunction")
    server.answer = (200, "x")
    assert await call("CS", "Odd") == "x"
    assert len(server.requests) == 2


def test_endpoints_are_written_as_service_and_address() -> None:
    assert read_endpoints(["CS=https://cs.example/"]) == {"cs": "https://cs.example/"}
    for wrong in ("cs", "=http://x", "cs=ftp://x"):
        with pytest.raises(ConfigurationError):
            read_endpoints([wrong])
