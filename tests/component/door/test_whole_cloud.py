"""Every operation of the whole cloud, put together on drivers that keep everything in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.door import Door, open_door
from tidegate.assembly import Cloud
from tidegate.clock import SystemClock
from tidegate.docs import all_products
from tidegate.errors import CloudError
from tidegate.services.operation import Operation, Principal
from tidegate.services.ram.users import Profile
from tidegate.settings import Settings
from tidegate.wire.parameters import flatten
from tidegate.wire.shapes import Json, Many, Record, Shape, Text, record_of

OPERATIONS = [
    (operation, version)
    for product in all_products()
    if not product.rest
    for operation in product.operations.values()
    for version in operation.versions
]


@pytest.fixture
async def cloud(database_dsn: str, tmp_path: Path) -> AsyncIterator[Cloud]:
    settings = Settings(
        data_dir=tmp_path / "data", port=0, database=database_dsn, hosts="memory", gate="memory", ephemeral=True
    )
    async with Cloud.running(settings) as running:
        yield running


@pytest.fixture
def signer() -> Door:
    return open_door(clock=SystemClock())


async def test_who_has_no_permission_is_denied_everything_in_the_words_of_the_product(
    cloud: Cloud, signer: Door
) -> None:
    account = await cloud.services.ram.account_id()
    await cloud.services.ram.users.create(account, "nobody", Profile())
    root = Principal(kind="Account", account_id=account, id=account)
    key, secret = await cloud.services.ram.keys.create(root, "nobody")

    answers = {}
    for operation, version in OPERATIONS:
        knock = signer.rpc(operation.name, key=(key.access_key_id, secret), Version=version)
        answers[operation, version] = await knock.at(cloud.gateway)

    passed = {operation.name for (operation, _), reply in answers.items() if reply.status == 200}
    assert passed == {"GetCallerIdentity"}
    for (operation, _), reply in answers.items():
        if reply.status != 200:
            assert (reply.status, reply.code) == (403, words(operation)), operation.name
            assert reply.tree["AccessDeniedDetail"]["AuthAction"] in operation.actions


def words(operation: Operation) -> str:
    denial: CloudError = operation.product.denial(operation.actions[0], "*")
    return denial.code


async def test_the_account_itself_never_meets_a_crash(cloud: Cloud, signer: Door) -> None:
    root = await cloud.services.ram.root_key()
    assert root is not None

    for operation, version in OPERATIONS:
        for parameters in ({}, {"RegionId": "nowhere", "PageSize": "-1"}):
            knock = signer.rpc(operation.name, key=(root.access_key_id, root.secret), Version=version, **parameters)
            reply = await knock.at(cloud.gateway)
            assert reply.status < 500, (operation.product.name, operation.name, version, parameters)


def garbage(shape: Shape, text: str) -> Any:
    """Return a value of the right shape that means nothing."""
    match shape:
        case Json():
            return "{}" if "dict" in str(shape.type) else "[]"
        case Many(item):
            return [garbage(item, text)]
        case Record(_, fields):
            return {field.wire: garbage(field.shape, text) for field in fields}
        case Text(kind) if kind is bool:
            return "true"
        case Text(kind) if kind is int or kind is float:
            return "1"
        case _:
            return text


@pytest.mark.parametrize("text", ["x", "潮 <&>'\"%s\\", "*", "9" * 300, "2024-01-01T00:00Z", "0.0.0.0/0", "{}"])
async def test_nonsense_never_crashes_an_operation(cloud: Cloud, signer: Door, text: str) -> None:
    root = await cloud.services.ram.root_key()
    assert root is not None

    crashed = []
    for operation, version in OPERATIONS:
        fields = record_of(operation.request).fields
        nonsense = flatten({field.wire: garbage(field.shape, text) for field in fields})
        key = (root.access_key_id, root.secret)
        reply = await signer.rpc(operation.name, key=key, form=nonsense, Version=version).at(cloud.gateway)
        if reply.status >= 500:
            crashed.append(f"{operation.product.name} {operation.name} {version}")

    assert crashed == []
