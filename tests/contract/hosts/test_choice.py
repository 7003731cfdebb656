"""The hosts of a cloud are chosen by trying; what was asked for by name is had or refused with a remedy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.planes import NOBODY, interpreter_of
from tidegate.errors import ConfigurationError
from tidegate.plane import probe as probe_module
from tidegate.plane.probe import Choice, Findings, Step, choose, probe
from tidegate.settings import Settings

#: what a default container says
REFUSED = Findings(steps=(), refusal=Step("users", "unshare: Operation not permitted", 1))


class Chooser:
    """Chooses for one data folder, and ends what it has opened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: list[Choice] = []

    async def choose(self, hosts: str) -> Choice:
        self._made.append(await choose(Settings(data_dir=self._folder, hosts=hosts)))
        return self._made[-1]

    async def leave(self, choice: Choice) -> None:
        await choice.hosts.close()
        if choice.helper is not None:
            await choice.helper.close()

    async def end(self) -> None:
        for choice in self._made:
            await choice.hosts.close(destroy=True)
            if choice.helper is not None:
                await choice.helper.close(destroy=True)


@pytest.fixture
async def chooser(tmp_path: Path) -> AsyncIterator[Chooser]:
    made = Chooser(tmp_path)
    yield made
    await made.end()


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse() -> Findings:
        return REFUSED

    monkeypatch.setattr(probe_module, "probe", refuse)


async def test_the_trial_of_this_machine_tries_every_step() -> None:
    found = await probe()

    assert found.refusal is None, found.reason
    assert [step.step for step in found.steps if step.step != "users"] == [
        *("namespaces", "mounts", "bridge", "trees", "guests", "nftables", "sock_diag", "root")
    ]


async def test_an_ordinary_user_passes_the_trial_too() -> None:
    found = await probe(interpreter_of(NOBODY), NOBODY)

    assert found.refusal is None, found.reason
    assert found.steps[0] == Step("users")


async def test_isolated_hosts_are_chosen_where_they_can_be_had(chooser: Chooser) -> None:
    choice = await chooser.choose("auto")

    assert (choice.hosts.name, choice.hosts.block) == ("netns", "172.16.0.0/12")
    assert choice.helper is not None
    assert choice.reason


async def test_a_running_helper_is_adopted_without_a_trial(chooser: Chooser, request: pytest.FixtureRequest) -> None:
    first = await chooser.choose("auto")
    assert first.helper is not None
    before = first.helper.boot_id
    await chooser.leave(first)
    request.getfixturevalue("refused")

    again = await chooser.choose("auto")

    assert again.reason == "adopted"
    assert again.helper is not None
    assert again.helper.boot_id == before


@pytest.mark.usefixtures("refused")
async def test_plain_processes_are_the_way_out_and_say_what_they_do_not_enforce(chooser: Chooser) -> None:
    choice = await chooser.choose("auto")

    assert (choice.hosts.name, choice.hosts.block) == ("loopback", "127.16.0.0/12")
    assert "Operation not permitted" in choice.reason
    assert "not isolated" in choice.not_enforced


@pytest.mark.usefixtures("refused")
async def test_what_was_asked_for_by_name_is_never_replaced(chooser: Chooser) -> None:
    with pytest.raises(ConfigurationError, match=r"step 'users' was refused.*Remedy: .*or hosts=loopback"):
        await chooser.choose("netns")
    with pytest.raises(ConfigurationError, match="is unknown"):
        await chooser.choose("docker")


async def test_a_data_folder_keeps_its_driver(chooser: Chooser, request: pytest.FixtureRequest) -> None:
    await chooser.leave(await chooser.choose("loopback"))

    assert (await chooser.choose("auto")).hosts.name == "loopback"
    with pytest.raises(ConfigurationError, match="holds hosts of the driver loopback"):
        await chooser.choose("netns")
    request.getfixturevalue("refused")
    assert (await chooser.choose("auto")).hosts.name == "loopback"


async def test_simulated_hosts_are_had_only_by_name(chooser: Chooser) -> None:
    choice = await chooser.choose("memory")

    assert choice.hosts.name == "memory"
    assert "simulated" in choice.not_enforced
