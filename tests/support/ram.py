"""RAM and STS behind a door of their own, and clients that sign."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from support.door import Knock
from tidegate.clock import AdjustableClock, to_seconds
from tidegate.errors import CloudError
from tidegate.gateway.app import Gateway
from tidegate.ids import Ids
from tidegate.services.operation import Principal
from tidegate.services.ram.api import ram as ram_product
from tidegate.services.ram.service import Ram
from tidegate.services.sts.api import sts as sts_product
from tidegate.services.sts.service import Sts
from tidegate.settings import Settings
from tidegate.store.database import Database
from tidegate.store.nonces import Nonces
from tidegate.vault import Vault
from tidegate.wire.signatures import sign_rpc

RAM, STS = "2015-05-01", "2015-04-01"
ALLOW, DENY = "Allow", "Deny"


def policy(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements)})


def statement(
    action: str | list[str], resource: str | list[str] = "*", effect: str = ALLOW, **condition: Any
) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": effect, "Action": action, "Resource": resource}
    return {**made, "Condition": condition} if condition else made


def allow(action: str | list[str], resource: str | list[str] = "*", **condition: Any) -> str:
    return policy(statement(action, resource, ALLOW, **condition))


def trust(**principals: str | list[str]) -> str:
    return policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principals})


async def refusal(call: Awaitable[object]) -> tuple[int, str, str]:
    """Return status, code and message of the error that a call must end with."""
    with pytest.raises(CloudError) as caught:
        await call
    return caught.value.status, caught.value.code, caught.value.message


@dataclass
class Client:
    """Somebody with a key, at the door of one process."""

    gateway: Gateway
    clock: AdjustableClock
    key_id: str
    secret: str
    token: str | None = None

    async def call(self, action: str, **parameters: object) -> dict[str, Any]:
        """Return the answer's tree; raises CloudError as the client was told."""
        version = STS if action in ("AssumeRole", "GetCallerIdentity") else RAM
        query = {
            "Action": action,
            "Version": version,
            "Format": "JSON",
            "AccessKeyId": self.key_id,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureNonce": Ids().text(32),
            "Timestamp": to_seconds(self.clock.now()),
            **{name: str(value) for name, value in parameters.items()},
        }
        if self.token is not None:
            query["SecurityToken"] = self.token
        query["Signature"] = sign_rpc(self.secret, "POST", query)
        knock = Knock("POST", urlencode(query).encode(), [(b"host", b"ram.aliyuncs.com")])
        reply = await knock.at(self.gateway)
        tree = reply.tree
        if reply.status != 200:
            raise CloudError(tree["Code"], tree["Message"], reply.status, detail=tree.get("AccessDeniedDetail"))
        assert tree.pop("RequestId")
        return tree

    def at(self, node: Node) -> Client:
        """Return the same somebody at another door."""
        return Client(node.gateway, self.clock, self.key_id, self.secret, self.token)


@dataclass
class Node:
    """One process of a cloud that has nothing but RAM and STS."""

    gateway: Gateway
    ram: Ram
    sts: Sts
    clock: AdjustableClock
    account: str
    root: Client

    async def user(self, name: str, document: str | None = None) -> Client:
        """Make a user with a key and, when given, a policy of its own."""
        await self.root.call("CreateUser", UserName=name)
        if document is not None:
            await self.grant("User", name, document)
        key = (await self.root.call("CreateAccessKey", UserName=name))["AccessKey"]
        return Client(self.gateway, self.clock, key["AccessKeyId"], key["AccessKeySecret"])

    async def grant(self, kind: str, name: str, document: str, policy_name: str | None = None) -> str:
        """Make a policy and attach it; returns its name."""
        policy_name = policy_name or f"{name}-policy"
        await self.root.call("CreatePolicy", PolicyName=policy_name, PolicyDocument=document)
        await self.attach(kind, name, policy_name)
        return policy_name

    async def attach(self, kind: str, name: str, policy_name: str, policy_type: str = "Custom") -> None:
        target = {f"{kind}Name": name}
        await self.root.call(f"AttachPolicyTo{kind}", PolicyType=policy_type, PolicyName=policy_name, **target)

    async def role(self, name: str, trust_document: str, document: str | None = None, **more: object) -> str:
        """Make a role and, when given, a policy of its own; returns its ARN."""
        made = await self.root.call("CreateRole", RoleName=name, AssumeRolePolicyDocument=trust_document, **more)
        if document is not None:
            await self.grant("Role", name, document)
        return str(made["Role"]["Arn"])

    async def assume(self, caller: Client, role_arn: str, session: str = "session", **more: object) -> Client:
        answer = await caller.call("AssumeRole", RoleArn=role_arn, RoleSessionName=session, **more)
        key = answer["Credentials"]
        return Client(self.gateway, self.clock, key["AccessKeyId"], key["AccessKeySecret"], key["SecurityToken"])

    async def principal(self, client: Client) -> Principal:
        credential = await self.ram.credential(client.key_id)
        assert credential is not None
        return credential.principal


@asynccontextmanager
async def open_node(database: Database, vault: Vault, clock: AdjustableClock) -> AsyncIterator[Node]:
    """Start a process of the cloud in ``database``; the first one makes the account."""
    ram = Ram(database, vault, clock, Ids())
    await ram.bootstrap()
    root_key = await ram.root_key()
    assert root_key is not None
    sts = Sts(ram, clock)
    nonces = Nonces(database)
    gateway = Gateway(
        {ram_product: ram, sts_product: sts},
        ram=ram,
        nonces=nonces,
        clock=clock,
        ids=Ids(),
        settings=Settings(data_dir=Path("/nonexistent")),
    )
    root = Client(gateway, clock, root_key.access_key_id, root_key.secret)
    yield Node(gateway, ram, sts, clock, root_key.account_id, root)
    await nonces.close()
