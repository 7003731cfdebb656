"""The cloud's own pages, and what is no page at all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from support.door import Door, FixedClock, Knock, open_door
from tidegate.settings import Settings


async def ready() -> None:
    """Be ready."""


async def broken() -> None:
    raise OSError("away")


async def test_health_lists_every_product_and_part() -> None:
    door = open_door(probes={"database": ready})

    reply = await Knock("GET", b"", [], path="/_tidegate/health").at(door.gateway)

    assert reply.status == 200
    assert reply.tree["status"] == "ok"
    assert reply.tree["products"] == {"Tide": "ready"}
    assert reply.tree["parts"] == {"database": "ready"}


async def test_health_is_503_while_a_part_is_not_ready() -> None:
    door = open_door(probes={"database": ready, "gate": broken})

    reply = await Knock("GET", b"", [], path="/_tidegate/health").at(door.gateway)

    assert reply.status == 503
    assert reply.tree["parts"] == {"database": "ready", "gate": "starting"}


def adjustable(clock: FixedClock) -> Door:
    async def advance(by: timedelta) -> object:
        clock.advance(by)
        return clock.now()

    settings = Settings(data_dir=Path("/nonexistent"), adjustable_clock=True)
    return open_door(clock=clock, settings=settings, advance=advance)


def clock_knock(body: bytes, *headers: tuple[bytes, bytes]) -> Knock:
    return Knock("POST", b"", list(headers), body, path="/_tidegate/clock")


async def test_the_clock_moves_when_it_is_adjustable() -> None:
    clock = FixedClock()
    before = clock.now()

    reply = await clock_knock(b'{"advance": 21600}').at(adjustable(clock).gateway)

    assert reply.status == 200
    assert reply.tree == {"now": "2024-01-02T09:04:05+00:00"}
    assert clock.now() - before == timedelta(hours=6)


@pytest.mark.parametrize(
    "knock",
    [
        clock_knock(b'{"advance": -1}'),
        clock_knock(b'{"advance": 1e99}'),
        clock_knock(b'{"advance": "soon"}'),
        clock_knock(b"nonsense"),
        clock_knock(b'{"advance": 1}', (b"origin", b"http://a-page.example")),
        Knock("GET", b"", [], path="/_tidegate/clock"),
    ],
)
async def test_the_clock_stands_for_anything_else(knock: Knock) -> None:
    clock = FixedClock()
    before = clock.now()

    reply = await knock.at(adjustable(clock).gateway)

    assert reply.status in {400, 405}
    assert reply.tree["error"]
    assert clock.now() == before


async def test_clients_sign_by_their_own_clock_although_the_cloud_s_was_moved() -> None:
    """The cloud's clock stands in 2024 here; the machine's own is what clients have."""
    from tidegate.clock import SystemClock, to_seconds

    door = adjustable(FixedClock())

    reply = await door.rpc("OpenGate", GateId="g", Timestamp=to_seconds(SystemClock().now())).at(door.gateway)

    assert reply.status == 200


@pytest.mark.parametrize("path", ["/_tidegate/clock", "/nowhere", "/_tidegate/", "//", "/index.html"])
async def test_unknown_paths_are_json_errors(path: str) -> None:
    reply = await Knock("GET", b"", [], path=path).at(open_door().gateway)

    assert (reply.status, reply.code) == (404, "InvalidApi.NotFound")
    assert reply.headers["content-type"].startswith("application/json")
