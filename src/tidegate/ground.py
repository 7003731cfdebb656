"""What a cloud stands on: its folder, its database and its world, opened side by side.

Light to import, so that commands have them come up while the products are still being imported.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from tidegate.folder import DataFolder
from tidegate.plane.world import World, open_world
from tidegate.settings import Settings
from tidegate.store.database import Database
from tidegate.store.embedded import EmbeddedPostgres
from tidegate.vault import Vault


@dataclass(frozen=True)
class Ground:
    """The settings of a cloud and what was opened for them."""

    settings: Settings
    folder: DataFolder
    vault: Vault
    database: Database
    world: World


@asynccontextmanager
async def open_ground(settings: Settings) -> AsyncIterator[Ground]:
    """Open what a cloud stands on, and let go of it at the end.

    Hosts and Redis servers live on for the next start, unless the cloud is ephemeral. Raises ConfigurationError when the
    folder is in use or something asked for cannot be had.
    """
    folder = DataFolder(settings.data_dir)
    folder.create()
    vault = Vault.in_folder(folder.path)
    async with AsyncExitStack() as leaving:
        # Both come to an end before an error of either is raised, so that nothing opens behind our back.
        database, world = await asyncio.gather(
            _open_database(settings, folder, leaving), _open_world(settings, leaving), return_exceptions=True
        )
        for error in (database, world):
            if isinstance(error, BaseException):
                raise error
        assert isinstance(database, Database)
        assert isinstance(world, World)
        yield Ground(settings, folder, vault, database, world)


async def end_everything(settings: Settings) -> None:
    """End the hosts, the Redis servers and the database of a stopped cloud.

    Raises ConfigurationError when its control plane still runs.
    """
    async with open_ground(settings) as ground:
        await ground.world.close(destroy=True)


async def _open_database(settings: Settings, folder: DataFolder, leaving: AsyncExitStack) -> Database:
    dsn = settings.database
    if dsn is None:
        postgres = EmbeddedPostgres(folder.database, ephemeral=settings.ephemeral)
        dsn = await postgres.start()
        leaving.push_async_callback(postgres.stop)
    database = await Database.open(dsn)
    leaving.push_async_callback(database.close)
    return database


async def _open_world(settings: Settings, leaving: AsyncExitStack) -> World:
    world = await open_world(settings)
    leaving.push_async_callback(world.close, destroy=settings.ephemeral)
    return world
