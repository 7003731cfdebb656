"""HTTP as clients speak it on the wire: proxies, odd targets, broken requests, one connection for many calls."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from support.door import Knock
from support.door_server import Served


@pytest.fixture
def connection(served: Served) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as made:
        yield made


def target(knock: Knock) -> str:
    return f"/?{knock.query.decode()}"


def headers(knock: Knock) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in knock.headers}


def exchange(connection: socket.socket, request: bytes) -> http.client.HTTPResponse:
    connection.sendall(request)
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response


def test_many_calls_share_one_connection(served: Served) -> None:
    client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)

    for number in range(20):
        knock = served.door.rpc("OpenGate", GateId=f"g-{number}", method="GET" if number % 2 else "POST")
        client.request(knock.method, target(knock), headers={"Content-Length": "0"} if number % 2 == 0 else {})
        answer = client.getresponse()
        assert json.loads(answer.read())["GateId"] == f"g-{number}"
        assert answer.status == 200

    client.close()


@pytest.mark.parametrize("dialect", ["rpc", "acs3"])
def test_the_door_can_be_used_as_an_http_proxy(served: Served, dialect: str) -> None:
    """Ansible's modules have no endpoint option, but obey ``http_proxy`` (wire.md 1)."""
    host = "tide-cn-hangzhou.aliyuncs.example"
    door = served.door
    knock = door.rpc("OpenGate", GateId="p") if dialect == "rpc" else door.acs3("OpenGate", {"GateId": "p"}, host=host)
    client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)

    sent = {name: value for name, value in headers(knock).items() if name != "host"}
    client.request(knock.method, f"http://{host}{target(knock)}", headers={"Host": host, **sent})
    answer = client.getresponse()

    assert json.loads(answer.read())["GateId"] == "p"
    client.close()


def test_a_body_that_grows_too_large_is_refused(served: Served, connection: socket.socket) -> None:
    head = b"POST /?Action=OpenGate&Format=JSON HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"

    answer = exchange(connection, head + chunk * 17 + b"0\r\n\r\n")

    assert answer.status == 413
    assert json.loads(answer.read())["Code"] == "RequestEntityTooLarge"


def test_an_announced_body_that_is_too_large_is_refused_unread(served: Served, connection: socket.socket) -> None:
    answer = exchange(connection, b"POST /?Format=JSON HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n")

    assert answer.status == 413


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused_readably(served: Served, method: str) -> None:
    client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)

    client.request(method, "/?Action=OpenGate&Format=JSON")
    answer = client.getresponse()

    assert (answer.status, json.loads(answer.read())["Code"]) == (400, "UnsupportedHTTPMethod")
    client.close()


def test_what_is_no_http_is_refused_without_html(served: Served, connection: socket.socket) -> None:
    answer = exchange(connection, b"hello?\r\n\r\n")

    assert answer.status == 400
    assert json.loads(answer.read())["Code"] == "InvalidRequest"


@pytest.mark.parametrize(
    "head",
    [
        b"GET /?" + b"x" * 2_000_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-Header: " + b"x" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X-Header: x\r\n" * 10_000 + b"\r\n",
    ],
)
def test_a_head_that_is_too_long_is_refused(connection: socket.socket, head: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.sendall(head)
    received = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            received += part

    assert b"200" not in received.partition(b"\r\n")[0]


def test_an_absolute_target_may_lack_its_path(served: Served, connection: socket.socket) -> None:
    knock = served.door.rpc("OpenGate", GateId="bare", method="GET")

    answer = exchange(connection, b"GET http://tide.example?%s HTTP/1.1\r\nHost: h\r\n\r\n" % knock.query)

    assert json.loads(answer.read())["GateId"] == "bare"


def test_long_queries_arrive_whole(served: Served) -> None:
    """Templates of 64 KB travel in the query (wire.md 6)."""
    knock = served.door.rpc("OpenGate", GateId="潮" * 20_000)
    client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)

    client.request("POST", target(knock))
    answer = client.getresponse()

    assert json.loads(answer.read())["GateId"] == "潮" * 20_000
    client.close()
