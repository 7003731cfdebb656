"""Texts that fields and parameters have by their names, the same wherever a name stands."""

from __future__ import annotations

import base64
import re

TIME = "2026-01-01T00:00:00Z"
_WHOLE = {
    "nexttoken": "",
    "code": "",
    "output": base64.b64encode(b"1").decode(),
    "ostype": "linux",
    "osname": "Linux",
    "osnameen": "Linux",
    "platform": "Aliyun",
    "cidrblock": "10.0.0.0/8",
    "progress": "100%",
    "notificationmetadata": '{"key": "value"}',
    "cloudassistantstatus": "true",
    "lifecyclestate": "InService",
    "resourcetype": "ACS::ECS::Instance",
    "commandcontent": "uptime",
    "httpendpoint": "https://example.test/",
    "executionid": "exec-tide.t0001.t0002",
}
#: the longest that ends a name counts
_ENDS = {
    "instanceid": "i-bp1tide1",
    "dbinstanceid": "rm-bp1tide1",
    "diskid": "d-bp1tide1",
    "snapshotid": "s-bp1tide1",
    "imageid": "m-bp1tide1",
    "instancetype": "ecs.g6.large",
    "vswitchid": "vsw-bp1tide1",
    "vpcid": "vpc-bp1tide1",
    "securitygroupid": "sg-bp1tide1",
    "eniid": "eni-bp1tide1",
    "networkinterfaceid": "eni-bp1tide1",
    "allocationid": "eip-bp1tide1",
    "regionid": "cn-hangzhou",
    "region": "cn-hangzhou",
    "zoneid": "cn-hangzhou-h",
    "commandid": "c-bp1tide1",
    "invokeid": "t-bp1tide1",
    "scalinggroupid": "asg-bp1tide1",
    "time": TIME,
    "date": TIME,
    "timestamp": TIME,
    "ip": "10.0.0.1",
    "ips": "10.0.0.1",
    "ipaddress": "10.0.0.1",
    "url": "https://example.test/tide",
    "count": "1",
    "amount": "1",
    "price": "1.5",
    "cost": "1.5",
    "percent": "10",
    "commitment": "1",
    "interval": "1",
    "threshold": "90",
}


#: what a text may be that no name tells: a word, a number, the JSON text of a list or of a map
_STYLES = ("{}1", "1", '["{}1"]', '{{"key": "{}1"}}')


def text_for(name: str, style: int = 0) -> str:
    """Return the text of a field; ``style`` chooses among what a text can be that its name says nothing about."""
    key = name.lower().replace("_", "").replace("-", "")
    if key in _WHOLE:
        return _WHOLE[key]
    for length in range(len(key), 1, -1):
        if (end := key[-length:]) in _ENDS:
            return _ENDS[end]
    return _STYLES[style].format(re.sub("[^a-z0-9]", "", key))
