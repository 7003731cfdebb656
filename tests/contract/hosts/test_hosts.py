"""What every hosts driver promises (plane/hosts/base.py)."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from support.hosts_world import EVERY, REAL, HostWorld
from tidegate.errors import PlaneError
from tidegate.plane.hosts.base import Command, Host

everywhere = pytest.mark.parametrize("world", EVERY, indirect=True)
really = pytest.mark.parametrize("world", REAL, indirect=True)


@everywhere
async def test_a_host_is_made_once_however_often_it_is_asked_for(world: HostWorld) -> None:
    spec = world.spec(1)

    first, second = await asyncio.gather(world.hosts.create(spec), world.hosts.create(spec))

    assert first == second == Host(id="i-1", address=spec.address, state="Running")
    assert await world.hosts.list() == [first]


@everywhere
async def test_an_id_or_an_address_that_is_taken_is_refused_and_nothing_is_left_of_the_attempt(
    world: HostWorld,
) -> None:
    await world.hosts.create(world.spec(1))

    with pytest.raises(PlaneError, match="made of something else"):
        await world.hosts.create(world.spec(1, hostname="another"))
    with pytest.raises(PlaneError, match="belongs to i-1"):
        await world.hosts.create(world.spec(2, address=world.spec(1).address))

    assert [host.id for host in await world.hosts.list()] == ["i-1"]


@everywhere
async def test_a_host_that_is_not_there_can_be_stopped_and_destroyed_but_not_used(world: HostWorld) -> None:
    await world.hosts.stop("i-9")
    await world.hosts.destroy("i-9")

    assert await world.hosts.list() == []
    assert await world.hosts.console("i-9") == b""
    with pytest.raises(PlaneError):
        await world.hosts.start("i-9")
    with pytest.raises(PlaneError):
        await world.sh("i-9", "true")
    with pytest.raises(PlaneError):
        await world.hosts.connect("i-9", world.spec(1).address, 80)


@everywhere
async def test_a_stopped_host_is_listed_and_runs_nothing_until_it_is_started(world: HostWorld) -> None:
    spec = world.spec(1)
    await world.hosts.create(spec)

    await world.hosts.stop("i-1")
    await world.hosts.stop("i-1")

    stopped = Host(id="i-1", address=spec.address, state="Stopped")
    assert await world.hosts.list() == [stopped]
    assert await world.hosts.create(spec) == stopped
    with pytest.raises(PlaneError, match="not running"):
        await world.sh("i-1", "true")
    with pytest.raises(PlaneError):
        await world.hosts.connect("i-1", spec.address, 80)

    running = await world.hosts.start("i-1")
    assert running == await world.hosts.start("i-1") == Host(id="i-1", address=spec.address, state="Running")
    assert await world.says("i-1", "echo", "up") == "up"


@everywhere
async def test_an_address_is_free_again_when_its_host_is_destroyed(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1))
    await world.hosts.destroy("i-1")
    assert await world.hosts.list() == []

    await world.hosts.create(world.spec(2, address=world.spec(1).address))

    assert [host.id for host in await world.hosts.list()] == ["i-2"]


@everywhere
async def test_commands_report_their_exit_code_and_output(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1))

    ended = await world.sh("i-1", "echo one; echo two; exit 3")
    missing = await world.hosts.run("i-1", Command(argv=["no-such-program"]))
    echoed = await world.hosts.run("i-1", Command(argv=["cat"], stdin=b"\x00\xff\n"))

    assert (ended.exit_code, ended.output, ended.dropped) == (3, b"one\ntwo\n", 0)
    assert missing.exit_code == 127
    assert b"no-such-program" in missing.output
    assert echoed.output == b"\x00\xff\n"


@everywhere
async def test_output_beyond_the_limit_is_counted_and_not_kept(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1))

    outcome = await world.hosts.run("i-1", Command(argv=["cat"], stdin=b"x" * 200_000, keep=1_000))

    assert (outcome.output, outcome.dropped) == (b"x" * 1_000, 199_000)


@everywhere
async def test_a_host_knows_its_address_and_its_environment(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1))

    said = await world.says("i-1", "sh", "-c", "echo $PRIVATE_IP $COLOUR", environment={"COLOUR": "blue"})

    assert said == f"{world.spec(1).address} blue"


@everywhere
async def test_a_command_that_takes_too_long_is_killed(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1))

    outcome = await world.sh("i-1", "echo begun; sleep 1000", timeout=0.2)

    assert outcome.exit_code is None
    assert outcome.output == b"begun\n"


@everywhere
async def test_user_data_runs_at_the_first_boot_only_and_speaks_on_the_console(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1, user_data=b"#!/bin/sh\necho hello from user data\nexit 7\n"))

    first = await world.console_says("i-1", "user data ended with exit status 7")
    await world.hosts.stop("i-1")
    await world.hosts.start("i-1")
    second = await world.console_says("i-1", "booting i-1")

    assert "hello from user data" in first
    assert "hello from user data" not in second


@everywhere
async def test_user_data_may_be_compressed(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1, user_data=gzip.compress(b"#!/bin/sh\necho unpacked\n")))

    await world.console_says("i-1", "unpacked")

    with pytest.raises(PlaneError, match="cannot be unpacked"):
        await world.hosts.create(world.spec(2, user_data=gzip.compress(b"#!/bin/sh\n")[:-4]))


@everywhere
async def test_closing_with_destroy_ends_every_host(world: HostWorld) -> None:
    await asyncio.gather(*(world.hosts.create(world.spec(n)) for n in range(1, 4)))

    await world.hosts.close(destroy=True)

    assert await world.hosts.list() == []


@really
async def test_user_data_that_is_no_script_is_not_run(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1, user_data=b"#cloud-config\npackages: [nginx]\n"))

    await world.console_says("i-1", "no script")


@really
async def test_what_is_written_survives_stop_and_start(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1, user_data=b'#!/bin/sh\necho x >>"$HOME/boots"\necho done\n'))
    await world.console_says("i-1", "status 0")
    await world.says("i-1", "sh", "-c", 'echo kept >"$HOME/file" && mkdir "$HOME/folder"')

    for _ in range(2):
        await world.hosts.stop("i-1")
        await world.hosts.start("i-1")

    assert await world.says("i-1", "sh", "-c", 'cat "$HOME/file" "$HOME/boots" && ls -d "$HOME/folder"')
    assert (await world.says("i-1", "sh", "-c", 'cat "$HOME/boots"')) == "x"


@really
async def test_commands_run_where_and_as_they_are_told(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1))

    inside = await world.hosts.run("i-1", Command(argv=["pwd"], directory="/usr/bin"))
    killed = await world.sh("i-1", "kill -TERM $$")
    mixed = await world.sh("i-1", "echo out; echo err >&2; echo out")
    forbidden = await world.hosts.run("i-1", Command(argv=["/usr"]))
    with pytest.raises(PlaneError, match="/no/such/place"):
        await world.hosts.run("i-1", Command(argv=["pwd"], directory="/no/such/place"))

    assert inside.output == b"/usr/bin\n"
    assert killed.exit_code == 128 + 15
    assert mixed.output == b"out\nerr\nout\n"
    assert forbidden.exit_code == 126


@really
async def test_many_commands_run_at_once(world: HostWorld) -> None:
    await asyncio.gather(*(world.hosts.create(world.spec(n)) for n in (1, 2)))
    # Each waits for the other nineteen: one after the other they would never end.
    script = 'touch "$HOME/$0"; while [ $(ls "$HOME" | grep -c mark) -lt 10 ]; do sleep 0.02; done; echo $0'

    outcomes = await asyncio.gather(
        *(
            world.hosts.run(f"i-{host}", Command(argv=["sh", "-c", script, f"mark-{number}"], timeout=30))
            for host in (1, 2)
            for number in range(10)
        )
    )

    assert [outcome.exit_code for outcome in outcomes] == [0] * 20
    assert {outcome.output for outcome in outcomes} == {f"mark-{number}\n".encode() for number in range(10)}


@really
async def test_a_time_limit_ends_the_whole_process_group(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1))
    await world.idles()

    outcome = await world.sh("i-1", "sleep 1000 & sleep 1000 & echo begun; wait", timeout=0.3)

    assert (outcome.exit_code, outcome.output) == (None, b"begun\n")
    await world.idles()


@really
async def test_a_cancelled_command_is_killed(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1))
    await world.idles()
    running = asyncio.create_task(world.sh("i-1", 'touch "$HOME/begun"; sleep 1000'))
    await world.sh("i-1", 'until [ -e "$HOME/begun" ]; do sleep 0.01; done')

    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    await world.idles()


@really
async def test_what_a_command_leaves_in_the_background_goes_on(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1))

    left = await world.sh("i-1", '(while :; do echo tick; echo x >>"$HOME/ticks"; sleep 0.02; done) & echo left')
    seen = await world.sh("i-1", 'rm "$HOME/ticks"; until [ -s "$HOME/ticks" ]; do sleep 0.01; done', timeout=10)

    assert left.exit_code == 0
    assert b"left" in left.output
    assert seen.exit_code == 0


@really
async def test_python_is_there(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1))

    assert await world.says("i-1", "python3", "-c", "import json, socket, ssl; print(json.dumps(6 * 7))") == "42"


@really
async def test_hosts_reach_each_other_with_their_own_addresses(world: HostWorld) -> None:
    one, two = world.spec(1), world.spec(2)
    await asyncio.gather(world.hosts.create(one), world.hosts.create(two))
    server = asyncio.create_task(world.hosts.run("i-2", Command(argv=["python3", "-c", _SERVE, "1"], timeout=30)))

    client = await world.hosts.run("i-1", Command(argv=["python3", "-c", _CALL, two.address], timeout=30))

    assert client.output == f"hello {one.address}\n".encode()
    assert (await server).output == f"{one.address}\n".encode()


@really
async def test_a_connection_is_handed_over_from_inside_a_host_or_from_the_router(world: HostWorld) -> None:
    one, two = world.spec(1), world.spec(2)
    await asyncio.gather(world.hosts.create(one), world.hosts.create(two))
    serving = Command(argv=["python3", "-c", _SERVE, "2"], timeout=30)
    server = asyncio.create_task(world.hosts.run("i-2", serving))
    await _listening(world, two.address)

    with await world.hosts.connect("i-1", two.address, 8000) as connection:
        assert connection.gettimeout() is None
        said = await asyncio.to_thread(connection.recv, 100)

    assert said == f"hello {one.address}\n".encode()
    assert (await server).exit_code == 0


@really
async def test_a_connection_nobody_accepts_fails_as_connect_does(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1))

    with pytest.raises(ConnectionRefusedError):
        await world.hosts.connect("i-1", world.spec(1).address, 1)
    with pytest.raises(ConnectionRefusedError):
        await world.hosts.connect(None, world.spec(1).address, 1)


@really
async def test_destroying_leaves_nothing(world: HostWorld) -> None:
    await asyncio.gather(*(world.hosts.create(world.spec(n)) for n in range(1, 6)))
    await world.sh("i-1", "setsid sleep 1000 & mkdir -p /tmp/x; chmod 000 /tmp/x; echo")

    await asyncio.gather(*(world.hosts.destroy(f"i-{n}") for n in range(1, 6)))

    assert world.processes() == []
    folder = world.directory / "hosts" if world.helper else world.directory
    assert list(folder.iterdir()) == []
    if world.helper is not None:
        assert await world.helper.request("network.links") == ["lo"]


@really
async def test_hosts_live_on_without_their_control_plane_and_are_adopted(world: HostWorld) -> None:
    await world.hosts.create(world.spec(1, user_data=b'#!/bin/sh\necho x >>"$HOME/boots"\n'))
    await world.hosts.create(world.spec(2))
    await world.hosts.stop("i-2")
    await world.console_says("i-1", "status 0")
    await world.leave()

    again = await world.again()

    assert [(host.id, host.state) for host in sorted(await again.hosts.list(), key=lambda host: host.id)] == [
        ("i-1", "Running"),
        ("i-2", "Stopped"),
    ]
    assert await again.hosts.create(world.spec(1, user_data=b'#!/bin/sh\necho x >>"$HOME/boots"\n'))
    assert await again.says("i-1", "sh", "-c", 'cat "$HOME/boots"') == "x"
    await again.hosts.destroy("i-1")
    await again.hosts.start("i-2")
    assert await again.says("i-2", "echo", "up") == "up"
    await again.leave()


async def _listening(world: HostWorld, address: str) -> None:
    for _ in range(500):
        try:
            (await world.hosts.connect(None, address, 8000)).close()
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
        else:
            return
    pytest.fail("the server in the host does not listen")


#: accepts so many connections, greets each by its address, prints the last of them
_SERVE = """
import os, socket, sys
server = socket.create_server((os.environ["PRIVATE_IP"], 8000))
for _ in range(int(sys.argv[1])):
    connection, (peer, _) = server.accept()
    connection.sendall(f"hello {peer}\\n".encode())
    connection.close()
print(peer, flush=True)
"""
#: connects with the host's address until somebody answers, prints what is said
_CALL = """
import os, socket, sys, time
source = (os.environ["PRIVATE_IP"], 0)
for _ in range(500):
    try:
        connection = socket.create_connection((sys.argv[1], 8000), 5, source_address=source)
        break
    except ConnectionRefusedError:
        time.sleep(0.01)
print(connection.makefile().readline(), end="")
"""
