"""One flipped bit in anything that is signed is always refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from support.door import Door, Knock, Reply, open_door
from tidegate.errors import CloudError
from tidegate.wire.query import parse

PARAMETERS = {"GateId": "g-1 潮*/~", "Note": "a+b", "Amount": "3"}


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


def meaning(raw: bytes) -> object:
    """Two spellings of one text (``%2f`` and ``%2F``, ``+`` and ``%20``) are the same call."""
    try:
        return parse(raw)
    except CloudError as error:
        return error.code


def knock_at(door: Door, knock: Knock) -> Reply:
    return asyncio.run(knock.at(door.gateway))


def assert_refused(door: Door, knock: Knock) -> None:
    reply = knock_at(door, knock)
    assert reply.status >= 400, reply.body
    assert door.service.opened == []


@given(st.integers(0, 1 << 16), st.booleans())
def test_in_the_query_or_form_of_an_rpc_call(bit: int, in_form: bool) -> None:
    door = open_door()
    knock = door.rpc("OpenGate", form=PARAMETERS) if in_form else door.rpc("OpenGate", **PARAMETERS)
    changed = replace(knock, body=flip(knock.body, bit)) if in_form else replace(knock, query=flip(knock.query, bit))
    assume(meaning(changed.query) != meaning(knock.query) or meaning(changed.body) != meaning(knock.body))

    assert_refused(door, changed)


@given(st.integers(0, 1 << 16))
def test_in_the_query_of_an_acs3_call(bit: int) -> None:
    door = open_door()
    knock = door.acs3("OpenGate", PARAMETERS)
    changed = replace(knock, query=flip(knock.query, bit))
    assume(meaning(changed.query) != meaning(knock.query))

    assert_refused(door, changed)


@given(st.integers(0, 1 << 16))
def test_in_the_body_of_an_acs3_call(bit: int) -> None:
    door = open_door()
    knock = door.acs3("OpenGate", form=PARAMETERS)

    assert_refused(door, replace(knock, body=flip(knock.body, bit)))


@given(st.data())
def test_in_any_header_of_an_acs3_call(data: st.DataObject) -> None:
    door = open_door()
    knock = door.acs3("OpenGate", PARAMETERS)
    index = data.draw(st.integers(0, len(knock.headers) - 1))
    name, value = knock.headers[index]
    changed = flip(value, data.draw(st.integers(0, len(value) * 8 - 1)))
    assume(changed.strip() != value)
    headers = [*knock.headers[:index], (name, changed), *knock.headers[index + 1 :]]

    assert_refused(door, replace(knock, headers=headers))


@given(st.sampled_from(["method", "path"]))
def test_in_method_or_path(what: str) -> None:
    door = open_door()
    knock = door.acs3("OpenGate", PARAMETERS)

    assert_refused(door, replace(knock, method="GET") if what == "method" else replace(knock, path="/x"))


def test_the_same_call_unchanged_is_let_in() -> None:
    door = open_door()

    assert knock_at(door, door.acs3("OpenGate", PARAMETERS)).status == 200
    assert knock_at(door, door.rpc("OpenGate", form=PARAMETERS)).status == 200


@given(st.binary(max_size=60), st.lists(st.tuples(st.binary(max_size=10), st.binary(max_size=20)), max_size=3))
def test_any_request_at_all_gets_a_readable_answer(query: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    door = open_door()

    reply = knock_at(door, Knock("POST", query, [*headers, (b"accept", b"application/json")]))

    assert reply.status in {400, 404, 413}
    assert reply.body
