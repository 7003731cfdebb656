"""What every kind of load balancer promises; the real ones with real connections."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator

import msgspec
import pytest

from support.balancer_world import EVERY, QUICK, REAL, World, world
from tidegate.errors import ConfigurationError, PlaneError
from tidegate.plane.balancer.base import Check, Listener
from tidegate.plane.balancer.choose import choose_balancers

HTTP = b"GET /name HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"


@pytest.fixture(params=EVERY)
async def every(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with world(request.param) as made:
        yield made


@pytest.fixture(params=REAL)
async def real(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with world(request.param) as made:
        yield made


def tcp(made: World, *numbers: int, port: int = 80, check: Check | None = QUICK) -> Listener:
    return Listener(port=port, mode="tcp", check=check, targets=[made.target(number) for number in numbers])


async def answers(made: World, amount: int, port: int = 80) -> Counter[str]:
    return Counter([await made.ask(port) for _ in range(amount)])


async def test_applying_twice_is_applying_once_and_destroying_twice_is_no_error(every: World) -> None:
    spec = every.spec(tcp(every, 11, 12, check=None))

    await every.balancers.apply(spec)
    await every.balancers.apply(spec)
    seen = await every.balancers.look("lb-1")
    listed = await every.balancers.list()
    await every.balancers.destroy("lb-1")
    await every.balancers.destroy("lb-1")

    assert [(one.listener, one.target, one.health) for one in seen] == [
        (80, "i-11:8080", "unchecked"),
        (80, "i-12:8080", "unchecked"),
    ]
    assert list(listed) == ["lb-1"]
    assert not await every.balancers.list()
    assert not await every.balancers.look("lb-1")
    assert every.processes() == []


async def test_one_without_listeners_is_there_and_shows_nothing(every: World) -> None:
    await every.balancers.apply(every.spec(tcp(every, 11)))

    await every.balancers.apply(every.spec())

    assert list(await every.balancers.list()) == ["lb-1"]
    assert not await every.balancers.look("lb-1")


async def test_targets_share_by_weight_and_weight_0_gets_nothing_new(real: World) -> None:
    for number in (11, 12):
        await real.serve(number)
    both = real.spec(tcp(real, 11, 12))
    await real.balancers.apply(both)
    await real.healthy(i_11="up", i_12="up")
    shared = await answers(real, 20)

    targets = [real.target(11, weight=0), real.target(12)]
    await real.balancers.apply(real.spec(msgspec.structs.replace(both.listeners[0], targets=targets)))

    assert shared == {"11": 10, "12": 10}
    assert await answers(real, 10) == {"12": 10}


async def test_a_connection_outlives_weight_0_and_ends_with_its_target(real: World) -> None:
    await real.serve(11)
    listener = tcp(real, 11)
    await real.balancers.apply(real.spec(listener))
    await real.healthy(i_11="up")
    reader, writer = await real.connect(80)
    writer.write(b"one\n")
    first = await reader.readline()

    await real.balancers.apply(real.spec(msgspec.structs.replace(listener, targets=[real.target(11, weight=0)])))
    writer.write(b"two\n")
    second = await reader.readline()
    (seen,) = await real.balancers.look("lb-1")
    await real.balancers.apply(real.spec(msgspec.structs.replace(listener, targets=[])))

    assert (first, second, seen.connections) == (b"11\n", b"11\n", 1)
    async with asyncio.timeout(5):
        assert await reader.read() == b""


async def test_a_target_is_sent_to_after_its_first_success_and_not_after_failing(real: World) -> None:
    await real.serve(11)
    await real.balancers.apply(real.spec(tcp(real, 11)))
    await real.healthy(i_11="up")

    await real.balancers.apply(real.spec(tcp(real, 11, 12)))
    before = await answers(real, 6)
    await real.serve(12)
    await real.healthy(i_11="up", i_12="up")
    both = await answers(real, 6)
    await real.end(11)
    await real.healthy(i_11="down", i_12="up")

    assert before == {"11": 6}
    assert both == {"11": 3, "12": 3}
    assert await answers(real, 6) == {"12": 6}


async def test_http_targets_are_asked_for_a_page(real: World) -> None:
    await real.serve(11)
    check = Check(kind="http", interval=0.05, timeout=1, rise=1, fall=1, path="/well?a=b#c", domain="shop.example")
    listener = Listener(port=81, mode="http", check=check, targets=[real.target(11)])

    await real.balancers.apply(real.spec(listener))
    await real.healthy(i_11="up")

    assert await real.ask(81, HTTP) == "HTTP/1.1 200 OK"
    wrong = msgspec.structs.replace(check, statuses="500-599")
    await real.balancers.apply(real.spec(msgspec.structs.replace(listener, check=wrong)))
    await real.healthy(i_11="down")


async def test_another_listener_comes_and_goes_without_a_lost_connection(real: World) -> None:
    await real.serve(11)
    await real.balancers.apply(real.spec(tcp(real, 11)))
    await real.healthy(i_11="up")
    reader, writer = await real.connect(80)
    writer.write(b"one\n")
    first = await reader.readline()

    await real.balancers.apply(real.spec(tcp(real, 11), tcp(real, 11, port=81)))
    through_new = await real.ask(81)
    await real.balancers.apply(real.spec(tcp(real, 11)))
    writer.write(b"two\n")

    assert (first, through_new, await reader.readline()) == (b"11\n", "11", b"11\n")
    assert await real.ask(80) == "11"
    with pytest.raises(ConnectionRefusedError):
        await real.ask(81)


async def test_a_control_plane_finds_what_the_last_one_left(real: World) -> None:
    for number in (11, 12):
        await real.serve(number)
    await real.balancers.apply(real.spec(tcp(real, 11)))
    await real.healthy(i_11="up")
    before = real.processes()

    later = await real.again()
    await later.balancers.apply(later.spec(tcp(later, 12)))
    await real.healthy(i_12="up")
    answered = await real.ask(80)
    await later.close()

    assert answered == "12"
    assert real.processes() == before


@pytest.mark.parametrize("which", [0, -1])
async def test_a_killed_process_comes_back_as_it_was(real: World, which: int) -> None:
    await real.serve(11)
    await real.balancers.apply(real.spec(tcp(real)))
    await real.balancers.apply(real.spec(tcp(real, 11)))
    await real.healthy(i_11="up")
    before = real.processes()

    os.kill(before[which], signal.SIGKILL)

    async with asyncio.timeout(10):
        while set(real.processes()) & set(before) or len(real.processes()) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        while True:
            try:
                if await real.ask(80) == "11":
                    break
            except OSError:
                pass
            await asyncio.sleep(0.02)
    await real.balancers.apply(real.spec(tcp(real, 11)))


async def test_after_the_loss_of_the_plane_applying_brings_it_back() -> None:
    async with world("netns") as made:
        assert made.helper is not None
        await made.balancers.apply(made.spec(tcp(made, 11)))
        lost = asyncio.Event()
        made.balancers.on_lost(lost.set)
        assert made.helper.pid is not None
        os.kill(made.helper.pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            await lost.wait()
        made.forget_places()

        await made.serve(11)
        await made.balancers.apply(made.spec(tcp(made, 11)))
        await made.healthy(i_11="up")

        assert await made.ask(80) == "11"


async def test_a_check_that_could_change_the_configuration_is_refused(real: World) -> None:
    check = Check(kind="http", path="/'\n    bind :99")

    with pytest.raises(PlaneError, match="cannot be part of a health check"):
        await real.balancers.apply(real.spec(Listener(port=80, mode="http", check=check)))


async def test_a_port_that_cannot_be_had_is_told(real: World) -> None:
    await real.balancers.apply(real.spec(tcp(real, 11)))
    opened = (
        await real._socket(real.address(5))
        if real.helper is None
        else await real.helper.request_socket("network.socket", owner="lb-1")
    )
    opened.bind((real.address(5), 82))
    opened.listen()

    with opened, pytest.raises(PlaneError, match="did not take its listeners"):
        await real.balancers.apply(real.spec(tcp(real, 11), tcp(real, 11, port=82)))


def test_without_haproxy_load_balancers_are_records_that_say_so(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pathlib import Path

    def missing(setting: str) -> str:
        raise ConfigurationError(f"{setting} needs HAProxy")

    monkeypatch.setattr("tidegate.plane.balancer.choose.find_haproxy", missing)

    balancers, note = choose_balancers("loopback", Path(str(tmp_path)))

    assert balancers.name == "memory"
    assert "pass nothing on" in note
    with pytest.raises(ConfigurationError, match="needs HAProxy"):
        choose_balancers("loopback", Path(str(tmp_path)), wanted="haproxy")
    with pytest.raises(ConfigurationError, match="needs real hosts"):
        choose_balancers("memory", Path(str(tmp_path)), wanted="haproxy")
    with pytest.raises(ConfigurationError, match="unknown"):
        choose_balancers("loopback", Path(str(tmp_path)), wanted="nginx")
