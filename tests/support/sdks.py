"""The official Python SDKs of both generations, aimed at a local cloud. Each package is imported when it is first used."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

Seen = TypeVar("Seen")
REGION = "cn-hangzhou"


class Sdks:
    """Clients of every product for one set of keys."""

    def __init__(self, endpoint: str, key: str, secret: str, token: str | None = None) -> None:
        self.endpoint, self.key, self.secret, self.token = endpoint, key, secret, token

    def _config(self) -> Any:
        from alibabacloud_tea_openapi.utils_models import Config

        return Config(
            access_key_id=self.key,
            access_key_secret=self.secret,
            security_token=self.token,
            region_id=REGION,
            endpoint=self.endpoint,
            protocol="http",
            connect_timeout=5000,
            read_timeout=30000,
        )

    @cached_property
    def ess(self) -> Any:
        """Auto Scaling, 2022-02-22."""
        from alibabacloud_ess20220222.client import Client

        return Client(self._config())

    @cached_property
    def ess2014(self) -> Any:
        """Auto Scaling, 2014-08-28."""
        from alibabacloud_ess20140828.client import Client

        return Client(self._config())

    def mns(self, host: str | None = None) -> Any:
        """Queues and topics: a client of its own at every call, because one cannot be shared between threads."""
        from mns.account import Account

        account = Account(f"http://{host or self.endpoint}", self.key, self.secret, self.token or "")
        account.mns_client.set_keep_alive(False)  # leaves no socket behind
        return account

    @cached_property
    def oos(self) -> Any:
        """Runbooks."""
        from alibabacloud_oos20190601.client import Client

        return Client(self._config())

    @cached_property
    def redis(self) -> Any:
        """R-kvstore."""
        from alibabacloud_r_kvstore20150101.client import Client

        return Client(self._config())

    @cached_property
    def ecs(self) -> Any:
        """Hosts."""
        from alibabacloud_ecs20140526.client import Client

        return Client(self._config())

    @cached_property
    def ram(self) -> Any:
        """Identities."""
        from alibabacloud_ram20150501.client import Client

        return Client(self._config())

    @cached_property
    def sts(self) -> Any:
        """Temporary credentials."""
        from alibabacloud_sts20150401.client import Client

        return Client(self._config())

    @cached_property
    def cms(self) -> Any:
        """CloudMonitor."""
        from alibabacloud_cms20190101.client import Client

        return Client(self._config())

    @cached_property
    def polardb(self) -> Any:
        """PolarDB."""
        from alibabacloud_polardb20170801.client import Client

        return Client(self._config())

    @cached_property
    def dds(self) -> Any:
        """MongoDB."""
        from alibabacloud_dds20151201.client import Client

        return Client(self._config())

    @cached_property
    def adb(self) -> Any:
        """AnalyticDB for MySQL."""
        from alibabacloud_adb20190315.client import Client

        return Client(self._config())

    @cached_property
    def slb(self) -> Any:
        """Load balancers."""
        from alibabacloud_slb20140515.client import Client

        return Client(self._config())

    @cached_property
    def alb(self) -> Any:
        """Server groups of application load balancers."""
        from alibabacloud_alb20200616.client import Client

        return Client(self._config())

    @cached_property
    def rds(self) -> Any:
        """RDS."""
        from alibabacloud_rds20140815.client import Client

        return Client(self._config())

    @cached_property
    def eci(self) -> Any:
        """Container groups."""
        from alibabacloud_eci20180808.client import Client

        return Client(self._config())

    @cached_property
    def vpc(self) -> Any:
        """Networks and elastic addresses."""
        from alibabacloud_vpc20160428.client import Client

        return Client(self._config())

    @cached_property
    def core(self) -> Any:
        """The older core SDK."""
        from aliyunsdkcore.client import AcsClient

        return AcsClient(self.key, self.secret, REGION, timeout=30)

    def call(self, version: str, action: str, **parameters: Any) -> dict[str, Any]:
        """Call any operation through the older core SDK's CommonRequest; returns the JSON answer."""
        import json

        from aliyunsdkcore.request import CommonRequest

        request = CommonRequest(domain=self.endpoint, version=version, action_name=action)
        request.set_protocol_type("http")
        request.set_method("POST")
        for name, value in parameters.items():
            request.add_query_param(name, value)
        answer: dict[str, Any] = json.loads(self.core.do_action_with_exception(request))
        return answer


def eventually(look: Callable[[], Seen], is_right: Callable[[Seen], Any], what: str, seconds: float = 30.0) -> Seen:
    """Look until it is right; fail with what was seen last."""
    ends = time.monotonic() + seconds
    while not is_right(seen := look()):
        assert time.monotonic() < ends, f"waited {seconds} s for {what}; last seen: {seen}"
        time.sleep(0.02)
    return seen


def make_group(sdks: Sdks) -> str:
    """Create an enabled scaling group with a configuration."""
    from alibabacloud_ess20220222 import models as v22

    group: str = sdks.ess.create_scaling_group(
        v22.CreateScalingGroupRequest(region_id=REGION, min_size=0, max_size=5)
    ).body.scaling_group_id
    configuration = sdks.ess.create_scaling_configuration(
        v22.CreateScalingConfigurationRequest(
            scaling_group_id=group, image_id="aliyun_3_x64_20G_alibase_20240528.vhd", instance_type="ecs.g6.large"
        )
    ).body.scaling_configuration_id
    sdks.ess.enable_scaling_group(
        v22.EnableScalingGroupRequest(scaling_group_id=group, active_scaling_configuration_id=configuration)
    )
    return group
