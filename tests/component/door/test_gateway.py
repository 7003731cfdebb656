"""What a signed call gets back, in both dialects."""

from __future__ import annotations

import logging
from typing import Any
from xml.etree import ElementTree

import pytest

from support.door import KEY_ID, SECRET, USER, Credential, Door, open_door
from tidegate.cloud.caller import PathCall
from tidegate.errors import CloudError

USER_KEY = ("LTAIUserKey000000002", "made-up-secret-0002")


@pytest.fixture
def door() -> Door:
    return open_door(Credential(access_key_id=USER_KEY[0], secret=USER_KEY[1], principal=USER))


async def test_an_rpc_call_is_served(door: Door) -> None:
    reply = await door.rpc("OpenGate", GateId="g-1").at(door.gateway)

    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json;charset=utf-8"
    assert reply.tree == {"RequestId": reply.headers["x-acs-request-id"], "GateId": "g-1", "Region": "cn-hangzhou"}
    assert door.service.opened == ["g-1"]
    assert door.ram.used == [KEY_ID]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_acs3_call_is_served(door: Door, method: str) -> None:
    reply = await door.acs3("OpenGate", {"GateId": "g 潮*~"}, method=method).at(door.gateway)

    assert reply.tree["GateId"] == "g 潮*~"


async def test_form_and_query_are_one_and_the_form_wins(door: Door) -> None:
    over_rpc = await door.rpc("OpenGate", form={"GateId": "form", "RegionId": "cn-beijing"}, GateId="query").at(
        door.gateway
    )
    over_acs3 = await door.acs3("OpenGate", {"GateId": "query"}, form={"GateId": "form"}).at(door.gateway)

    assert (over_rpc.tree["GateId"], over_rpc.tree["Region"]) == ("form", "cn-beijing")
    assert over_acs3.tree["GateId"] == "form"


async def test_a_call_may_travel_in_the_form_alone(door: Door) -> None:
    knock = door.rpc("OpenGate", GateId="g")
    knock.body, knock.query = knock.query, b""
    knock.headers.append((b"content-type", b"application/x-www-form-urlencoded; charset=UTF-8"))

    assert (await knock.at(door.gateway)).status == 200


async def test_an_empty_octet_stream_body_is_no_error(door: Door) -> None:
    knock = door.acs3("OpenGate", {"GateId": "g"})
    knock.headers += [(b"content-type", b"application/octet-stream"), (b"content-length", b"0")]

    assert (await knock.at(door.gateway)).status == 200


async def test_the_host_header_is_taken_as_raw_text(door: Door) -> None:
    reply = await door.acs3("OpenGate", {"GateId": "g"}, host="http://127.0.0.1:8080").at(door.gateway)

    assert reply.status == 200


async def test_unsigned_headers_cannot_change_an_rpc_call(door: Door) -> None:
    knock = door.rpc("OpenGate", GateId="g")
    knock.headers += [(b"x-acs-action", b"BreakDam"), (b"x-acs-version", b"1999-01-01")]

    assert (await knock.at(door.gateway)).tree["GateId"] == "g"


async def test_several_values_of_a_signed_header_are_sorted_and_joined(door: Door) -> None:
    knock = door.acs3("OpenGate", {"GateId": "g"}, x_acs_note="a,b")
    knock.headers = [(k, v) for k, v in knock.headers if k != b"x-acs-note"]
    knock.headers += [(b"x-acs-note", b"b"), (b"x-acs-note", b"a")]

    assert (await knock.at(door.gateway)).status == 200


@pytest.mark.parametrize(
    ("asked", "accept", "is_xml"),
    [
        ("JSON", "", False),
        ("json", "text/xml", False),
        ("XML", "application/json", True),
        ("xml", "", True),
        ("None", "application/json", False),
        ("", "application/json", False),
        ("None", "", True),
        ("", "*/*", True),
    ],
)
async def test_format_decides_then_accept_then_xml(door: Door, asked: str, accept: str, is_xml: bool) -> None:
    knock = door.rpc("OpenGate", GateId="g", Format=asked)
    knock.headers.append((b"accept", accept.encode()))

    reply = await knock.at(door.gateway)

    assert reply.status == 200
    assert reply.headers["content-type"] == ("text/xml;charset=utf-8" if is_xml else "application/json;charset=utf-8")
    if is_xml:
        assert ElementTree.fromstring(reply.body).tag == "OpenGateResponse"


async def test_an_error_is_written_in_the_format_that_was_asked_for(door: Door) -> None:
    reply = await door.rpc("CloseGate", GateId="g", Format="XML").at(door.gateway)

    error = ElementTree.fromstring(reply.body)
    assert reply.status == 403
    assert reply.headers["content-type"] == "text/xml;charset=utf-8"
    assert (error.tag, error.findtext("Code")) == ("Error", "IncorrectGateStatus")
    assert error.findtext("HostId") == "127.0.0.1:4599"
    assert error.findtext("RequestId") == reply.headers["x-acs-request-id"]


async def test_a_crash_shows_nothing_of_the_inside(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    reply = await door.rpc("BreakDam").at(door.gateway)

    assert (reply.status, reply.code) == (500, "InternalError")
    assert b"secret" not in reply.body
    assert b"Traceback" not in reply.body
    assert any(record.exc_info for record in caplog.records)


async def test_each_call_writes_one_line_without_parameters(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "tidegate.gateway")

    await door.rpc("OpenGate", GateId="very-private", key=USER_KEY).at(door.gateway)

    [record] = caplog.records
    fields: dict[str, Any] = vars(record)
    assert (fields["product"], fields["action"], fields["version"]) == ("Tide", "OpenGate", "2024-01-01")
    assert fields["principal"] == "acs:ram::1234567890123456:user/ada"
    assert (fields["status"], fields["code"]) == (403, "Forbidden.RAM")
    assert "very-private" not in str(fields)
    assert SECRET not in str(fields)


async def test_actions_are_found_in_any_case_and_authorized_by_their_own_name(door: Door) -> None:
    reply = await door.rpc("openGate", GateId="g").at(door.gateway)

    assert reply.status == 200
    assert door.ram.asked == [("tide:OpenGate", "acs:tide:cn-hangzhou:1234567890123456:gate/g")]


async def test_every_resource_must_be_allowed(door: Door) -> None:
    arn = "acs:tide:cn-hangzhou:1234567890123456:gauge/"
    door.ram.allowed = {("tide:DescribeGauges", f"{arn}a")}

    both = await door.rpc("DescribeGauges", key=USER_KEY, **{"GaugeIds.1": "a", "GaugeIds.2": "b"}).at(door.gateway)
    one = await door.rpc("DescribeGauges", key=USER_KEY, **{"GaugeIds.1": "a"}).at(door.gateway)

    assert (both.status, both.code) == (403, "Forbidden.RAM")
    assert both.tree["AccessDeniedDetail"] == {
        "AuthAction": "tide:DescribeGauges",
        "NoPermissionType": "ImplicitDeny",
    }
    assert one.status == 200


async def test_ram_is_told_where_a_call_comes_from(door: Door) -> None:
    await door.rpc("OpenGate", GateId="g").at(door.gateway)

    assert door.ram.contexts == [
        {"acs:SourceIp": "127.0.0.1", "acs:SecureTransport": "false", "acs:CurrentTime": "2024-01-02T03:04:05Z"}
    ]


async def test_permission_comes_before_parameters(door: Door) -> None:
    denied = await door.rpc("OpenGate", key=USER_KEY).at(door.gateway)
    door.ram.allowed = {("tide:OpenGate", "acs:tide:cn-hangzhou:1234567890123456:gate/*")}
    allowed = await door.rpc("OpenGate", key=USER_KEY).at(door.gateway)

    assert denied.code == "Forbidden.RAM"
    assert (allowed.status, allowed.code) == (400, "MissingParameter")
    assert door.service.opened == []


async def test_only_who_may_touch_anything_is_told_what_does_not_exist(door: Door) -> None:
    denied = await door.rpc("LiftSluice", GateId="gone", key=USER_KEY).at(door.gateway)
    told = await door.rpc("LiftSluice", GateId="gone").at(door.gateway)

    assert denied.code == "Forbidden.RAM"
    assert (told.status, told.code) == (404, "InvalidGateId.NotFound")
    assert door.ram.asked == [("tide:LiftSluice", "*")] * 2


async def test_an_operation_without_actions_needs_no_permission(door: Door) -> None:
    reply = await door.rpc("BreakDam", key=USER_KEY).at(door.gateway)

    assert reply.code == "InternalError"
    assert door.ram.asked == []


async def test_a_client_token_comes_with_a_fingerprint_of_what_was_asked(door: Door) -> None:
    async def told(**parameters: str) -> tuple[Any, Any]:
        tree = (await door.rpc("OpenGate", **parameters).at(door.gateway)).tree
        return tree["ClientToken"], tree["Fingerprint"]

    first = await told(GateId="g", ClientToken="t")

    assert first == await told(GateId="g", ClientToken="t")
    assert first != await told(GateId="h", ClientToken="t")
    assert first[0] == "t"


@pytest.mark.parametrize("token", ["x" * 65, "潮", "a\nb"])
async def test_a_client_token_is_short_ascii(door: Door, token: str) -> None:
    reply = await door.rpc("OpenGate", GateId="g", ClientToken=token).at(door.gateway)

    assert reply.tree["Message"] == 'The specified value of parameter "ClientToken" is not valid.'


async def test_a_call_in_roa_style_of_a_product_of_this_cloud_is_answered_here(door: Door) -> None:
    caller = door.gateway.caller(USER)
    door.ram.allowed = {("tide:DescribeGauges", f"acs:tide:cn-beijing:1234567890123456:gauge/{g}") for g in "ab"}

    async def call(product: str, body: str) -> Any:
        request = PathCall(method="POST", path="/gauges", query={"Verbose": "true"}, body=body)
        return await caller.call_path(product, "describegauges", request, region="cn-beijing")

    tree = await call("TIDE", '{"GaugeId": ["a", "b"]}')

    assert [gauge["GaugeId"] for gauge in tree["Gauges"]["Gauge"]] == ["a", "b"]
    for product, body in (("tide", "[1]"), ("nothing", "")):
        with pytest.raises(CloudError):
            await call(product, body)


async def test_a_runbook_calls_the_same_operation_in_process(door: Door) -> None:
    caller = door.gateway.caller(USER)
    door.ram.allowed = {("tide:DescribeGauges", f"acs:tide:cn-beijing:1234567890123456:gauge/{g}") for g in "ab"}

    tree = await caller.call("TIDE", "describegauges", {"GaugeId": ["a", "b"], "Verbose": True}, region="cn-beijing")

    assert [gauge["GaugeId"] for gauge in tree["Gauges"]["Gauge"]] == ["a", "b"]
    assert len(tree["RequestId"]) == 36
    assert door.ram.refreshed == 1


@pytest.mark.parametrize(
    ("product", "action", "parameters", "code"),
    [
        ("tide", "OpenGate", {"GateId": "g"}, "Forbidden.RAM"),
        ("tide", "Unheard", {}, "InvalidApi.NotFound"),
        ("unheard", "OpenGate", {}, "InvalidApi.NotFound"),
        ("tide", "BreakDam", {}, "InternalError"),
    ],
)
async def test_a_runbook_gets_the_same_errors(
    door: Door, product: str, action: str, parameters: dict[str, Any], code: str
) -> None:
    from tidegate.errors import CloudError

    with pytest.raises(CloudError) as failure:
        await door.gateway.caller(USER).call(product, action, parameters, region="cn-hangzhou")

    assert failure.value.code == code
