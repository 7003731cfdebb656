"""The helper lives on without its control plane, takes everything along when it ends, and is one per directory."""

from __future__ import annotations

import asyncio
import os
import select
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from support.planes import NOBODY, eventually, interpreter_of, running_helper, state_directory
from tidegate.errors import PlaneError
from tidegate.plane.helper.client import HelperClient
from tidegate.plane.helper.protocol import SOCKET

as_everybody = pytest.mark.parametrize(
    "user",
    [
        pytest.param(None, id="ourselves"),
        pytest.param(NOBODY, id="ordinary-user", marks=pytest.mark.skipif(os.getuid() != 0, reason="not root")),
    ],
)


@pytest.fixture
async def helper(request: pytest.FixtureRequest) -> AsyncIterator[HelperClient]:
    async with running_helper(getattr(request, "param", None)) as client:
        yield client


def network(owner: str, address: str, switch: str = "vsw-1") -> dict[str, str]:
    subnet, gateway = address.rpartition(".")[0] + ".0/24", address.rpartition(".")[0] + ".253"
    return {"owner": owner, "switch": switch, "network": subnet, "gateway": gateway, "address": address}


async def talk(helper: HelperClient, client: str | None, server: str, address: str) -> str:
    """Connect from one namespace to another and return the source address that the server sees."""
    with await helper.request_socket("network.socket", owner=server) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, 80))
        listening.listen()
        listening.settimeout(5)
        with await helper.request_socket("network.socket", owner=client) as connecting:
            connecting.settimeout(5)
            await asyncio.to_thread(connecting.connect, (address, 80))
            accepted, peer = await asyncio.to_thread(listening.accept)
            accepted.close()
            return str(peer[0])


@as_everybody
async def test_namespaces_reach_each_other_and_the_router_reaches_all(user: int | None) -> None:
    async with running_helper(user) as helper:
        await helper.request("network.create", **network("a", "172.16.0.1"))
        await helper.request("network.create", **network("b", "172.16.0.2"))
        await helper.request("network.create", **network("c", "172.16.1.1", "vsw-2"))

        assert await talk(helper, "a", "b", "172.16.0.2") == "172.16.0.1"
        assert await talk(helper, "a", "c", "172.16.1.1") == "172.16.0.1"
        assert await talk(helper, None, "c", "172.16.1.1") == "172.16.1.253"


async def test_an_address_is_given_once_and_is_free_when_its_network_is_destroyed(helper: HelperClient) -> None:
    await helper.request("network.create", **network("a", "172.16.0.1"))
    await helper.request("network.create", **network("a", "172.16.0.1"))
    with pytest.raises(PlaneError, match="belongs to a"):
        await helper.request("network.create", **network("b", "172.16.0.1"))

    # A socket that somebody still holds must not keep the address alive.
    with await helper.request_socket("network.socket", owner="a"):
        await helper.request("network.destroy", owner="a")
        await helper.request("network.destroy", owner="a")
        assert await helper.request("network.links") == ["lo"]
        await helper.request("network.create", **network("b", "172.16.0.1"))
        assert await talk(helper, None, "b", "172.16.0.1") == "172.16.0.253"


async def test_a_refusal_names_the_reason_and_the_helper_goes_on(helper: HelperClient) -> None:
    with pytest.raises(PlaneError, match="knows no verb 'nonsense'"):
        await helper.request("nonsense")
    with pytest.raises(PlaneError, match="nobody has no network"):
        await helper.request_socket("network.socket", owner="nobody")

    assert await helper.request("network.links") == ["lo"]


async def test_a_second_client_adopts_the_helper_with_everything_in_it(helper: HelperClient) -> None:
    await helper.request("network.create", **network("a", "172.16.0.1"))
    before = helper.boot_id
    await helper.close()

    again = HelperClient(helper.directory)
    await again.open()

    assert again.boot_id == before
    assert "v2" in await again.request("network.links")
    await again.close()


async def test_clients_that_start_at_once_share_one_helper() -> None:
    with state_directory() as directory:
        clients = [HelperClient(directory) for _ in range(4)]

        await asyncio.gather(*(client.open() for client in clients))

        assert len({client.boot_id for client in clients}) == 1
        for client in clients[1:]:
            await client.close()
        await clients[0].close(destroy=True)


async def test_a_killed_helper_is_reported_once_and_the_next_request_starts_another(helper: HelperClient) -> None:
    lost: list[str | None] = []
    await helper.open()
    helper.on_lost(lambda: lost.append(helper.boot_id))
    before, pid = helper.boot_id, helper.pid
    assert pid is not None

    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: bool(lost), "the loss is reported")

    assert await helper.request("network.links") == ["lo"]
    assert lost == [None]
    assert helper.boot_id != before


async def test_a_helper_whose_directory_is_removed_ends_by_itself(helper: HelperClient) -> None:
    await helper.request("network.create", **network("a", "172.16.0.1"))
    pid = helper.pid
    assert pid is not None
    await helper.close()

    shutil.rmtree(helper.directory)

    await eventually(lambda: not psutil.pid_exists(pid), "the helper has ended")
    helper.directory.mkdir()


async def test_a_directory_too_long_for_a_socket_path_works() -> None:
    with state_directory() as directory:
        deep = directory / ("d" * 100) / ("e" * 100)
        client = HelperClient(deep)

        await client.open()

        assert len(str(deep / SOCKET)) > 108
        await client.close(destroy=True)


async def test_a_helper_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "helper.lock").mkdir()
    client = HelperClient(tmp_path)

    with pytest.raises(PlaneError, match=r"helper.lock"):
        await client.open()


async def test_destroying_what_never_ran_starts_nothing(tmp_path: Path) -> None:
    client = HelperClient(tmp_path)

    await client.close(destroy=True)

    assert not (tmp_path / "helper.lock").exists()


def test_an_ordinary_user_has_an_interpreter_here() -> None:
    assert Path(interpreter_of(None)).exists()


async def test_a_helper_that_follows_a_process_ends_with_it_however_that_ends() -> None:
    with state_directory() as directory:
        code = (
            "import asyncio, pathlib, sys; from tidegate.plane.helper.client import HelperClient\n"
            "async def main():\n"
            "    helper = HelperClient(pathlib.Path(sys.argv[1])); await helper.open(); await helper.follow_us()\n"
            "    print(helper.pid, flush=True); await asyncio.sleep(60)\n"
            "asyncio.run(main())"
        )
        owner = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code, str(directory)),
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3] / "src")},
        )
        assert owner.stdout is not None
        pid = int(await owner.stdout.readline())
        alive = os.pidfd_open(pid)

        owner.kill()
        await owner.wait()

        await eventually(lambda: bool(select.select([alive], [], [], 0)[0]), "the helper ends")
        os.close(alive)
