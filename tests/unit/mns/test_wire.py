"""The REST protocol of MNS: signatures, XML, receipts, and which operation a request means."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.errors import CloudError
from tidegate.gateway.mns.targets import place_of, target_of
from tidegate.services.mns import receipts
from tidegate.store.mns.messages import Receipt
from tidegate.wire import mns as wire

TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=30)


def test_a_request_is_signed_as_the_vendor_s_example_is() -> None:
    headers = {"host": "x", "date": "Thu, 09 Jul 2015 03:01:34 GMT", "x-mns-version": "2015-06-06"}

    to_sign = wire.string_to_sign("GET", "/MyQueue", headers)

    assert to_sign == "GET\n\n\nThu, 09 Jul 2015 03:01:34 GMT\nx-mns-version:2015-06-06\n/MyQueue"
    # The page shows all but the last characters.
    assert wire.signature("TestAccessSecret", to_sign).startswith("uwx3yeWoILzgmvesW0BQSgfM")


@given(st.dictionaries(st.from_regex(r"[A-Z][a-z]{1,8}", fullmatch=True), TEXT.filter(bool), min_size=1, max_size=5))
def test_what_is_written_as_xml_is_read_back(tree: dict[str, Any]) -> None:
    tree = {name: value for name, value in tree.items() if name != "Message"}
    assert wire.read_xml(wire.write_xml("Root", tree)) == ("Root", tree)


@given(st.one_of(st.binary(max_size=200), TEXT.map(lambda text: f"<a><b>{text}</b>".encode())))
def test_whatever_is_sent_as_xml_is_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(wire.MalformedError):
        wire.read_xml(body)


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a>" + b"<b>" * 20 + b"</b>" * 20 + b"</a>",
        b"<a>" + b"<b/>" * 2000 + b"</a>",
        b"<a>",
        b"",
    ],
)
def test_xml_that_no_request_needs_is_refused(body: bytes) -> None:
    with pytest.raises(wire.MalformedError):
        wire.read_xml(body)


def test_lists_are_lists_even_of_one() -> None:
    body = b"<m:Messages xmlns:m='x'><m:Message><m:MessageBody> a b </m:MessageBody></m:Message></m:Messages>"
    assert wire.read_xml(body) == ("Messages", {"Message": [{"MessageBody": " a b "}]})


@given(
    st.integers(0, 2**53),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**52).map(lambda number: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number)),
)
def test_a_receipt_is_read_as_it_was_written(position: int, count: int, moment: datetime) -> None:
    receipt = Receipt(position, count, moment)
    assert receipts.read(receipts.write(receipt)) == receipt


@given(st.text(max_size=40))
def test_any_other_receipt_is_refused(handle: str) -> None:
    with contextlib.suppress(CloudError):
        assert receipts.write(receipts.read(handle)) == handle.rstrip("=")


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "action"),
    [
        ("GET", "/queues", {}, b"", "ListQueue"),
        ("PUT", "/queues/q", {}, b"", "CreateQueue"),
        ("PUT", "/queues/q", {"metaOverride": "true"}, b"<Queue/>", "SetQueueAttributes"),
        ("GET", "/queues/q", {}, b"", "GetQueueAttributes"),
        ("DELETE", "/queues/q", {}, b"", "DeleteQueue"),
        ("POST", "/queues/q/messages", {}, b"<Message/>", "SendMessage"),
        ("POST", "/queues/q/messages", {}, b"<Messages/>", "BatchSendMessage"),
        ("GET", "/queues/q/messages", {"waitseconds": "3"}, b"", "ReceiveMessage"),
        ("GET", "/queues/q/messages", {"numOfMessages": "3"}, b"", "BatchReceiveMessage"),
        ("GET", "/queues/q/messages", {"peekonly": "true"}, b"", "PeekMessage"),
        ("GET", "/queues/q/messages", {"peekonly": "true", "numOfMessages": "3"}, b"", "BatchPeekMessage"),
        ("DELETE", "/queues/q/messages", {"ReceiptHandle": "x"}, b"", "DeleteMessage"),
        ("DELETE", "/queues/q/messages", {}, b"<ReceiptHandles/>", "BatchDeleteMessage"),
        ("PUT", "/queues/q/messages", {"ReceiptHandle": "x"}, b"", "ChangeMessageVisibility"),
        ("GET", "/topics", {}, b"", "ListTopic"),
        ("PUT", "/topics/t", {}, b"<Topic/>", "CreateTopic"),
        ("PUT", "/topics/t", {"metaoverride": "true"}, b"<Topic/>", "SetTopicAttributes"),
        ("GET", "/topics/t", {}, b"", "GetTopicAttributes"),
        ("DELETE", "/topics/t", {}, b"", "DeleteTopic"),
        ("POST", "/topics/t/messages", {}, b"<Message/>", "PublishMessage"),
        ("GET", "/topics/t/subscriptions", {}, b"", "ListSubscriptionByTopic"),
        ("PUT", "/topics/t/subscriptions/s", {}, b"<Subscription/>", "Subscribe"),
        ("PUT", "/topics/t/subscriptions/s", {"metaoverride": "true"}, b"", "SetSubscriptionAttributes"),
        ("GET", "/topics/t/subscriptions/s", {}, b"", "GetSubscriptionAttributes"),
        ("DELETE", "/topics/t/subscriptions/s", {}, b"", "Unsubscribe"),
    ],
)
def test_every_request_means_one_operation(
    method: str, path: str, query: dict[str, str], body: bytes, action: str
) -> None:
    assert target_of(method, path, query, {}, body).action == action


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "/queues", b"", "InvalidRequestURL"),
        ("GET", "/queues/q/messages/more", b"", "InvalidRequestURL"),
        ("PATCH", "/topics/t", b"", "InvalidRequestURL"),
        ("POST", "/queues/q/messages", b"<Queue/>", "InvalidArgument"),
        ("POST", "/queues/q/messages", b"no xml", "MalformedXML"),
    ],
)
def test_other_requests_are_refused(method: str, path: str, body: bytes, code: str) -> None:
    with pytest.raises(CloudError) as caught:
        target_of(method, path, {}, {}, body)
    assert caught.value.code == code


def test_a_body_cannot_name_another_queue_than_the_path() -> None:
    body = b"<Message><QueueName>theirs</QueueName><MessageBody>x</MessageBody></Message>"
    assert target_of("POST", "/queues/mine/messages", {}, {}, body).parameters["QueueName"] == "mine"


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("123.mns.cn-beijing.aliyuncs.com", ("123", "cn-beijing")),
        ("123.mns.cn-beijing-internal.aliyuncs.com", ("123", "cn-beijing")),
        ("123.MNS.ap-southeast-1.localhost:4599", ("123", "ap-southeast-1")),
        ("127.0.0.1:4599", ("", "")),
        ("localhost", ("", "")),
    ],
)
def test_a_host_may_say_whose_and_where(host: str, place: tuple[str, str]) -> None:
    found = place_of(host)
    assert (found.account_id, found.region) == place
