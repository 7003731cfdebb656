"""A cloud as a whole, in this process, on an outside database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidegate.assembly import Cloud
from tidegate.errors import ConfigurationError
from tidegate.settings import Settings


def settings(folder: Path, database_dsn: str) -> Settings:
    return Settings(data_dir=folder, database=database_dsn, port=0, hosts="memory")


async def test_two_processes_of_one_folder_share_a_database_and_its_account(tmp_path: Path, database_dsn: str) -> None:
    wanted = settings(tmp_path, database_dsn)

    async with Cloud.running(wanted) as one, Cloud.running(wanted) as other, one.client() as client:
        await client.call("ram", "CreateUser", {"UserName": "ada"}, region="cn-hangzhou")

        assert one.url != other.url
        assert await one.services.ram.account_id() == await other.services.ram.account_id()


async def test_a_database_is_driven_from_the_folder_where_its_hosts_live_only(
    tmp_path: Path, database_dsn: str
) -> None:
    async with Cloud.running(settings(tmp_path / "one", database_dsn)):
        pass

    with pytest.raises(ConfigurationError, match=str(tmp_path / "one")):
        async with Cloud.running(settings(tmp_path / "other", database_dsn)):
            pass


async def test_a_database_that_is_not_there_is_an_error_with_its_address(tmp_path: Path) -> None:
    from tidegate.errors import StoreError

    with pytest.raises(StoreError):
        async with Cloud.running(settings(tmp_path, "postgresql://nobody@127.0.0.1:1/none")):
            pass
