"""Two gateways of one cloud, each with its own memory, on one database: what one learns counts for the other at once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.door import Door, TideService, open_door, tide
from tidegate.clock import SystemClock
from tidegate.errors import CloudError
from tidegate.gateway.app import Gateway
from tidegate.ids import Ids
from tidegate.services.operation import Principal
from tidegate.services.ram.service import Ram
from tidegate.services.ram.users import Profile
from tidegate.settings import Settings
from tidegate.store.database import Database
from tidegate.store.nonces import Nonces
from tidegate.vault import Vault

POLICY = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "tide:OpenGate", "Resource": "*"}]}


@dataclass
class Side:
    """One gateway with its own RAM and nonce book."""

    gateway: Gateway
    ram: Ram
    nonces: Nonces


@dataclass
class Pair:
    """Two sides, a user who may open gates, and a door that signs as that user."""

    one: Side
    other: Side
    account: str
    root: Principal
    user: Principal
    key: tuple[str, str]
    signer: Door

    async def opens(self, side: Side) -> str:
        reply = await self.signer.rpc("OpenGate", GateId="g", key=self.key).at(side.gateway)
        return "opened" if reply.status == 200 else reply.code


def side(database: Database) -> Side:
    clock, ids = SystemClock(), Ids()
    ram, nonces = Ram(database, Vault(b"0" * 32), clock, ids), Nonces(database)
    gateway = Gateway(
        {tide: TideService()},
        ram=ram,
        nonces=nonces,
        clock=clock,
        ids=ids,
        settings=Settings(data_dir=Path("/nonexistent")),
    )
    return Side(gateway, ram, nonces)


@pytest.fixture
async def pair(database: Database) -> AsyncIterator[Pair]:
    one, other = side(database), side(database)
    await one.ram.bootstrap()
    account = await one.ram.account_id()
    root = Principal(kind="Account", account_id=account, id=account)
    user = await one.ram.users.create(account, "ada", Profile())
    await one.ram.policies.create(account, "open", json.dumps(POLICY), "")
    await one.ram.attachments.attach(account, "Custom", "open", "User", "ada")
    key, secret = await one.ram.keys.create(root, "ada")
    ada = Principal(kind="RAMUser", account_id=account, id=user.user_id, name="ada")
    yield Pair(one, other, account, root, ada, (key.access_key_id, secret), open_door(clock=SystemClock()))
    await one.nonces.close()
    await other.nonces.close()


async def test_a_policy_taken_away_at_one_is_gone_at_the_other(pair: Pair) -> None:
    assert await pair.opens(pair.other) == "opened"

    await pair.one.ram.attachments.detach(pair.account, "Custom", "open", "User", "ada")

    assert await pair.opens(pair.other) == "Forbidden.RAM"


async def test_a_call_inside_a_process_sees_it_too(pair: Pair) -> None:
    caller = pair.other.gateway.caller(pair.user)
    assert (await caller.call("tide", "OpenGate", {"GateId": "g"}, region="cn-hangzhou"))["GateId"] == "g"

    await pair.one.ram.attachments.detach(pair.account, "Custom", "open", "User", "ada")

    with pytest.raises(CloudError, match=r"Forbidden\.RAM"):
        await caller.call("tide", "OpenGate", {"GateId": "g"}, region="cn-hangzhou")


async def test_a_key_put_to_sleep_and_woken_at_one_is_so_at_the_other(pair: Pair) -> None:
    async def set_status(status: str) -> None:
        await pair.one.ram.keys.set_status(pair.root, "ada", pair.key[0], status)

    assert await pair.opens(pair.other) == "opened"

    await set_status("Inactive")
    assert await pair.opens(pair.other) == "InvalidAccessKeyId.Inactive"

    await set_status("Active")
    assert await pair.opens(pair.other) == "opened"


async def test_a_key_removed_at_one_is_unknown_at_the_other(pair: Pair) -> None:
    assert await pair.opens(pair.other) == "opened"

    await pair.one.ram.keys.remove(pair.root, "ada", pair.key[0])

    assert await pair.opens(pair.other) == "InvalidAccessKeyId.NotFound"


async def test_a_call_seen_by_one_is_not_repeated_at_the_other(pair: Pair) -> None:
    knock = pair.signer.rpc("OpenGate", GateId="g", key=pair.key)

    first, second = await knock.at(pair.one.gateway), await knock.at(pair.other.gateway)

    assert first.status == 200
    assert second.code == "SignatureNonceUsed"
