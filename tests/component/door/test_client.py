"""The HTTP client against a door in this process, and against clouds in trouble."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from support.door import KEY_ID, SECRET, FixedClock, open_door
from tidegate.cloud.client import Client, base_url
from tidegate.cloud.credentials import Keys, Profile, Role
from tidegate.cloud.paging import elements, pages
from tidegate.cloud.products import PRODUCTS, product_named, spell
from tidegate.cloud.retries import MAX_TRIES
from tidegate.errors import CloudError, ConfigurationError, UnreachableError

PROFILE = Profile(keys=Keys(access_key_id=KEY_ID, access_key_secret=SECRET), endpoint="http://127.0.0.1:4599")
Answers = list[httpx.Response | Exception]


class Cloud:
    """Answers what it was told to, one after the other, and remembers what it was asked and how long was paused."""

    def __init__(self, *answers: httpx.Response | Exception, profile: Profile = PROFILE) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.pauses: list[float] = []
        self.clock = FixedClock()
        self.client = Client(profile, clock=self.clock, transport=httpx.MockTransport(self._answer), pause=self._pause)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


def good(**tree: Any) -> httpx.Response:
    return httpx.Response(200, json={"RequestId": "R", **tree})


def bad(code: str, status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"Code": code, "Message": "no"}, headers=headers)


async def test_it_calls_a_door() -> None:
    door = open_door()

    def tide(_product: object, _action: str, parameters: Any) -> dict[str, str]:
        return dict(parameters)

    transport = httpx.ASGITransport(door.gateway)
    async with Client(PROFILE, clock=door.clock, transport=transport, spell=tide) as client:
        tree = await client.call("ess", "OpenGate", {"GateId": "a b*潮/~"}, region="cn-beijing", version="2024-01-01")

    assert (tree["GateId"], tree["Region"]) == ("a b*潮/~", "cn-beijing")


async def test_an_api_error_is_a_cloud_error() -> None:
    door = open_door()

    async with Client(PROFILE, clock=door.clock, transport=httpx.ASGITransport(door.gateway)) as client:
        with pytest.raises(CloudError) as failure:
            await client.call("ess", "CloseGate", {"GateId": "g"}, version="2024-01-01")

    assert (failure.value.code, failure.value.status) == ("IncorrectGateStatus", 403)
    assert failure.value.message == 'The gate "g" is closed.'


@pytest.mark.parametrize(
    ("failure", "action", "parameters", "tries"),
    [
        (lambda: bad("Throttling", 400), "RunInstances", {}, MAX_TRIES),
        (lambda: bad("Throttling.User", 400), "RunInstances", {}, MAX_TRIES),
        (lambda: bad("InternalError", 500), "DescribeInstances", {}, MAX_TRIES),
        (lambda: bad("ServiceUnavailable", 503), "ListTemplates", {}, MAX_TRIES),
        (lambda: bad("InternalError", 500), "RunInstances", {"ClientToken": "t"}, MAX_TRIES),
        (lambda: bad("InternalError", 500), "RunInstances", {}, 1),
        (lambda: bad("Forbidden.RAM", 403), "DescribeInstances", {}, 1),
        (lambda: httpx.ConnectError("refused"), "RunInstances", {}, MAX_TRIES),
        (lambda: httpx.ReadTimeout("late"), "RunInstances", {}, 1),
        (lambda: httpx.ReadTimeout("late"), "DescribeInstances", {}, MAX_TRIES),
        (lambda: httpx.Response(502, text="<html>"), "DescribeInstances", {}, MAX_TRIES),
        (lambda: httpx.Response(200, text="hello"), "RunInstances", {}, 1),
    ],
)
async def test_only_what_is_safe_is_tried_again(
    failure: Callable[[], httpx.Response | Exception], action: str, parameters: dict[str, Any], tries: int
) -> None:
    cloud = Cloud(*(failure() for _ in range(MAX_TRIES)))

    with pytest.raises((CloudError, UnreachableError)):
        await cloud.client.call("ecs", action, parameters)

    assert len(cloud.asked) == tries
    assert cloud.pauses == sorted(cloud.pauses)


async def test_a_second_try_has_a_nonce_of_its_own_and_may_succeed() -> None:
    cloud = Cloud(bad("Throttling", 400), good(TotalCount=0))

    assert (await cloud.client.call("ecs", "DescribeInstances", {}))["TotalCount"] == 0
    first, second = (request.headers["x-acs-signature-nonce"] for request in cloud.asked)
    assert first != second
    assert cloud.pauses == [0.5]


async def test_a_cloud_may_say_how_long_to_wait() -> None:
    cloud = Cloud(bad("Throttling", 400, **{"x-acs-retry-after": "1500"}), good())

    await cloud.client.call("ecs", "DescribeInstances", {})

    assert cloud.pauses == [1.5]


async def test_a_role_is_assumed_once_and_again_before_its_keys_end() -> None:
    def session(key_id: str, until: str) -> httpx.Response:
        keys = {"AccessKeyId": key_id, "AccessKeySecret": "s", "SecurityToken": "t", "Expiration": until}
        return good(Credentials=keys)

    profile = Profile(keys=PROFILE.keys, endpoint=PROFILE.endpoint, role=Role(arn="acs:ram::1:role/r"))
    cloud = Cloud(
        session("STS.1", "2024-01-02T04:04:05Z"), good(), good(), session("STS.2", "2024-01-02T05:04:05Z"), good(),
        profile=profile,
    )  # fmt: skip

    await cloud.client.call("ecs", "DescribeInstances", {})
    await cloud.client.call("ecs", "DescribeInstances", {})
    cloud.clock.advance(timedelta(minutes=56))
    await cloud.client.call("ecs", "DescribeInstances", {})

    assert [request.headers["x-acs-action"] for request in cloud.asked] == [
        "AssumeRole", "DescribeInstances", "DescribeInstances", "AssumeRole", "DescribeInstances",
    ]  # fmt: skip
    assert "Credential=STS.2," in cloud.asked[-1].headers["authorization"]
    assert cloud.asked[-1].headers["x-acs-security-token"] == "t"


async def test_a_product_nobody_knows_is_refused_before_anything_is_sent() -> None:
    cloud = Cloud()

    with pytest.raises(ConfigurationError, match="no product 'tide'; known are adb,"):
        await cloud.client.call("tide", "OpenGate", {})


async def test_the_real_cloud_has_an_address_per_product_and_region() -> None:
    cloud = Cloud(good(), good(), profile=Profile(keys=PROFILE.keys))

    await cloud.client.call("ECS", "DescribeInstances", {}, region="cn-beijing")
    await cloud.client.call("ess", "DescribeScalingGroups", {"RegionId": "cn-chengdu"}, region="cn-beijing")

    assert [str(request.url).split("?")[0] for request in cloud.asked] == [
        "https://ecs.cn-beijing.aliyuncs.com/",
        "https://ess.cn-chengdu.aliyuncs.com/",
    ]
    assert cloud.asked[0].headers["x-acs-version"] == "2014-05-26"


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("127.0.0.1:4599", "http://127.0.0.1:4599"),
        ("localhost:4599", "http://localhost:4599"),
        ("[::1]:4599/", "http://[::1]:4599"),
        ("http://cloud.example:80/", "http://cloud.example:80"),
        ("ecs.example", "https://ecs.example"),
    ],
)
def test_an_endpoint_is_completed(endpoint: str, url: str) -> None:
    assert base_url(endpoint) == url


def test_lists_are_numbered_unless_the_parameter_is_json_text() -> None:
    values = {"InstanceIds": ["i-1"], "Tag": [{"Key": "k"}], "Dry": True, "None": None, "InstanceId.1": "i"}

    assert spell(product_named("ecs"), "DescribeInstances", values) == {
        "InstanceIds": '["i-1"]', "Tag.1.Key": "k", "Dry": "true", "InstanceId.1": "i",
    }  # fmt: skip
    assert spell(product_named("ess"), "RemoveInstances", values)["InstanceIds.1"] == "i-1"


def test_every_product_has_an_address_in_every_region() -> None:
    hosts = {product.address("cn-hangzhou") for product in PRODUCTS.values()}

    assert "ess.aliyuncs.com" in hosts
    assert all("{" not in host for host in hosts)


class Listing:
    """A caller that serves prepared pages."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers: Iterator[dict[str, Any]] = iter(answers)
        self.asked: list[dict[str, Any]] = []

    async def call(self, product: str, action: str, parameters: Any, *, region: str) -> dict[str, Any]:
        self.asked.append(dict(parameters))
        return next(self.answers)


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ([{"NextToken": "t", "A": [1]}, {"NextToken": "", "A": [2]}], [{}, {"NextToken": "t"}]),
        (
            [
                {"PageNumber": 1, "PageSize": 2, "TotalCount": 3, "A": [1]},
                {"PageNumber": 2, "PageSize": 2, "TotalCount": 3},
            ],
            [{}, {"PageNumber": 2, "PageSize": 2}],
        ),
        ([{"IsTruncated": True, "Marker": "m"}, {"IsTruncated": False}], [{}, {"Marker": "m"}]),
        ([{"TotalCount": 9}], [{}]),
        ([{"PageNumber": 1, "PageSize": 0, "TotalCount": 9}], [{}]),
    ],
)
async def test_pages_are_followed_in_every_style(answers: list[dict[str, Any]], asked: list[dict[str, Any]]) -> None:
    caller = Listing(*answers)

    seen = [answer async for answer in pages(caller, "ecs", "DescribeThings", {}, region="r")]

    assert seen == answers
    assert caller.asked == asked


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"RequestId": "R", "Instances": {"Instance": [1, 2]}, "TotalCount": 2}, [1, 2]),
        ({"RequestId": "R", "LifecycleHooks": [1]}, [1]),
        ({"RequestId": "R"}, []),
        ({"A": [1], "B": [2]}, []),
    ],
)
def test_the_one_list_of_an_answer_is_found(answer: dict[str, Any], found: list[int]) -> None:
    assert elements(answer) == found


def test_the_server_does_not_load_the_http_client() -> None:
    program = "import sys, tidegate.gateway.app, tidegate.gateway.server; sys.exit('httpx' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], check=False, env={"PYTHONPATH": ":".join(sys.path)})

    assert done.returncode == 0
