"""Official SDKs of both generations, unmodified, against a door on a real port."""
# ruff: noqa: N815 - an SDK is imported where it is used: they cost seconds; one names a field in its own style

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from support.door import KEY_ID, SECRET, VERSION
from support.door_server import USER_KEY, Served


def tea_client(served: Served, key: tuple[str, str] = (KEY_ID, SECRET), **config: Any) -> Any:
    from alibabacloud_tea_openapi.client import Client
    from alibabacloud_tea_openapi.utils_models import Config

    return Client(
        Config(
            access_key_id=key[0],
            access_key_secret=key[1],
            region_id="cn-hangzhou",
            endpoint=config.pop("endpoint", served.endpoint),
            protocol="http",
            **config,
        )
    )


def tea_call(client: Any, action: str, query: dict[str, Any], *, method: str = "POST", body: Any = None) -> Any:
    from alibabacloud_tea_openapi.utils import Utils
    from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
    from darabonba.runtime import RuntimeOptions

    params = Params(
        action=action,
        version=VERSION,
        protocol="http",
        pathname="/",
        method=method,
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    return client.call_api(params, OpenApiRequest(query=Utils.query(query), body=body), RuntimeOptions())


@pytest.mark.parametrize("algorithm", [None, "v2"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_tea_client_calls_in_both_algorithms(served: Served, algorithm: str | None, method: str) -> None:
    client = tea_client(served, signature_algorithm=algorithm)

    answer = tea_call(
        client,
        "DescribeGauges",
        {"GaugeIds": ["a b*", "潮/~+"], "Tags": [{"Key": "k"}], "Verbose": True, "Names": json.dumps(["n"])},
        method=method,
    )

    assert answer["statusCode"] == 200
    assert [gauge["GaugeId"] for gauge in answer["body"]["Gauges"]["Gauge"]] == ["a b*", "潮/~+"]
    assert answer["body"]["Gauges"]["Gauge"][0]["Open"] is True
    assert answer["headers"]["x-acs-request-id"] == answer["body"]["RequestId"]


def test_a_tea_client_sends_a_form_body(served: Served) -> None:
    answer = tea_call(tea_client(served), "OpenGate", {"GateId": "g"}, body={"Amount": 3, "Note": "a b/潮"})

    assert answer["body"]["GateId"] == "g"


def test_an_endpoint_with_a_scheme_works_although_the_host_header_is_odd(served: Served) -> None:
    client = tea_client(served, endpoint=f"http://{served.endpoint}")

    assert tea_call(client, "OpenGate", {"GateId": "odd"})["body"]["GateId"] == "odd"


async def test_the_asynchronous_tea_client_works(served: Served) -> None:
    from alibabacloud_tea_openapi.utils import Utils
    from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
    from darabonba.runtime import RuntimeOptions

    params = Params(
        action="OpenGate",
        version=VERSION,
        protocol="http",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    request = OpenApiRequest(query=Utils.query({"GateId": "async"}))

    answer = await tea_client(served).call_api_async(params, request, RuntimeOptions())

    assert answer["body"]["GateId"] == "async"


def test_a_tea_client_understands_a_wrong_secret(served: Served) -> None:
    from darabonba.exceptions import DaraException

    with pytest.raises(DaraException) as failure:
        tea_call(tea_client(served, (KEY_ID, "wrong")), "OpenGate", {"GateId": "g"})

    assert failure.value.code == "SignatureDoesNotMatch"


def test_a_tea_client_sees_why_it_was_denied(served: Served) -> None:
    with pytest.raises(Exception, match="User not authorized") as failure:
        tea_call(tea_client(served, USER_KEY), "OpenGate", {"GateId": "g"})

    error: Any = failure.value
    assert error.code == "Forbidden.RAM"
    assert error.status_code == 403
    assert error.access_denied_detail["AuthAction"] == "tide:OpenGate"


def test_a_tea_client_sees_a_crash_as_a_server_error(served: Served) -> None:
    with pytest.raises(Exception, match="unknown error") as failure:
        tea_call(tea_client(served), "BreakDam", {})

    error: Any = failure.value
    assert (error.code, error.status_code) == ("InternalError", 500)


def old_client(key: tuple[str, str] = (KEY_ID, SECRET)) -> Any:
    from aliyunsdkcore.client import AcsClient

    return AcsClient(*key, "cn-hangzhou")


def common_request(served: Served, action: str, *, method: str = "GET") -> Any:
    from aliyunsdkcore.request import CommonRequest

    request = CommonRequest(domain=served.endpoint, version=VERSION, action_name=action)
    request.set_protocol_type("http")
    request.set_method(method)
    return request


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_common_request_of_the_old_core_works(served: Served, method: str) -> None:
    request = common_request(served, "DescribeGauges", method=method)
    request.add_query_param("GaugeIds.1", "a b*潮")
    if method == "POST":
        request.add_body_params("GaugeIds.2", "from the body")

    tree = json.loads(old_client().do_action_with_exception(request))

    expected = ["a b*潮"] if method == "GET" else ["a b*潮", "from the body"]
    assert [gauge["GaugeId"] for gauge in tree["Gauges"]["Gauge"]] == expected


def generated_request(served: Served, action: str, **parameters: str) -> Any:
    """What the old product packages are made of."""
    from aliyunsdkcore.request import RpcRequest

    request = RpcRequest("Tide", VERSION, action)
    request.set_endpoint(served.endpoint)
    request.set_protocol_type("http")
    for name, value in parameters.items():
        request.add_query_param(name, value)
    return request


def test_a_request_without_accept_format_is_answered_in_xml(served: Served) -> None:
    with pytest.warns(DeprecationWarning, match="do_action"):
        body = old_client().do_action(generated_request(served, "OpenGate", GateId="g"))

    tree = ElementTree.fromstring(body)
    assert (tree.tag, tree.findtext("GateId")) == ("OpenGateResponse", "g")


def test_the_old_core_reads_code_and_status_of_an_error(served: Served) -> None:
    from aliyunsdkcore.acs_exception.exceptions import ServerException

    request = common_request(served, "CloseGate")
    request.add_query_param("GateId", "g")

    with pytest.raises(ServerException) as failure:
        old_client().do_action_with_exception(request)

    assert failure.value.error_code == "IncorrectGateStatus"
    assert failure.value.http_status == 403
    assert failure.value.request_id


def test_the_old_core_tells_a_wrong_secret_by_the_string_to_sign(served: Served) -> None:
    from aliyunsdkcore.acs_exception.exceptions import ServerException

    with pytest.raises(ServerException) as failure:
        old_client((KEY_ID, "wrong")).do_action_with_exception(generated_request(served, "OpenGate", GateId="a:b"))

    assert failure.value.error_code == "InvalidAccessKeySecret"


def libcloud_connection(served: Served, secret: str = SECRET) -> Any:
    from libcloud.common.aliyun import AliyunXmlResponse, SignedAliyunConnection

    class TideResponse(AliyunXmlResponse):
        namespace = None

    class TideConnection(SignedAliyunConnection):
        api_version = version = VERSION
        responseCls = TideResponse

    return TideConnection(KEY_ID, secret, secure=False, host="127.0.0.1", port=served.port)


def test_libcloud_reads_the_answer_as_xml(served: Served) -> None:
    connection = libcloud_connection(served)

    tree = connection.request("/", {"Action": "DescribeGauges", "GaugeIds.1": "a b*/潮", "Verbose": "true"}).object

    assert tree.tag == "DescribeGaugesResponse"
    assert tree.findtext("Gauges/Gauge/GaugeId") == "a b*/潮"
    assert tree.findtext("Gauges/Gauge/Note") == "<a & b>"
    assert tree.findtext("Gauges/Gauge/Open") == "true"


def test_libcloud_reads_an_error_as_xml(served: Served) -> None:
    with pytest.raises(Exception, match="IncorrectGateStatus"):
        libcloud_connection(served).request("/", {"Action": "CloseGate", "GateId": "g"})


def test_the_old_tea_generation_posts_a_form(served: Served) -> None:
    """The ESS 2014 package is built on this call: business parameters in the form, HMAC-SHA1 (wire.md 6)."""
    from alibabacloud_tea_openapi.utils_models import OpenApiRequest
    from darabonba.runtime import RuntimeOptions

    client = tea_client(served)
    request = OpenApiRequest(body={"GateId": "form"})
    answer = client.do_rpcrequest("OpenGate", VERSION, "http", "POST", "AK", "json", request, RuntimeOptions())

    assert answer["body"]["GateId"] == "form"
