"""The vault: what it seals only it opens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tidegate.errors import ConfigurationError
from tidegate.vault import KEY_FILE, Vault


def test_what_was_sealed_opens_again_for_its_owner(tmp_path: Path) -> None:
    vault = Vault.in_folder(tmp_path)

    assert vault.open(vault.seal("wisteria 秘密", "LTAI1"), "LTAI1") == "wisteria 秘密"


def test_a_sealed_secret_does_not_show_its_text(tmp_path: Path) -> None:
    sealed = Vault.in_folder(tmp_path).seal("wisteria", "LTAI1")

    assert b"wisteria" not in sealed


def test_a_secret_copied_to_another_owner_does_not_open(tmp_path: Path) -> None:
    vault = Vault.in_folder(tmp_path)
    sealed = vault.seal("wisteria", "LTAI1")

    with pytest.raises(ConfigurationError):
        vault.open(sealed, "LTAI2")


@pytest.mark.parametrize("damage", [b"", b"short", b"x" * 60])
def test_what_another_vault_sealed_is_refused_with_the_remedy(tmp_path: Path, damage: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"bring the vault\.key"):
        Vault.in_folder(tmp_path).open(damage, "LTAI1")


def test_the_key_survives_a_restart_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    sealed = Vault.in_folder(tmp_path).seal("wisteria", "LTAI1")

    assert Vault.in_folder(tmp_path).open(sealed, "LTAI1") == "wisteria"
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_processes_that_start_at_once_share_one_key_and_leave_no_drafts(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        vaults = list(pool.map(lambda _: Vault.in_folder(tmp_path), range(32)))

    sealed = vaults[0].seal("wisteria", "LTAI1")
    assert {vault.open(sealed, "LTAI1") for vault in vaults} == {"wisteria"}
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_a_key_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        Vault(b"too short")
