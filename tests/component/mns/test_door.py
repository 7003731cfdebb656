"""The REST door: who is let in, what is refused in which words, and that nothing sent at it makes it fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support import postgres
from support.clouds import Memory, open_memory
from support.mns_rest import ask
from tidegate.errors import CloudError
from tidegate.folder import DataFolder
from tidegate.services.mns.api import mns
from tidegate.services.operation import Principal
from tidegate.wire.mns import VERSION, content_md5, signature, string_to_sign

Key = tuple[str, str]
MESSAGE = b"<Message><MessageBody>x</MessageBody></Message>"


@pytest.fixture
async def cloud(database_dsn: str, tmp_path: Path) -> AsyncIterator[Memory]:
    async with open_memory(database_dsn, tmp_path) as opened:
        yield opened


@pytest.fixture
def key(cloud: Memory) -> Key:
    found = DataFolder(cloud.cloud.settings.data_dir).read_local_key()
    return found.access_key_id, found.access_key_secret


REFUSED: list[tuple[dict[str, str], str | None, int, str]] = [
    ({"authorization": ""}, None, 400, "MissingAuthorizationHeader"),
    ({"authorization": "Basic x"}, None, 400, "InvalidAuthorizationHeader"),
    ({"authorization": "MNS x"}, None, 400, "InvalidAuthorizationHeader"),
    ({"date": ""}, None, 400, "MissingDateHeader"),
    ({"date": "yesterday"}, None, 400, "InvalidDateHeader"),
    ({"date": formatdate(1, usegmt=True)}, None, 408, "TimeExpired"),
    ({"x-mns-version": ""}, None, 400, "MissingVersionHeader"),
    ({"x-mns-version": "2014-01-01"}, None, 400, "InvalidVersionHeader"),
    ({"content-md5": "nonsense"}, None, 400, "InvalidDegist"),
    ({}, "nonsense", 403, "SignatureDoesNotMatch"),
    ({"security-token": "nonsense"}, None, 403, "InvalidSecurityToken"),
]


async def test_headers_are_checked_in_the_words_of_the_page(cloud: Memory, key: Key) -> None:
    for headers, signed, status, code in REFUSED:  # one cloud for all of them
        reply = await ask(cloud.cloud, key, "GET", "/queues", headers=headers, signed=signed)
        assert (reply.status, reply.code) == (status, code)
        assert reply.headers["x-mns-request-id"]


async def test_a_request_may_carry_its_date_and_digest_in_other_forms(cloud: Memory, key: Key) -> None:
    dated = {"date": "", "x-mns-date": formatdate(usegmt=True)}
    digest = {"content-md5": content_md5(MESSAGE)}
    await ask(cloud.cloud, key, "PUT", "/queues/q")

    assert (await ask(cloud.cloud, key, "GET", "/queues", headers=dated)).status == 200
    assert (await ask(cloud.cloud, key, "POST", "/queues/q/messages", MESSAGE, digest)).status == 201


async def test_a_changed_request_does_not_pass(cloud: Memory, key: Key) -> None:
    """The signature covers the target with its query, and the headers of the product."""
    await ask(cloud.cloud, key, "PUT", "/queues/q")
    headers = {"x-mns-prefix": "a"}
    date = formatdate(usegmt=True)
    given = {"host": "127.0.0.1", "date": date, "x-mns-version": VERSION, **headers}
    signed = signature(key[1], string_to_sign("GET", "/queues", given))
    same = {"date": date, **headers}

    replies = [
        await ask(cloud.cloud, key, "GET", "/queues", headers=same, signed=signed),
        await ask(cloud.cloud, key, "GET", "/queues", headers={**same, "x-mns-prefix": "b"}, signed=signed),
        await ask(cloud.cloud, key, "GET", "/queues/q", headers=same, signed=signed),
        await ask(cloud.cloud, key, "GET", "/queues?x=1", headers=same, signed=signed),
        await ask(cloud.cloud, key, "PUT", "/queues", headers=same, signed=signed),
    ]

    assert [reply.status for reply in replies] == [200, 403, 403, 403, 403]


async def test_temporary_keys_bring_their_token(cloud: Memory) -> None:
    account = await cloud.cloud.services.ram.account_id()
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [f"acs:ram::{account}:root"]}}
    allowed = {"Effect": "Allow", "Action": ["mns:*", "sts:AssumeRole"], "Resource": "*"}
    documents = [json.dumps({"Version": "1", "Statement": [statement]}) for statement in (trust, allowed)]
    await cloud.call("ram", "CreateRole", RoleName="sender", AssumeRolePolicyDocument=documents[0])
    await cloud.call("ram", "CreatePolicy", PolicyName="send", PolicyDocument=documents[1])
    await cloud.call("ram", "AttachPolicyToRole", RoleName="sender", PolicyName="send", PolicyType="Custom")
    user = (await cloud.call("ram", "CreateUser", UserName="ada"))["User"]
    await cloud.call("ram", "AttachPolicyToUser", UserName="ada", PolicyName="send", PolicyType="Custom")
    ada = cloud.cloud.gateway.caller(Principal(kind="RAMUser", account_id=account, id=user["UserId"], name="ada"))
    wanted = {"RoleArn": f"acs:ram::{account}:role/sender", "RoleSessionName": "sending"}
    found = (await ada.call("sts", "AssumeRole", wanted, region="cn-hangzhou"))["Credentials"]
    temporary = found["AccessKeyId"], found["AccessKeySecret"]

    with_token = {"security-token": found["SecurityToken"]}

    assert (await ask(cloud.cloud, temporary, "GET", "/queues", headers=with_token)).status == 200
    assert (await ask(cloud.cloud, temporary, "GET", "/queues")).code == "InvalidSecurityToken"


async def test_who_has_no_permission_is_denied_every_operation(cloud: Memory) -> None:
    account = await cloud.cloud.services.ram.account_id()
    created = await cloud.call("ram", "CreateUser", UserName="nobody")
    nobody = cloud.cloud.gateway.caller(
        Principal(kind="RAMUser", account_id=account, id=str(created["User"]["UserId"]), name="nobody")
    )

    for name, operation in mns.operations.items():
        with pytest.raises(CloudError, match="AccessDenied") as caught:
            await nobody.call("mns", name, {}, region="cn-hangzhou")
        assert (caught.value.detail or {})["AuthAction"] in operation.actions, name


PIECES = st.sampled_from(["queues", "topics", "q", "t", "messages", "subscriptions", "s", "", "..", "%00", "潮"])
NAMES = st.sampled_from(["waitseconds", "numOfMessages", "peekonly", "ReceiptHandle", "VisibilityTimeout", "x"])
VALUES = st.sampled_from(["true", "0", "1", "-1", "99999999999999999999", "AAAA", "", "潮", "1e3"])
BODIES = st.one_of(
    st.just(b""),
    st.just(MESSAGE),
    st.sampled_from(["Queue", "Message", "Messages", "Topic", "Subscription", "ReceiptHandles"]).flatmap(
        lambda root: st.sampled_from(
            ["", "<DelaySeconds>x</DelaySeconds>", "<Message><A><B/></A></Message>", "<ReceiptHandle>x</ReceiptHandle>"]
        ).map(lambda inner: f"<{root}>{inner}</{root}>".encode())
    ),
    st.binary(max_size=50),
)


def test_nothing_that_is_sent_makes_the_door_fail(postgres_server: str, database_template: str, tmp_path: Path) -> None:
    runner = asyncio.Runner()
    dsn = runner.run(postgres.create(postgres_server, "mns_fuzz", database_template))
    opening = open_memory(dsn, tmp_path)
    opened = runner.run(opening.__aenter__())
    found = DataFolder(opened.cloud.settings.data_dir).read_local_key()
    key = found.access_key_id, found.access_key_secret
    for path in ("/queues/q", "/topics/t"):
        runner.run(ask(opened.cloud, key, "PUT", path))

    @settings(max_examples=150, deadline=None)
    @given(
        st.sampled_from(["GET", "PUT", "POST", "DELETE"]),
        st.lists(PIECES, min_size=1, max_size=5),
        st.dictionaries(NAMES, VALUES, max_size=3),
        BODIES,
    )
    def knock(method: str, pieces: list[str], query: dict[str, str], body: bytes) -> None:
        if query.get("waitseconds") == "1":  # every other value waits for nothing
            query["waitseconds"] = "0"
        target = "/" + pieces[0] + "/" + quote("/".join(pieces[1:]), safe="/%")
        if query:
            target += "?" + "&".join(f"{name}={quote(value)}" for name, value in query.items())
        reply = runner.run(ask(opened.cloud, key, method, target, body))
        assert reply.status < 500, (method, target, body, reply.body)

    try:
        knock()
    finally:
        runner.run(opening.__aexit__(None, None, None))
        runner.run(postgres.drop(postgres_server, "mns_fuzz"))
        runner.close()
