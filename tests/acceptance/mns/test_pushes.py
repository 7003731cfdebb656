"""HTTP subscriptions: pushes are signed as receivers check it, and come again until they are taken."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1
from mns.subscription import SubscriptionMeta
from mns.topic import TopicMessage, TopicMeta

from support.clouds import open_memory
from support.sdks import Sdks
from tidegate.assembly import Cloud
from tidegate.folder import DataFolder

Request = tuple[str, dict[str, str], bytes]


class Endpoint:
    """An HTTP server that keeps what it is sent and answers 500 until it is told to be well."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[Request] = asyncio.Queue()
        self.status = 500
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        await self.got.put((head[0].split(" ")[1], headers, body))
        writer.write(f"HTTP/1.1 {self.status} X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".encode())
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def listening() -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0)
    endpoint.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield endpoint


async def read(url: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.split(":")[2].split("/", maxsplit=1)[0]))
    writer.write(f"GET /{url.split('/', 3)[3]} HTTP/1.0\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.partition(b"\r\n\r\n")[2]


async def check(request: Request) -> None:
    """Do what the vendor's sample receivers do: build the text that was signed and ask the certificate."""
    path, headers, body = request
    own = "\n".join(f"{name}:{value}" for name, value in sorted(headers.items()) if name.startswith("x-mns-"))
    to_sign = f"POST\n{headers['content-md5']}\n{headers['content-type']}\n{headers['date']}\n{own}\n{path}"
    certificate = await read(base64.b64decode(headers["x-mns-signing-cert-url"]).decode())
    key = x509.load_pem_x509_certificate(certificate).public_key()
    assert isinstance(key, RSAPublicKey)
    key.verify(base64.b64decode(headers["authorization"]), to_sign.encode(), PKCS1v15(), SHA1())
    assert base64.b64decode(headers["content-md5"]).decode() == hashlib.md5(body).hexdigest()


async def until_written_down(cloud: Cloud) -> None:
    """Return once the failure of the first try is journaled."""
    async with asyncio.timeout(10), cloud.database.connection() as db:
        while not await db.fetchval("select count(*) from journal where name = 'try:1'"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # nobody tells


async def test_a_push_is_signed_and_comes_again_until_it_is_taken(database_dsn: str, tmp_path: Path) -> None:
    async with (
        listening() as endpoint,
        open_memory(database_dsn, tmp_path, push_endpoints=(f"{endpoint.url}/hook",), adjustable_clock=True) as opened,
    ):
        cloud = opened.cloud
        key = DataFolder(cloud.settings.data_dir).read_local_key()
        topic = Sdks(cloud.url.removeprefix("http://"), key.access_key_id, key.access_key_secret).mns().get_topic("n")
        await asyncio.to_thread(topic.create, TopicMeta())
        meta = SubscriptionMeta(f"{endpoint.url}/hook/me?x=1", "BACKOFF_RETRY", "SIMPLIFIED", "")
        await asyncio.to_thread(topic.get_subscription("s").subscribe, meta)
        published = await asyncio.to_thread(topic.publish_message, TopicMessage("潮 comes in", "tag-1"))

        first = await asyncio.wait_for(endpoint.got.get(), 10)
        endpoint.status = 204
        await until_written_down(cloud)
        await cloud.advance(timedelta(seconds=20))
        second = await asyncio.wait_for(endpoint.got.get(), 10)

        for request in (first, second):
            await check(request)
            path, headers, body = request
            assert (path, body.decode()) == ("/hook/me?x=1", "潮 comes in")
            assert headers["x-mns-message-id"] == published.message_id
            assert headers["x-mns-message-tag"] == "tag-1"
